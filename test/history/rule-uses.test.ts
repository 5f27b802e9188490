/** The use of rules: which rule decided, for whom, and when last. */

import { describe, expect, it } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { withoutPlace } from '../../src/history/rule-uses.ts';
import { packTexts } from '../../src/policy/rules.ts';
import { type Fixture, fixture, REVISION, tableRows } from './support/fixture.ts';
import { NOON } from './support/records.ts';

const RULES = ['', 'a b.yaml:7 allow *.example.com (A)', 'a b.yaml:9 deny x.test', 'feed malware'];

function uses({ path }: Fixture): unknown[] {
  return tableRows(
    path,
    `SELECT w.name AS workload, r.text AS rule, u.first_ms - ${NOON} AS first,
       u.last_ms - ${NOON} AS last, u.queries
     FROM rule_use u JOIN workload w ON w.id = u.workload_id JOIN rule r ON r.id = u.rule_id
     ORDER BY 1, 2`,
  );
}

function started(rules = RULES): Fixture {
  const test = fixture();
  test.recording.addRevision({ ...REVISION, rules: packTexts(rules) });
  return test;
}

describe('the use of a rule', () => {
  it('is counted by the records of names, and beyond the bound of names by what was folded', () => {
    const test = started();
    test.put([
      { name: 'a.example.com', allowed: 5, folded: 2, rule: 1, lastMs: NOON + 9 },
      { kind: KIND_NAME, name: 'a.example.com', allowed: 2, failed: 1, rule: 1, lastMs: NOON + 4 },
      { kind: KIND_NAME, name: 'x.test', denied: 4, rule: 2, workload: 2 },
      { kind: KIND_NAME, name: 'b.example.com', allowed: 4 },
    ]);
    test.recording.close();
    expect(uses(test)).toEqual([
      { workload: 'pay', rule: 'allow *.example.com (A)', first: 0, last: 9, queries: 5 },
      { workload: 'web', rule: 'deny x.test', first: 0, last: 0, queries: 4 },
    ]);
  });

  it('goes on where the rule moves to another line', () => {
    const test = started();
    const name = { kind: KIND_NAME, name: 'a.example.com', allowed: 1 };
    test.put([{ ...name, rule: 1 }]);
    const rules = packTexts(['', '', 'a b.yaml:8 allow *.example.com (A)']);
    test.recording.addRevision({ ...REVISION, revision: 2, rules });
    test.put([{ ...name, revision: 2, rule: 2, firstMs: NOON + 5, lastMs: NOON + 6 }]);
    test.recording.close();
    const rule = 'allow *.example.com (A)';
    expect(uses(test)).toEqual([{ workload: 'pay', rule, first: 0, last: 6, queries: 2 }]);
  });

  it('is written ten seconds apart, and at the end', () => {
    const test = started();
    const name = { kind: KIND_NAME, name: 'a.example.com', allowed: 1, rule: 1 };
    const queries = (): unknown[] => uses(test).map((row) => (row as { queries: number }).queries);
    test.put([name]);
    test.recording.flush();
    expect(queries()).toEqual([1]);
    test.put([name]);
    test.clock.ms += 9_999;
    test.recording.flush();
    expect(queries()).toEqual([1]);
    test.clock.ms += 1;
    test.recording.flush();
    expect(queries()).toEqual([2]);
    test.put([name]);
    test.recording.close();
    expect(queries()).toEqual([3]);
  });

  it('is written also after the clock was set back', () => {
    const test = started();
    test.recording.flush();
    test.clock.ms -= 864_000_000;
    test.put([{ kind: KIND_NAME, name: 'a.example.com', allowed: 1, rule: 1 }]);
    test.recording.flush();
    expect(uses(test)).toHaveLength(1);
  });

  it('is known to be kept since the first daemon that keeps it', () => {
    const test = started();
    test.recording.flush();
    test.clock.ms += 20_000;
    test.recording.close();
    expect(tableRows(test.path, 'SELECT * FROM rule_use_since')).toEqual([{ since_ms: NOON }]);
  });

  it.each([
    ['/etc/d/a b.yaml:12 allow *.x.example (A, AAAA)', 'allow *.x.example (A, AAAA)'],
    ['C:9/p.yaml:3 bundle aws x.example', 'bundle aws x.example'],
    ['feed malware', 'feed malware'],
    ['', ''],
  ])('names the rule of %j without its place', (text, rule) => {
    expect(withoutPlace(text)).toBe(rule);
  });
});
