/**
 * Overrides against a naive model: lists of labels, a linear scan, and what the product says of
 * steps 1, 2 and 4 written out a second time over the decision that there is without them.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Pattern } from '../../src/config/types.ts';
import {
  REASON_DOMAIN_QUARANTINE,
  REASON_EXCEPTION,
  REASON_EXCEPTION_OVER_FEEDS,
  REASON_FEED,
  REASON_GLOBAL_DENY,
  REASON_LIFELINE,
  REASON_QUARANTINE,
  REASON_UNMAPPED,
} from '../../src/events/kinds.ts';
import { compileOverrides } from '../../src/overrides/compile.ts';
import { InForce } from '../../src/overrides/in-force.ts';
import type { ActiveException, Overrides } from '../../src/overrides/override.ts';
import { Slots } from '../../src/overrides/slots.ts';
import { authorize, ZONE_NONE } from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import { TYPE_A, TYPE_TXT } from '../../src/wire/constants.ts';
import { pattern, type Snapshot, snapshot, wireName } from '../policy/support.ts';
import { exception, HandClocks, quarantineDomain, quarantineOf } from './support.ts';

const WORKLOADS = ['w1', 'w2'];
const START = new HandClocks().wall;

const label = fc.constantFrom('a', 'b', 'aa');
const labels = fc.array(label, { minLength: 1, maxLength: 2 });
const patternText = fc
  .tuple(fc.constantFrom('', '*.', '.'), labels)
  .map(([prefix, parts]) => prefix + parts.join('.'));
const list = fc.array(patternText, { maxLength: 2 });
const workload = fc.constantFrom(...WORKLOADS);

const world = fc.record({
  everyoneDeny: list,
  feed: fc.array(
    labels.map((parts) => parts.join('.')),
    { maxLength: 1 },
  ),
  workloads: fc.array(
    fc.record({ mode: fc.constantFrom('enforce', 'report'), allow: list, deny: list }),
    { minLength: 2, maxLength: 2 },
  ),
  exceptions: fc.array(
    fc.record({
      open: patternText,
      workload,
      feeds: fc.boolean(),
      types: fc.constantFrom(null, null, [TYPE_A]),
      seconds: fc.constantFrom(10, 20, 30),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  contained: fc.oneof(
    { weight: 2, arbitrary: fc.constant<[string, string[]][]>([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(workload, fc.array(patternText, { maxLength: 3 })), {
        maxLength: 2,
      }),
    },
  ),
  domains: fc.array(patternText, { maxLength: 1 }),
  asks: fc.array(
    fc.record({
      name: fc.array(label, { minLength: 1, maxLength: 4 }),
      qtype: fc.constantFrom(TYPE_A, TYPE_TXT),
      workload: fc.nat({ max: 2 }),
      seconds: fc.nat({ max: 40 }),
    }),
    { minLength: 10, maxLength: 20 },
  ),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;
type Ask = World['asks'][number];

function holds({ kind, name }: Pattern, asked: readonly string[]): boolean {
  const wanted = name.split('.');
  const above = asked.length - wanted.length;
  if (above < 0 || asked.slice(above).join('.') !== name) return false;
  return { exact: above === 0, below: above > 0, both: true }[kind];
}

/** The rules that may be named: those of the longest patterns, exact before the others. */
function bestOf(list: readonly ActiveException[], ask: Ask): string[] {
  const fits = list.filter(
    ({ pattern: own, types, untilMs, workload: of }) =>
      of === WORKLOADS[ask.workload - 1] &&
      untilMs > START + ask.seconds * 1000 &&
      (types?.includes(ask.qtype) ?? true) &&
      holds(own, ask.name),
  );
  const rank = ({ pattern: own }: ActiveException): number =>
    own.name.split('.').length * 2 + (own.kind === 'exact' ? 1 : 0);
  const top = Math.max(...fits.map(rank));
  return fits.filter((one) => rank(one) === top).map(({ text }) => text);
}

interface Judgement {
  readonly allowed: number;
  readonly wouldDeny: number;
  readonly reason: number;
  /** Texts of which one must be named; null where it is as without overrides. */
  readonly rules: readonly string[] | null;
}

