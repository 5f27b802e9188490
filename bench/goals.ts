/** The goals, and whether this run reached them. */

import { table } from './median.ts';

export type Facts = ReadonlyMap<string, number>;

interface Goal {
  readonly scenario: string;
  readonly what: string;
  readonly most: number;
  /** NaN when it was not measured. */
  readonly figure: (fact: (name: string) => number) => number;
}

const OWN = new Set(['floor', 'dnsvalve', 'growth']);
/** Shares of hits, denied and new in the mixed load. */
const MIX = { a: 0.9, b: 0.05, d: 0.05 } as const;
/** What memory may grow by in the second half of a run and still be called flat. */
const FLAT = 1.05;

const ratio =
  (key: string, other: string): Goal['figure'] =>
  (fact) =>
    fact(`${key}.dnsvalve`) / fact(`${key}.${other}`);

const weighted: Goal['figure'] = (fact) => {
  const parts = Object.entries(MIX).map(([key, share]) => share * fact(`${key}.dnsvalve`));
  return fact('e.dnsvalve') / parts.reduce((sum, part) => sum + part, 0);
};

const latency = (key: string): Goal['figure'] => {
  const name = `k, load of ${key}.p999`;
  return (fact) => fact(`${name}.dnsvalve`) / fact(`${name}.unbound`);
};

const GOALS: readonly Goal[] = [
  { scenario: 'a', what: '× floor', most: 1.5, figure: ratio('a', 'floor') },
  { scenario: 'a', what: '× best peer', most: 0.7, figure: ratio('a', 'best') },
  { scenario: 'b', what: '× floor', most: 1.5, figure: ratio('b', 'floor') },
  { scenario: 'b', what: '× best peer', most: 0.65, figure: ratio('b', 'best') },
  { scenario: 'c', what: '× floor', most: 1.5, figure: ratio('c', 'floor') },
  { scenario: 'c', what: '× best peer', most: 0.65, figure: ratio('c', 'best') },
  { scenario: 'd', what: '× dnsdist', most: 0.75, figure: ratio('d', 'dnsdist') },
  { scenario: 'd', what: '× Unbound', most: 0.25, figure: ratio('d', 'unbound') },
  { scenario: 'e', what: '× (a), (b) and (d) weighted by the mix', most: 1.25, figure: weighted },
  { scenario: 'f1', what: '× Unbound', most: 1, figure: ratio('f1', 'unbound') },
  { scenario: 'f2', what: '× Unbound', most: 1, figure: ratio('f2', 'unbound') },
  {
    scenario: 'g',
    what: '× (d)',
    most: 1.3,
    figure: (fact) => fact('g.dnsvalve') / fact('d.dnsvalve'),
  },
  {
    scenario: 'g',
    what: 'resident at the end, × half way',
    most: FLAT,
    figure: (fact) => fact('g.growth'),
  },
  { scenario: 'k', what: 'p99.9 of (a), × Unbound', most: 1, figure: latency('a') },
  { scenario: 'k', what: 'p99.9 of (e), × Unbound', most: 1, figure: latency('e') },
  { scenario: 'h', what: 'first start, s', most: 2, figure: (fact) => fact('h.dnsvalve') },
  {
    scenario: 'h',
    what: 'resident octets per domain',
    most: 16,
    figure: (fact) => fact('h.octets.dnsvalve'),
  },
  {
    scenario: 'r',
    what: 'added by a reload, ms, one core',
    most: 2,
    figure: (fact) => fact('r.one'),
  },
  {
    scenario: 'r',
    what: 'added by a reload, ms, two cores',
    most: 2,
    figure: (fact) => fact('r.two'),
  },
  { scenario: 'j', what: 'records shed', most: 0, figure: (fact) => fact('j.shed') },
  { scenario: 'j', what: 'slowest question, ms', most: 100, figure: (fact) => fact('j.inside') },
  { scenario: 'j', what: 'slowest command, ms', most: 250, figure: (fact) => fact('j.command') },
  { scenario: 't', what: 'act in force, ms', most: 100, figure: (fact) => fact('t.effect') },
  { scenario: 't', what: 'act and its word, ms', most: 100, figure: (fact) => fact('t.command') },
  {
    scenario: 's',
    what: 'two workers, × one, on one core',
    most: 1.05,
    figure: (fact) => fact('s.one.2') / fact('s.one.1'),
  },
];

export function goalTable(facts: Facts): string {
  const fact = (name: string): number => facts.get(name) ?? bestOf(facts, name);
  const rows = GOALS.map(({ scenario, what, most, figure }) => {
    const value = figure(fact);
    if (Number.isNaN(value)) return [`(${scenario})`, what, most, '', 'not measured'];
    const shown = Number.isInteger(value) ? String(value) : value.toFixed(2);
    return [`(${scenario})`, what, most, shown, value <= most ? 'reached' : '**not reached**'];
  });
  return `### goals\n\n${table(['scenario', 'what', 'at most', 'figure', ''], rows)}`;
}

/** `KEY.best`: the lowest cost of a peer. */
function bestOf(facts: Facts, name: string): number {
  const key = name.slice(0, -'best'.length);
  if (!name.endsWith('.best')) return Number.NaN;
  const peers = [...facts].filter(
    ([fact]) => fact.startsWith(key) && !OWN.has(fact.slice(key.length)),
  );
  return peers.length === 0 ? Number.NaN : Math.min(...peers.map(([, micros]) => micros));
}
