/**
 * The compiled policy against a naive model: lists of labels, a linear scan, and the product's
 * precedence written out a second time.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entry, Mode } from '../../src/config/types.ts';
import {
  REASON_BUNDLE,
  REASON_EVERYONE_ALLOW,
  REASON_GLOBAL_DENY,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../../src/events/kinds.ts';
import { authorize, ZONE_LOCAL, ZONE_NONE, ZONE_PRIVATE } from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import { TYPE_A, TYPE_AAAA, TYPE_ANY, TYPE_TXT } from '../../src/wire/constants.ts';
import { entry, fromWire, type Snapshot, snapshot } from './support.ts';

const TYPES = [TYPE_A, TYPE_AAAA, TYPE_TXT] as const;

/** Few labels, so that names and patterns meet; some that only look like others. */
const patternLabel = fc.constantFrom('a', 'b', 'aa', '__proto__');
const nameLabel = fc.oneof(
  { weight: 6, arbitrary: patternLabel },
  { weight: 1, arbitrary: fc.constantFrom('A', '*', 'a.b', 'a\0', '\xe4', 'B') },
);

const entryArbitrary = fc
  .record({
    prefix: fc.constantFrom('', '*.', '.'),
    labels: fc.array(patternLabel, { minLength: 1, maxLength: 3 }),
    types: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray([...TYPES], { minLength: 1 }) },
    ),
  })
  .map(({ prefix, labels, types }) => entry(prefix + labels.join('.'), ...types));

const list = fc.array(entryArbitrary, { maxLength: 4 });
const bundleNames = ['one', 'two'] as const;
const workloadArbitrary = fc.record({
  mode: fc.constantFrom<Mode>('enforce', 'report', 'open'),
  use: fc.subarray([...bundleNames]),
  allow: list,
  deny: list,
});
const sketchArbitrary = fc.record({
  everyoneDeny: fc.array(entryArbitrary, { maxLength: 2 }),
  everyoneAllow: fc.array(entryArbitrary, { maxLength: 2 }),
  bundles: fc.record({ one: list, two: list }),
  workloads: fc.array(workloadArbitrary, { minLength: 1, maxLength: 4 }),
  unmapped: fc.constantFrom<Mode>('enforce', 'report', 'open'),
});
const asks = fc.array(
  fc.record({
    labels: fc.array(nameLabel, { maxLength: 5 }),
    qtype: fc.constantFrom(...TYPES, TYPE_ANY),
    workload: fc.nat({ max: 4 }),
    zone: fc.constantFrom(ZONE_NONE, ZONE_NONE, ZONE_LOCAL, ZONE_PRIVATE),
  }),
  { minLength: 10, maxLength: 20 },
);

type SketchValue = typeof sketchArbitrary extends fc.Arbitrary<infer T> ? T : never;
type Ask = (typeof asks extends fc.Arbitrary<(infer T)[]> ? T : never) & { workload: number };

function holds(item: Entry, labels: readonly string[]): boolean {
  const wanted = item.pattern.name.split('.');
  const lower = labels.map((label) => label.replace(/[A-Z]/g, (c) => c.toLowerCase()));
  const tail = lower.slice(Math.max(0, lower.length - wanted.length));
  if (JSON.stringify(tail) !== JSON.stringify(wanted)) return false;
  const above = lower.length - wanted.length;
  return { exact: above === 0, below: above > 0, both: true }[item.pattern.kind];
}

/** The most specific entry that holds, or null: longest, then exact, then the first. */
function best(entries: readonly Entry[], ask: Ask, isDeny: boolean): Entry | null {
  let found: Entry | null = null;
  const rank = (item: Entry): number =>
    item.pattern.name.split('.').length * 2 + (item.pattern.kind === 'exact' ? 1 : 0);
  for (const item of entries) {
    const fits =
      item.types === null || item.types.includes(ask.qtype) || (isDeny && ask.qtype === TYPE_ANY);
    if (!fits || !holds(item, ask.labels)) continue;
    if (found === null || rank(item) > rank(found)) found = item;
  }
  return found;
}

interface Judgement {
  readonly allowed: boolean;
  readonly wouldDeny: boolean;
  readonly reason: number;
  readonly rule: string;
}

function judge(sketch: SketchValue, ask: Ask): Judgement {
  const by = (allowed: boolean, reason: number, item: Entry | null): Judgement => ({
    allowed,
    wouldDeny: false,
    reason: ask.workload === 0 ? REASON_UNMAPPED : reason,
    rule: item?.pattern.text ?? '',
  });
  const mode = (value: Mode): Judgement => {
    const open = value !== 'enforce';
    return { ...by(open, REASON_MODE, null), wouldDeny: open };
  };
  const globalDeny = best(sketch.everyoneDeny, ask, true);
  if (globalDeny !== null) return by(false, REASON_GLOBAL_DENY, globalDeny);
  const workload = sketch.workloads[ask.workload - 1];
  if (workload === undefined) return mode(sketch.unmapped);
  const deny = best(workload.deny, ask, true);
  if (deny !== null) return by(false, REASON_WORKLOAD_DENY, deny);
  const allow = best(workload.allow, ask, false);
  if (allow !== null) return by(true, REASON_WORKLOAD_ALLOW, allow);
  const used = [...workload.use].sort().flatMap((name) => sketch.bundles[name]);
  const bundled = best(used, ask, false);
  if (bundled !== null) return by(true, REASON_BUNDLE, bundled);
  const everyone = best(sketch.everyoneAllow, ask, false);
  if (everyone !== null) return by(true, REASON_EVERYONE_ALLOW, everyone);
  if (ask.zone === ZONE_LOCAL) return by(true, REASON_LOCAL_ZONE, null);
  return mode(workload.mode);
}

function decide(tables: Snapshot, ask: Ask): Judgement {
  const wire = Buffer.concat([
    ...ask.labels.map((label) =>
      Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'),
    ),
    Buffer.of(0),
  ]);
  const decision = new Decision();
  authorize(fromWire(wire), ask.qtype, ask.workload, tables, ask.zone, decision);
  return {
    allowed: decision.allowed === 1,
    wouldDeny: decision.wouldDeny === 1,
    reason: decision.reason,
    // `file:line list pattern (types)`; a bundle's list has two words.
    rule:
      tables.rules
        .text(decision.rule)
        .replace(/ \(.*\)$/, '')
        .split(' ')
        .at(-1) ?? '',
  };
}

it('agrees with a linear scan over random policies and names', () => {
  const reasons = new Map<number, number>();
  let decided = 0;
  fc.assert(
    fc.property(sketchArbitrary, asks, (sketch, questions) => {
      const tables = snapshot(sketch);
      for (const question of questions) {
        const ask = { ...question, workload: Math.min(question.workload, sketch.workloads.length) };
        const want = judge(sketch, ask);
        expect(decide(tables, ask)).toEqual(want);
        reasons.set(want.reason, (reasons.get(want.reason) ?? 0) + 1);
        decided++;
      }
    }),
    { seed: 8914, numRuns: 3000 },
  );
  expect(decided).toBeGreaterThan(30_000);
  // Every step was the deciding one often.
  for (const reason of [1, 2, 4, 5, 6, 7, 8, 9]) {
    expect([reason, (reasons.get(reason) ?? 0) > 500]).toEqual([reason, true]);
  }
});
