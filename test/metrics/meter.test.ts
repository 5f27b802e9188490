/** What a worker counts of its responses, and whose row a workload has over reloads. */

import { describe, expect, it } from 'vitest';
import { CELL_SUM, LATENCY_CELLS } from '../../src/metrics/latency.ts';
import {
  AT_LATENCY,
  AT_RCODES,
  AT_SLOTS,
  AT_TYPES,
  AT_WOULD_DENY,
  SLOT_CELLS,
  SLOT_OTHERS,
  TYPE_OTHER,
  TYPES,
  VERDICTS,
} from '../../src/metrics/meter.ts';
import { Meters } from '../../src/metrics/meters.ts';
import type { Snapshot } from '../../src/server/snapshot.ts';
import { buildQuery, type QueryShape } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
zones: [{ name: local.example, file: local.zone }]
feeds: { quiet: { source: ["drop.example CNAME rpz-drop."], format: rpz, category: malware } }
everyone: { allow: [] }
workloads:
  api: { sources: [10.1.0.0/16], allow: [.example.com, .local.example] }
  report: { sources: [10.2.0.0/16], mode: report }
`;
const ZONE = `@ 60 IN SOA ns hostmaster 1 2 3 4 5
  60 IN NS ns
ns 60 IN A 192.0.2.1
`;
const snapshot = await compileFiles({ 'main.yaml': CONFIG, 'local.zone': ZONE }, 1);
const meters = new Meters();
meters.assign(snapshot.memory.workloads);

type Verdict = (typeof VERDICTS)[number];

/** Everything that was counted, by name; what is 0 is left out. */
function counts(cells: Float64Array, { slots }: Meters): Record<string, number> {
  const named: [string, number][] = [];
  for (const [workload, slot] of slots) {
    const at = AT_SLOTS + slot * SLOT_CELLS;
    for (const [i, verdict] of VERDICTS.entries()) {
      named.push([`${workload} ${verdict}`, cells[at + i] ?? 0]);
    }
    named.push([`${workload} would deny`, cells[at + AT_WOULD_DENY] ?? 0]);
  }
  for (let rcode = 0; rcode <= 16; rcode++) {
    named.push([`rcode ${rcode}`, cells[AT_RCODES + rcode] ?? 0]);
  }
  for (const [i, [, type]] of TYPES.entries()) named.push([type, cells[AT_TYPES + i] ?? 0]);
  named.push(['other', cells[AT_TYPES + TYPE_OTHER] ?? 0]);
  return Object.fromEntries(named.filter(([, count]) => count !== 0));
}

function took(cells: Float64Array, verdict: Verdict): { times: number; ms: number } {
  const at = AT_LATENCY + VERDICTS.indexOf(verdict) * LATENCY_CELLS;
  const histogram = cells.slice(at, at + LATENCY_CELLS);
  return {
    times: histogram.slice(0, CELL_SUM).reduce((sum, count) => sum + count, 0),
    ms: (histogram[CELL_SUM] ?? 0) / 1000,
  };
}

function ask(valve: Valve, from: string, shape: QueryShape): void {
  valve.send({ from, octets: buildQuery(shape) });
}

const WWW = { name: 'www.example.com' };
const RECORD = { answer: ['www.example.com. 60 A 192.0.2.1'] };

describe('a query is counted once, by what was done', () => {
  const rows: [string, (valve: Valve) => void, Record<string, number>][] = [
    [
      'denied',
      (valve) => ask(valve, '10.1.0.1', { name: 'x.test' }),
      { 'api denied': 1, 'rcode 3': 1, A: 1 },
    ],
    [
      'of a source that no workload claims',
      (valve) => ask(valve, '10.9.0.1', { name: 'x.test', type: 'TXT' }),
      { '(unmapped) denied': 1, 'rcode 5': 1, TXT: 1 },
    ],
    [
      'from a local zone',
      (valve) => ask(valve, '10.1.0.1', { name: 'ns.local.example' }),
      { 'api local': 1, 'rcode 0': 1, A: 1 },
    ],
    [
      'forwarded: when it is answered',
      (valve) => {
        ask(valve, '10.1.0.1', WWW);
        valve.answer(valve.asked[0]!, answerTo('www.example.com', 'A', RECORD));
      },
      { 'api forwarded': 1, 'rcode 0': 1, A: 1 },
    ],
    ['forwarded and not answered yet: not at all', (valve) => ask(valve, '10.1.0.1', WWW), {}],
    [
      'from the store',
      (valve) => {
        ask(valve, '10.1.0.1', WWW);
        valve.answer(valve.asked[0]!, answerTo('www.example.com', 'A', RECORD));
        ask(valve, '10.1.0.1', WWW);
      },
      { 'api forwarded': 1, 'api cached': 1, 'rcode 0': 2, A: 2 },
    ],
    [
      'failed upstream',
      (valve) => {
        ask(valve, '10.1.0.1', WWW);
        valve.forwarder.onFailure(valve.asked[0]!.flight, 23);
      },
      { 'api failed': 1, 'rcode 2': 1, A: 1 },
    ],
    [
      'let through by the mode',
      (valve) => {
        ask(valve, '10.2.0.1', WWW);
        valve.answer(valve.asked[0]!, answerTo('www.example.com', 'A', RECORD));
      },
      { 'report forwarded': 1, 'report would deny': 1, 'rcode 0': 1, A: 1 },
    ],
    [
      'dropped by a feed: without a response code',
      (valve) => ask(valve, '10.1.0.1', { name: 'drop.example' }),
      { 'api denied': 1, A: 1 },
    ],
    [
      'of a type that is not counted apart',
      (valve) => ask(valve, '10.1.0.1', { name: 'x.test', type: 'TYPE65280' }),
      { 'api denied': 1, 'rcode 3': 1, other: 1 },
    ],
    [
      'a zone transfer: its code only',
      (valve) => ask(valve, '10.1.0.1', { name: 'x.test', type: 'TYPE252' }),
      { 'rcode 5': 1 },
    ],
    [
      'another EDNS version: BADVERS, which the header does not hold',
      (valve) => ask(valve, '10.1.0.1', { name: 'x.test', edns: { size: 1232, version: 1 } }),
      { 'rcode 16': 1 },
    ],
    [
      'unreadable',
      (valve) =>
        valve.send({ from: '10.1.0.1', octets: buildQuery({ name: 'x.test' }).slice(0, -1) }),
      { 'rcode 1': 1 },
    ],
  ];
  it.each(rows)('%s', (_rule, act, want) => {
    const valve = new Valve(snapshot);
    act(valve);
    expect(counts(valve.meter, meters)).toEqual(want);
  });
});

describe('latency', () => {
  it('is that of its batch for what was answered at once', () => {
    const valve = new Valve(snapshot);
    ask(valve, '10.1.0.1', { name: 'x.test' });
    ask(valve, '10.1.0.1', { name: 'y.test' });
    ask(valve, '10.1.0.1', { name: 'ns.local.example' });
    valve.memory.meter.endBatch(2000);
    valve.memory.meter.endBatch(7000);
    expect(took(valve.meter, 'denied')).toEqual({ times: 2, ms: 4 });
    expect(took(valve.meter, 'local')).toEqual({ times: 1, ms: 2 });
    expect(took(valve.meter, 'cached')).toEqual({ times: 0, ms: 0 });
  });

  it('is its own for what waited, for each client that shared the question', () => {
    const valve = new Valve(snapshot);
    ask(valve, '10.1.0.1', WWW);
    valve.pass(1);
    ask(valve, '10.2.0.1', WWW);
    valve.pass(0.5);
    valve.answer(valve.asked[0]!, answerTo('www.example.com', 'A', RECORD));
    expect(took(valve.meter, 'forwarded')).toEqual({ times: 2, ms: 2000 });
  });

  it('is right also after the hours that the word of a waiter does not hold', () => {
    const valve = new Valve(snapshot);
    valve.pass(71.5 * 60);
    ask(valve, '10.1.0.1', WWW);
    valve.pass(5);
    valve.answer(valve.asked[0]!, answerTo('www.example.com', 'A', RECORD));
    expect(took(valve.meter, 'forwarded').ms).toBeCloseTo(5000, 2);
  });
});

/** Workloads by name, as a load brings them. */
function load(...names: readonly string[]): Promise<Snapshot> {
  const rows = names.map((name) => `  ${name}: { sources: [] }`);
  return compileFiles({ 'main.yaml': `workloads:\n${rows.join('\n')}\n` }, 1);
}

describe('rows of workloads', () => {
  it('stay the same when a reload gives a workload another number', async () => {
    const own = new Meters();
    own.assign((await load('b', 'c')).memory.workloads);
    const cells = own.open(0);
    cells[AT_SLOTS + (own.slots.get('c') ?? 0) * SLOT_CELLS] = 5;
    own.assign((await load('a', 'b', 'c')).memory.workloads);
    expect(counts(own.totals(), own)).toEqual({ 'c local': 5 });
  });

  it('go with their workload from the page', async () => {
    const own = new Meters();
    own.assign((await load('a', 'b')).memory.workloads);
    own.assign((await load('b')).memory.workloads);
    expect([...own.slots.keys()]).toEqual(['(unmapped)', 'b', '(others)']);
  });

  it('are used again from 0, and never by two at a time; beyond them all share one', async () => {
    const own = new Meters();
    const many = Array.from({ length: SLOT_OTHERS }, (_, i) => `w${i}`);
    const first = (await load(...many)).memory.workloads;
    own.assign(first);
    expect(first.slot[SLOT_OTHERS]).toBe(SLOT_OTHERS);
    expect(new Set(first.slot).size).toBe(SLOT_OTHERS + 1);
    own.open(0).fill(1, AT_SLOTS);
    // Workers still count for those that are gone while this load comes into force.
    const second = (await load('new')).memory.workloads;
    own.assign(second);
    expect(second.slot[1]).toBe(SLOT_OTHERS);
    const third = (await load('new', 'newer')).memory.workloads;
    own.assign(third);
    expect(third.slot[2]).not.toBe(SLOT_OTHERS);
    expect(counts(own.totals(), own)['newer local']).toBeUndefined();
  });

  it('keep what a worker counted that died', async () => {
    const own = new Meters();
    own.assign((await load('a')).memory.workloads);
    own.open(0)[AT_RCODES] = 2;
    own.open(0)[AT_RCODES] = 3;
    expect(own.totals()[AT_RCODES]).toBe(5);
  });
});