function judge(before: Decision, { exceptions, quarantines }: Overrides, ask: Ask): Judgement {
  const said = (allowed: number, reason: number, rules: string[]): Judgement => {
    return { allowed, wouldDeny: 0, reason: ask.workload === 0 ? REASON_UNMAPPED : reason, rules };
  };
  const { allowed, wouldDeny, reason } = before;
  const unchanged = { allowed, wouldDeny, reason, rules: null };
  const domains = quarantines.filter((one) => one.pattern !== null && holds(one.pattern, ask.name));
  if (domains.length > 0) {
    return said(
      0,
      REASON_DOMAIN_QUARANTINE,
      domains.map(({ text }) => text),
    );
  }
  if (ask.workload === 0) return unchanged;
  const own = quarantines.filter((one) => one.workload === WORKLOADS[ask.workload - 1]);
  const closing = own.filter(({ lifelines }) => !lifelines.some((line) => holds(line, ask.name)));
  if (closing.length > 0) {
    return said(
      0,
      REASON_QUARANTINE,
      closing.map(({ text }) => text),
    );
  }
  const isGlobal = reason === REASON_GLOBAL_DENY || reason === REASON_FEED;
  if (own.length > 0) {
    const texts = own.map(({ text }) => text);
    return isGlobal ? unchanged : said(1, REASON_LIFELINE, texts);
  }
  const above = bestOf(
    exceptions.filter(({ overridesFeeds }) => overridesFeeds),
    ask,
  );
  if (above.length > 0) return said(1, REASON_EXCEPTION_OVER_FEEDS, above);
  if (isGlobal) return unchanged;
  const below = bestOf(
    exceptions.filter(({ overridesFeeds }) => !overridesFeeds),
    ask,
  );
  return below.length > 0 ? said(1, REASON_EXCEPTION, below) : unchanged;
}

function overridesOf(made: World): Overrides {
  return {
    exceptions: made.exceptions.map(({ open, workload: of, feeds, types, seconds }, i) =>
      exception(
        { id: `ex-${i}`, open, workload: of, overridesFeeds: feeds, types },
        START + seconds * 1000,
      ),
    ),
    quarantines: [
      ...made.contained.map(([of, lines], i) => quarantineOf(of, lines, `q-${i}`)),
      ...made.domains.map((domain, i) => quarantineDomain(domain, `q-d${i}`)),
    ],
  };
}

function compile(base: Snapshot, overrides: Overrides): InForce {
  const slots = new Slots(new HandClocks());
  const firstRule = base.rules.count + 1;
  return new InForce(
    compileOverrides(overrides, {
      workloads: WORKLOADS,
      firstRule,
      ruleCount: () => base.rules.count - firstRule + 1,
      ruleOf: (text) => base.rules.add(text),
      slotOf: (one) => slots.take(one),
      slots: slots.memory,
    }),
  );
}

it('agrees with a linear scan over random policies, overrides, names and times', () => {
  const reasons = new Map<number, number>();
  fc.assert(
    fc.property(world, (made) => {
      const { everyoneDeny, feed } = made;
      const workloads = made.workloads.map((one) => ({ ...one, mode: one.mode as 'enforce' }));
      const base = snapshot({ everyoneDeny, workloads, unmapped: 'open' }, { deny: feed });
      const overrides = overridesOf(made);
      const tables = { ...base, overrides: compile(base, overrides) };
      const clocks = new HandClocks();
      for (const ask of made.asks.toSorted((a, b) => a.seconds - b.seconds)) {
        clocks.pass(START + ask.seconds * 1000 - clocks.wall);
        tables.overrides.begin({ wallMs: clocks.wall, nowMs: clocks.nowMs });
        const name = wireName(ask.name.join('.'));
        const [before, after] = [new Decision(), new Decision()];
        authorize(name, ask.qtype, ask.workload, base, ZONE_NONE, before);
        authorize(name, ask.qtype, ask.workload, tables, ZONE_NONE, after);
        const { rules, ...want } = judge(before, overrides, ask);
        expect(after).toMatchObject(rules === null ? before : want);
        if (rules !== null) expect(rules).toContain(base.rules.text(after.rule));
        if (rules !== null) reasons.set(after.reason, (reasons.get(after.reason) ?? 0) + 1);
      }
    }),
    { seed: 1035, numRuns: 700 },
  );
  const steps = [
    REASON_UNMAPPED,
    REASON_DOMAIN_QUARANTINE,
    REASON_QUARANTINE,
    REASON_LIFELINE,
    REASON_EXCEPTION_OVER_FEEDS,
    REASON_EXCEPTION,
  ];
  // Every step was the deciding one often.
  for (const step of steps) expect([step, (reasons.get(step) ?? 0) > 50]).toEqual([step, true]);
});

it('a pattern of the model is read as the program reads it', () => {
  expect(pattern('*.a.b')).toMatchObject({ kind: 'below', name: 'a.b' });
});
