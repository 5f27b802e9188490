/** Precedence, modes and reasons: one row per sentence of the product's list. */

import { describe, expect, it } from 'vitest';
import {
  FLAG_CHAIN,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
  REASON_BUNDLE,
  REASON_CHAIN,
  REASON_EVERYONE_ALLOW,
  REASON_FEED,
  REASON_GLOBAL_DENY,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../../src/events/kinds.ts';
import {
  allowedTarget,
  authorize,
  globallyDenied,
  ZONE_LOCAL,
  ZONE_NONE,
  ZONE_PRIVATE,
} from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import { TYPE_A, TYPE_AAAA, TYPE_ANY, TYPE_TXT } from '../../src/wire/constants.ts';
import { entry, type FeedSketch, type Sketch, snapshot, wireName } from './support.ts';

const NAME = 'a.example.com';

interface Row {
  readonly name: string;
  readonly sketch: Sketch;
  readonly feeds?: FeedSketch;
  readonly zone?: number;
  readonly workload?: number;
  readonly qtype?: number;
  readonly qname?: string;
  /** `allow`, `deny`, or `would-deny`: let through by the mode only. */
  readonly want: 'allow' | 'deny' | 'would-deny';
  readonly reason: number;
  /** What the rule's text must hold; '' for no rule. */
  readonly rule: string;
  readonly flags?: number;
}

function run(row: Row): void {
  const tables = snapshot(row.sketch, row.feeds);
  const decision = new Decision();
  authorize(
    wireName(row.qname ?? NAME),
    row.qtype ?? TYPE_A,
    row.workload ?? 1,
    tables,
    row.zone ?? ZONE_NONE,
    decision,
  );
  const verdict = decision.allowed === 0 ? 'deny' : decision.wouldDeny ? 'would-deny' : 'allow';
  const rule = tables.rules.text(decision.rule);
  expect({ verdict, reason: decision.reason, flags: decision.flags }).toEqual({
    verdict: row.want,
    reason: row.reason,
    flags: row.flags ?? 0,
  });
  expect(decision.wouldDeny === 1 && decision.allowed === 0).toBe(false);
  if (row.rule === '') expect(rule).toBe('');
  else expect(rule).toContain(row.rule);
}

const everything = {
  everyoneDeny: [NAME],
  everyoneAllow: [NAME],
  bundles: { b: [NAME] },
} as const;
const all = { allow: [NAME], deny: [NAME], use: ['b'] } as const;

const precedence: Row[] = [
  {
    name: '3. everyone.deny comes before feeds',
    sketch: { ...everything, workloads: [all] },
    feeds: { deny: [NAME] },
    want: 'deny',
    reason: REASON_GLOBAL_DENY,
    rule: 'everyone.deny a.example.com',
  },
  {
    name: '3. a feed that denies comes before the own deny and allow',
    sketch: { ...everything, everyoneDeny: [], workloads: [all] },
    feeds: { deny: [NAME] },
    want: 'deny',
    reason: REASON_FEED,
    rule: 'feed bad',
    flags: FLAG_REPUTATION,
  },
  {
    name: '5. the own deny comes before the own allow',
    sketch: { ...everything, everyoneDeny: [], workloads: [all] },
    want: 'deny',
    reason: REASON_WORKLOAD_DENY,
    rule: 'test.yaml:1 deny a.example.com',
  },
  {
    name: '5. a wide own deny comes before a narrow own allow',
    sketch: { workloads: [{ allow: [NAME], deny: ['*.com'] }] },
    want: 'deny',
    reason: REASON_WORKLOAD_DENY,
    rule: 'deny *.com',
  },
  {
    name: '6. the own allow comes before bundles',
    sketch: { ...everything, everyoneDeny: [], workloads: [{ ...all, deny: [] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'test.yaml:1 allow a.example.com',
  },
  {
    name: '7. bundles come before everyone.allow',
    sketch: { ...everything, everyoneDeny: [], workloads: [{ use: ['b'] }] },
    want: 'allow',
    reason: REASON_BUNDLE,
    rule: 'bundle b a.example.com',
  },
  {
    name: '8. everyone.allow comes before a local zone',
    sketch: { ...everything, everyoneDeny: [], workloads: [{}] },
    zone: ZONE_LOCAL,
    want: 'allow',
    reason: REASON_EVERYONE_ALLOW,
    rule: 'everyone.allow a.example.com',
  },
  {
    name: '8. a local zone comes before the mode',
    sketch: { workloads: [{}] },
    zone: ZONE_LOCAL,
    want: 'allow',
    reason: REASON_LOCAL_ZONE,
    rule: '',
  },
  {
    name: '8. a private local zone is for those whose lists allow it',
    sketch: { workloads: [{}] },
    zone: ZONE_PRIVATE,
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: '8. a private local zone opens by an own allow',
    sketch: { workloads: [{ allow: ['.example.com'] }] },
    zone: ZONE_PRIVATE,
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow .example.com',
  },
  {
    name: '3. everyone.deny holds for a local zone',
    sketch: { everyoneDeny: ['.com'], workloads: [{}] },
    zone: ZONE_LOCAL,
    want: 'deny',
    reason: REASON_GLOBAL_DENY,
    rule: 'everyone.deny .com',
  },
  {
    name: '9. enforce denies what nothing names',
    sketch: { workloads: [{ allow: ['other.example.com'] }] },
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: '9. report lets through and records would deny',
    sketch: { workloads: [{ mode: 'report' }] },
    want: 'would-deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: '9. open lets through and records would deny',
    sketch: { workloads: [{ mode: 'open' }] },
    want: 'would-deny',
    reason: REASON_MODE,
    rule: '',
  },
];

const modes = (['report', 'open'] as const).flatMap((mode): Row[] => [
  {
    name: `everyone.deny holds in mode ${mode}`,
    sketch: { everyoneDeny: [NAME], workloads: [{ mode }] },
    want: 'deny',
    reason: REASON_GLOBAL_DENY,
    rule: 'everyone.deny',
  },
  {
    name: `a feed that denies holds in mode ${mode}`,
    sketch: { workloads: [{ mode, allow: [NAME] }] },
    feeds: { deny: [NAME] },
    want: 'deny',
    reason: REASON_FEED,
    rule: 'feed bad',
    flags: FLAG_REPUTATION,
  },
  {
    name: `the own deny holds in mode ${mode}`,
    sketch: { workloads: [{ mode, deny: [NAME] }] },
    want: 'deny',
    reason: REASON_WORKLOAD_DENY,
    rule: 'deny a.example.com',
  },
  {
    name: `an allowed name is not would-deny in mode ${mode}`,
    sketch: { workloads: [{ mode, allow: [NAME] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow a.example.com',
  },
]);

const alertFeeds: Row[] = [
  {
    name: 'a feed that alerts changes no verdict: allowed',
    sketch: { workloads: [{ allow: [NAME] }] },
    feeds: { alert: [NAME] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow a.example.com',
    flags: FLAG_REPUTATION,
  },
  {
    name: 'a feed that alerts changes no verdict: denied',
    sketch: { workloads: [{}] },
    feeds: { alert: [NAME] },
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
    flags: FLAG_REPUTATION,
  },
];

const unmapped: Row[] = [
  {
    name: 'an unmapped source is denied by default',
    sketch: {},
    workload: 0,
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: '',
    flags: FLAG_UNMAPPED,
  },
  {
    name: 'everyone.allow is not for unmapped sources',
    sketch: { everyoneAllow: ['.com'] },
    workload: 0,
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: '',
    flags: FLAG_UNMAPPED,
  },
  {
    name: 'a local zone is not for unmapped sources',
    sketch: {},
    zone: ZONE_LOCAL,
    workload: 0,
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: '',
    flags: FLAG_UNMAPPED,
  },
  {
    name: 'unmapped sources have a mode of their own',
    sketch: { unmapped: 'report', workloads: [{ mode: 'enforce' }] },
    workload: 0,
    want: 'would-deny',
    reason: REASON_UNMAPPED,
    rule: '',
    flags: FLAG_UNMAPPED,
  },
  {
    name: 'everyone.deny holds for unmapped sources in mode open',
    sketch: { unmapped: 'open', everyoneDeny: ['.com'] },
    workload: 0,
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: 'everyone.deny .com',
    flags: FLAG_UNMAPPED,
  },
  {
    name: 'feeds hold for unmapped sources in mode open',
    sketch: { unmapped: 'open' },
    feeds: { deny: [NAME] },
    workload: 0,
    want: 'deny',
    reason: REASON_UNMAPPED,
    rule: 'feed bad',
    flags: FLAG_UNMAPPED | FLAG_REPUTATION,
  },
];

const typed = { allow: [entry('.example.com', TYPE_A, TYPE_AAAA)] };
const perType: Row[] = [
  {
    name: 'an entry with types allows those types',
    sketch: { workloads: [typed] },
    qtype: TYPE_AAAA,
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow .example.com (A, AAAA)',
  },
  {
    name: 'an entry with types allows no other type',
    sketch: { workloads: [typed] },
    qtype: TYPE_TXT,
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: 'an allow with types does not allow ANY',
    sketch: { workloads: [typed] },
    qtype: TYPE_ANY,
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: 'a deny with types leaves the other types to the steps below it',
    sketch: { workloads: [{ allow: [NAME], deny: [entry(NAME, TYPE_TXT)] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow a.example.com',
  },
  {
    name: 'a deny with types denies ANY, whose answer may hold them',
    sketch: { workloads: [{ allow: [NAME], deny: [entry(NAME, TYPE_TXT)] }] },
    qtype: TYPE_ANY,
    want: 'deny',
    reason: REASON_WORKLOAD_DENY,
    rule: 'deny a.example.com (TXT)',
  },
  {
    name: 'two entries for one name with different types both hold',
    sketch: { workloads: [{ allow: [entry(NAME, TYPE_A), entry(NAME, TYPE_TXT)] }] },
    qtype: TYPE_TXT,
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow a.example.com (TXT)',
  },
  {
    name: 'a longer rule of another type does not hide a shorter one that fits',
    sketch: { workloads: [{ allow: [entry(NAME, TYPE_TXT), '*.example.com'] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow *.example.com',
  },
];

const specific: Row[] = [
  {
    name: 'the longest suffix names the decision, whatever the order',
    sketch: { workloads: [{ allow: ['.com', '*.example.com', '.a.example.com'] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'allow .a.example.com',
  },
  {
    name: 'exact names the decision before both',
    sketch: { workloads: [{ allow: ['.a.example.com', 'a.example.com'] }] },
    want: 'allow',
    reason: REASON_WORKLOAD_ALLOW,
    rule: 'test.yaml:1 allow a.example.com',
  },
  {
    name: 'the first of two equal entries names the decision',
    sketch: { bundles: { b: [NAME], a: [NAME] }, workloads: [{ use: ['b', 'a'] }] },
    want: 'allow',
    reason: REASON_BUNDLE,
    rule: 'bundle a a.example.com',
  },
  {
    name: 'an allow of one workload is none of another',
    sketch: { workloads: [{ allow: [NAME] }, { allow: ['b.example.com'] }] },
    workload: 2,
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: 'a bundle is only for those that use it',
    sketch: { bundles: { b: [NAME], c: ['.org'] }, workloads: [{ use: ['b'] }, { use: ['c'] }] },
    workload: 2,
    want: 'deny',
    reason: REASON_MODE,
    rule: '',
  },
  {
    name: 'several bundles are a union',
    sketch: { bundles: { b: [NAME], c: ['.org'] }, workloads: [{ use: ['c', 'b'] }] },
    want: 'allow',
    reason: REASON_BUNDLE,
    rule: 'bundle b',
  },
];

describe.each([
  ['precedence', precedence],
  ['modes', modes],
  ['feeds that alert', alertFeeds],
  ['unmapped sources', unmapped],
  ['rules with types', perType],
  ['which rule names the decision', specific],
])('%s', (_group, rows) => {
  it.each(rows)('$name', (row) => run(row));
});

describe('chain targets', () => {
  const allowed = (): Decision => Object.assign(new Decision(), { allowed: 1, rule: 7, reason: 6 });

  it('a target in everyone.deny turns the decision into a denial of the chain', () => {
    const tables = snapshot({ everyoneDeny: ['.evil.example'] });
    const decision = allowed();
    expect(globallyDenied(wireName('x.evil.example'), TYPE_A, tables, decision)).toBe(true);
    expect(decision).toMatchObject({ allowed: 0, reason: REASON_CHAIN, flags: FLAG_CHAIN });
    expect(tables.rules.text(decision.rule)).toContain('everyone.deny .evil.example');
  });

  it('a target in a feed that denies turns the decision into a denial of the chain', () => {
    const tables = snapshot({}, { deny: ['evil.example'] });
    const decision = allowed();
    expect(globallyDenied(wireName('evil.example'), TYPE_A, tables, decision)).toBe(true);
    expect(decision).toMatchObject({ allowed: 0, reason: REASON_CHAIN, feed: 1 });
    expect(decision.flags).toBe(FLAG_CHAIN | FLAG_REPUTATION);
  });

  it('a target in a feed that alerts is flagged and keeps the decision', () => {
    const tables = snapshot({}, { alert: ['odd.example'] });
    const decision = Object.assign(allowed(), { matchedLabel: 2 });
    expect(globallyDenied(wireName('odd.example'), TYPE_A, tables, decision)).toBe(false);
    expect(decision).toMatchObject({ allowed: 1, reason: 6, rule: 7, matchedLabel: 2, feed: 2 });
    expect(decision.flags).toBe(FLAG_REPUTATION);
  });

  it('a target that only the lists of a workload deny is not globally denied', () => {
    const tables = snapshot({ workloads: [{ deny: ['.evil.example'] }] });
    const decision = allowed();
    expect(globallyDenied(wireName('evil.example'), TYPE_A, tables, decision)).toBe(false);
    expect(decision).toEqual(allowed());
  });

  it('inspect denies a target that no list allows', () => {
    const tables = snapshot({ workloads: [{ allow: ['a.example.com'] }] });
    const decision = new Decision();
    expect(allowedTarget(wireName('cdn.example'), TYPE_A, 1, tables, decision)).toBe(false);
    expect(decision).toMatchObject({ allowed: 0, reason: REASON_CHAIN, flags: FLAG_CHAIN });
  });

  it('inspect in mode report lets an unlisted target through and says would deny', () => {
    const tables = snapshot({ workloads: [{ mode: 'report' }] });
    const decision = new Decision();
    expect(allowedTarget(wireName('cdn.example'), TYPE_A, 1, tables, decision)).toBe(true);
    expect(decision.wouldDeny).toBe(1);
  });
});

it.each([
  ['the deny of everyone', 'q.w.bad.example', 2],
  ['an own allow of the name itself', 'a.example.com', 0],
  ['an own allow above', 'x.y.open.example', 2],
  ['everyone.allow, found before and used last', 'a.b.c.all.example', 3],
  ['no rule', 'none.example', 0],
])('the matched label is where the name of the rule starts: %s', (_name, qname, want) => {
  const tables = snapshot({
    everyoneDeny: ['.bad.example'],
    everyoneAllow: ['*.all.example'],
    workloads: [{ allow: [NAME, '*.open.example'], deny: ['x.test'] }],
  });
  const decision = new Decision();
  authorize(wireName(qname), TYPE_A, 1, tables, ZONE_NONE, decision);
  expect(decision.matchedLabel).toBe(want);
});

it('nothing of an earlier decision survives in a reused one', () => {
  const tables = snapshot(
    { everyoneDeny: ['bad.example'], workloads: [{ allow: [NAME] }] },
    { deny: ['feed.example'] },
  );
  const reused = new Decision();
  for (const qname of ['bad.example', 'feed.example', NAME, 'other.example']) {
    const fresh = new Decision();
    authorize(wireName(qname), TYPE_A, 1, tables, ZONE_NONE, fresh);
    authorize(wireName(qname), TYPE_A, 1, tables, ZONE_NONE, reused);
    expect(reused).toEqual(fresh);
  }
});
