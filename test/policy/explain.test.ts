/** explain and policy tests: they say what authorize decides, line by line. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config, PolicyTest } from '../../src/config/types.ts';
import { formatProblem } from '../../src/errors.ts';
import { UNMAPPED } from '../../src/identity/workloads.ts';
import { authorize, ZONE_LOCAL, ZONE_NONE } from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import { type ExplainedSnapshot, explain } from '../../src/policy/explain.ts';
import { runPolicyTests } from '../../src/policy/tests.ts';
import { TYPE_A, TYPE_TXT } from '../../src/wire/constants.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { config, type FeedSketch, type Sketch, snapshot, wireName } from './support.ts';

function explained(sketch: Sketch, feeds: FeedSketch = {}, zone = ZONE_NONE): ExplainedSnapshot {
  const made = snapshot(sketch, feeds);
  return {
    ...made,
    localZone: () => zone,
    ruleText: (rule) => made.rules.text(rule),
    scoreOf: () => ({ score: 100, deny_below: 0, alert_below: 0, parts: [] }),
    budgetText: () => '',
    rateText: () => '',
    askText: () => '',
    requestTime: () => '4h',
    feedName: (feed) => ['', 'bad', 'odd'][feed] ?? '',
  };
}

const rows: {
  name: string;
  sketch: Sketch;
  feeds?: FeedSketch;
  zone?: number;
  workload?: number;
  verdict: string;
  won: string;
}[] = [
  {
    name: 'everyone.deny',
    sketch: { everyoneDeny: ['x.test'] },
    verdict: 'deny',
    won: '3 everyone.deny: test.yaml:1 everyone.deny x.test',
  },
  {
    name: 'a feed',
    sketch: {},
    feeds: { deny: ['x.test'] },
    verdict: 'deny',
    won: '3 feeds with action deny: feed bad (category malware)',
  },
  {
    name: 'the own deny',
    sketch: { workloads: [{ deny: ['.test'] }] },
    verdict: 'deny',
    won: "5 the workload's deny: test.yaml:1 deny .test",
  },
  {
    name: 'the own allow',
    sketch: { workloads: [{ allow: ['.test'] }] },
    verdict: 'allow',
    won: "6 the workload's allow: test.yaml:1 allow .test",
  },
  {
    name: 'a bundle',
    sketch: { bundles: { b: ['x.test'] }, workloads: [{ use: ['b'] }] },
    verdict: 'allow',
    won: "7 the workload's bundles: test.yaml:1 bundle b x.test",
  },
  {
    name: 'everyone.allow',
    sketch: { everyoneAllow: ['*.test'] },
    verdict: 'allow',
    won: '8 everyone.allow: test.yaml:1 everyone.allow *.test',
  },
  { name: 'a local zone', sketch: {}, zone: ZONE_LOCAL, verdict: 'allow', won: '8 local zones: ' },
  { name: 'the mode', sketch: {}, verdict: 'deny', won: '9 mode enforce: ' },
  {
    name: 'the mode of a reporting workload',
    sketch: { workloads: [{ mode: 'report' }] },
    verdict: 'allow, would deny',
    won: '9 mode report: ',
  },
  {
    name: 'an unmapped source and its mode',
    sketch: { unmapped: 'open' },
    workload: UNMAPPED,
    verdict: 'allow, would deny',
    won: '9 mode open: ',
  },
  {
    name: 'an unmapped source and everyone.deny',
    sketch: { unmapped: 'open', everyoneDeny: ['.test'] },
    workload: UNMAPPED,
    verdict: 'deny',
    won: '3 everyone.deny: test.yaml:1 everyone.deny .test',
  },
  {
    name: 'an unmapped source and a feed',
    sketch: { unmapped: 'open' },
    feeds: { deny: ['x.test'] },
    workload: UNMAPPED,
    verdict: 'deny',
    won: '3 feeds with action deny: feed bad (category malware)',
  },
];

describe('the line that won', () => {
  it.each(rows)('$name', (row) => {
    const tables = explained(row.sketch, row.feeds, row.zone);
    const said = explain(wireName('x.test'), TYPE_A, row.workload ?? 1, tables);
    expect(said.verdict + (said.would_deny ? ', would deny' : '')).toBe(row.verdict);
    const won = said.steps.filter((step) => step.matched);
    expect(won.map((step) => `${step.step} ${step.name}: ${step.rule}`)).toEqual([row.won]);
    expect(said.reason).toBe(won[0]?.name);
    expect(said.rule).toBe(won[0]?.rule);
  });

  it('lines after it were not reached, lines before it were and did not match', () => {
    const said = explain(
      wireName('x.test'),
      TYPE_A,
      1,
      explained({ workloads: [{ allow: ['x.test'] }] }),
    );
    const reached = said.steps.map((step) => step.reached);
    const lines = [...Array(8).fill(true), ...Array(4).fill(false)];
    expect(reached).toEqual(lines);
  });

  it('names the entry of the feed, and none where a rule decided after all', () => {
    const denied = explained({}, { deny: ['.evil.test'] });
    expect(explain(wireName('a.b.evil.test'), TYPE_A, 1, denied)).toMatchObject({
      feed: 'bad',
      entry: 'evil.test',
    });
    const alerted = explained({ workloads: [{ allow: ['.test'] }] }, { alert: ['.odd.test'] });
    expect(explain(wireName('a.odd.test'), TYPE_A, 1, alerted)).toMatchObject({ entry: '' });
  });

  it('names the workload, the escaped name, the type and a feed that only alerts', () => {
    const tables = explained({ workloads: [{ name: 'payments' }] }, { alert: ['a\\.b.test'] });
    const said = explain(wireName('A\\.b.test'), TYPE_TXT, 1, tables);
    expect(said).toMatchObject({
      name: 'a\\.b.test',
      type: 'TXT',
      workload: 'payments',
      mode: 'enforce',
      feed: 'odd',
      rule: '',
    });
    expect(explain(wireName('x.test'), TYPE_A, UNMAPPED, tables).workload).toBe('(unmapped)');
  });

  it('says the verdict of authorize for random lists', () => {
    const some = fc.subarray(['x.test', '.test', '*.test', 'y.test']);
    let allowed = 0;
    let denied = 0;
    fc.assert(
      fc.property(
        some,
        some,
        some,
        fc.constantFrom('x.test', 'y.test', 'test', 'z.org'),
        (...args) => {
          const [everyoneDeny, allow, deny, name] = args;
          const tables = explained({ everyoneDeny, workloads: [{ allow, deny }] });
          const decision = new Decision();
          authorize(wireName(name), TYPE_A, 1, tables, ZONE_NONE, decision);
          const said = explain(wireName(name), TYPE_A, 1, tables);
          expect(said.verdict === 'allow').toBe(decision.allowed === 1);
          expect(said.steps.filter((step) => step.matched)).toHaveLength(1);
          if (decision.allowed === 1) allowed++;
          else denied++;
        },
      ),
      { seed: 7, numRuns: 500 },
    );
    expect(Math.min(allowed, denied)).toBeGreaterThan(20);
  });
});

function policyTest(name: string, expected: 'allow' | 'deny', line: number): PolicyTest {
  const at = { file: 'payments.yaml', line, col: 9 };
  return { name, wire: nameToWire(name), type: TYPE_A, expect: expected, at };
}

function failures(sketch: Sketch): string[] {
  const parsed: Config = config(sketch);
  return runPolicyTests(parsed.workloads, explained(sketch)).map(formatProblem);
}

describe('policy tests', () => {
  it('reports every failing test at its place, with what decided', () => {
    const tests = [
      policyTest('api.partner.example', 'allow', 10),
      policyTest('api.partner.example', 'deny', 11),
      policyTest('evil.example', 'allow', 12),
    ];
    const workloads = [{ name: 'other' }, { name: 'payments', allow: ['.partner.example'], tests }];
    expect(failures({ workloads })).toEqual([
      'payments.yaml:11:9: workloads.payments.tests[1]: api.partner.example A: expected deny, but the policy says allow: test.yaml:1 allow .partner.example',
      'payments.yaml:12:9: workloads.payments.tests[2]: evil.example A: expected allow, but the policy says deny: no rule names it',
    ]);
  });

  it.each(['enforce', 'report', 'open'] as const)('mean the same in mode %s', (mode) => {
    const tests = [policyTest('a.test', 'allow', 1), policyTest('b.test', 'deny', 2)];
    expect(failures({ workloads: [{ mode, allow: ['a.test'], tests }] })).toEqual([]);
    const wrong = [policyTest('b.test', 'allow', 3)];
    expect(failures({ workloads: [{ mode, allow: ['a.test'], tests: wrong }] })).toHaveLength(1);
  });
});
