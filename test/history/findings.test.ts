/** Findings from the ring to main and into the database. */

import type Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import {
  FINDING_BUDGET,
  FINDING_REPUTATION,
  FINDING_SPREAD,
  FINDING_TUNNEL,
  FLAG_FIRST,
  REASON_TUNNEL,
} from '../../src/events/kinds.ts';
import { unpackParts } from '../../src/history/finding-rows.ts';
import { fixture, tableRows } from './support/fixture.ts';
import { type FindingSpec, mapped, NOON, type RecordSpec } from './support/records.ts';

const HOUR = 3_600_000;

function finding(name: string, found: Partial<FindingSpec> = {}, more: Partial<RecordSpec> = {}) {
  const spec = { type: FINDING_TUNNEL, score: 187, threshold: 160, parts: [31, 240], ...found };
  return { name, finding: spec, lastMs: NOON, ...more };
}

const ROWS = `
SELECT w.name AS workload, f.name_rev, f.type, f.score, f.threshold, f.count, f.denied, f.full_rev,
  coalesce(r.text, '') AS rule
FROM finding f JOIN workload w ON w.id = f.workload_id LEFT JOIN rule r ON r.id = f.rule_id
ORDER BY f.id`;

describe('a finding', () => {
  it('is told when the ring is read, before anything is stored', () => {
    const test = fixture();
    test.put([
      finding(
        'x.one.test',
        { isDenied: true },
        { qtype: 16, source: '10.2.2.2', rule: 1, reason: REASON_TUNNEL, firstMs: NOON - HOUR },
      ),
    ]);
    const parts = [31, 240, ...new Array(14).fill(0)];
    expect(test.observations()).toEqual([
      expect.objectContaining({
        isNew: false,
        stored: false,
        workload: 'pay',
        qname: 'x.one.test',
        registrable: 'one.test',
        qtype: 16,
        source: '10.2.2.2',
        rule: 'policy.yaml:7:5 *.example.com',
        reason: REASON_TUNNEL,
        answers: [],
        feed: 0,
        counts: { allowed: 0, denied: 1, wouldDeny: 0, failed: 0 },
        firstMs: NOON,
        lastMs: NOON,
        finding: { type: FINDING_TUNNEL, score: 187, threshold: 160, denied: true, parts },
      }),
    ]);
    expect(tableRows(test.path, ROWS)).toEqual([]);
  });

  it('is told once, and its row is written with the next commit', () => {
    const test = fixture();
    test.put([finding('x.one.test', {}, { rule: 1, qtype: 16, source: '10.2.2.2' })]);
    expect(test.recording.flush()).toBe(true);
    test.recording.poll();
    expect(test.observations()).toHaveLength(1);
    expect(tableRows(test.path, ROWS)).toEqual([
      {
        workload: 'pay',
        name_rev: 'test.one.',
        type: FINDING_TUNNEL,
        score: 187,
        threshold: 160,
        count: 1,
        denied: 0,
        full_rev: 'test.one.x.',
        rule: 'policy.yaml:7:5 *.example.com',
      },
    ]);
    const [row] = tableRows(test.path, 'SELECT parts, source, qtype FROM finding') as [
      { parts: Buffer; source: Buffer; qtype: number },
    ];
    expect(unpackParts(row.parts).slice(0, 3)).toEqual([31, 240, 0]);
    expect(row.source).toEqual(Buffer.from(mapped('10.2.2.2')));
    expect(row.qtype).toBe(16);
  });

  it('knows when its pair was first seen, where the row of the pair is remembered', () => {
    const test = fixture();
    test.put([{ name: 'x.one.test', allowed: 1, flags: FLAG_FIRST, firstMs: NOON - HOUR }]);
    test.recording.flush();
    test.put([finding('y.one.test')]);
    expect(test.observations().at(-1)).toMatchObject({ stored: true, firstSeenMs: NOON - HOUR });
  });

  it('adds nothing to the counts of its pair', () => {
    const test = fixture();
    test.put([{ name: 'x.one.test', allowed: 1 }, finding('x.one.test')]);
    test.recording.flush();
    const rows = tableRows(test.path, 'SELECT allowed, denied, would_deny, failed FROM pair');
    expect(rows).toEqual([{ allowed: 1, denied: 0, would_deny: 0, failed: 0 }]);
  });

  it('that came before its pair leaves the totals of the workload right', () => {
    const test = fixture();
    test.put([finding('x.one.test')]);
    test.recording.flush();
    test.put([{ name: 'x.one.test', allowed: 3 }]);
    test.recording.flush();
    const rows = tableRows(test.path, 'SELECT name, domains, allowed FROM workload');
    expect(rows).toEqual([{ name: 'pay', domains: 1, allowed: 3 }]);
  });
});

describe('findings about the same thing', () => {
  it('that are read together are told as one, with the worst score and the denied query', () => {
    const test = fixture();
    const ring = [
      finding('a.one.test', { score: 170 }),
      finding('b.one.test', { score: 190, isDenied: true, parts: [40] }),
      finding('c.one.test', { score: 180 }),
    ];
    test.put(ring);
    expect(test.observations()).toMatchObject([
      {
        qname: 'b.one.test',
        counts: { allowed: 2, denied: 1 },
        finding: { score: 190, denied: true, parts: expect.arrayContaining([40]) },
      },
    ]);
  });

  it('are one row for an hour, and the next one after that', () => {
    const test = fixture();
    const at = (ms: number) => ({ lastMs: NOON + ms, firstMs: NOON - 24 * HOUR });
    for (const [score, ms] of [
      [170, 0],
      [200, HOUR / 2],
      [180, HOUR - 1],
      [210, HOUR + 1],
    ] as const) {
      test.put([finding('x.one.test', { score }, at(ms))]);
      test.recording.flush();
    }
    expect(tableRows(test.path, 'SELECT score, count, last_ms FROM finding')).toEqual([
      { score: 200, count: 3, last_ms: NOON + HOUR - 1 },
      { score: 210, count: 1, last_ms: NOON + HOUR + 1 },
    ]);
  });

  it('show the denied query, whatever was let through after it', () => {
    const test = fixture();
    test.put([finding('a.one.test', { isDenied: true })]);
    test.recording.flush();
    test.put([finding('b.one.test')]);
    test.recording.flush();
    expect(tableRows(test.path, ROWS)).toMatchObject([
      { count: 2, denied: 1, full_rev: 'test.one.a.' },
    ]);
  });

  it('of reputation keep the lowest score', () => {
    const test = fixture();
    const low = (score: number) =>
      finding('x.one.test', { type: FINDING_REPUTATION, score, threshold: 30 });
    test.put([low(20), low(10), low(15)]);
    test.recording.flush();
    test.put([low(12)]);
    test.recording.flush();
    expect(test.observations().map(({ finding: found }) => found?.score)).toEqual([10, 12]);
    expect(tableRows(test.path, 'SELECT score FROM finding')).toEqual([{ score: 10 }]);
  });

  it('are those of one workload, whatever the domain, where no one domain is meant', () => {
    const test = fixture();
    const spread = { type: FINDING_SPREAD };
    test.put([
      finding('x.one.test', spread),
      finding('x.two.test', spread),
      finding('x.two.test', spread, { workload: 2 }),
      finding('x.two.test'),
    ]);
    test.recording.flush();
    expect(tableRows(test.path, ROWS)).toMatchObject([
      { workload: 'pay', name_rev: '', count: 2, full_rev: 'test.two.x.' },
      { workload: 'web', name_rev: '', count: 1 },
      { workload: 'pay', name_rev: 'test.two.', count: 1 },
    ]);
  });

  it('of a budget are those of one rule', () => {
    const test = fixture();
    const budget = { type: FINDING_BUDGET };
    test.put([
      finding('x.one.test', budget, { rule: 1 }),
      finding('x.two.test', budget, { rule: 1 }),
      finding('x.two.test', budget),
    ]);
    test.recording.flush();
    test.put([finding('x.three.test', budget, { rule: 1 })]);
    test.recording.flush();
    expect(tableRows(test.path, 'SELECT count FROM finding')).toEqual([{ count: 3 }, { count: 1 }]);
  });
});

describe('findings while the database cannot be written', () => {
  it('are told all the same, once, and stored when it can', () => {
    let connection: Database.Database | undefined;
    const test = fixture({
      prepare: (db) => {
        connection = db;
        db.pragma('max_page_count = 1');
      },
    });
    test.put(Array.from({ length: 300 }, (_, i) => finding(`x.a-long-domain-${i}.test`)));
    expect(test.observations()).toHaveLength(300);
    expect(test.recording.flush()).toBe(false);
    expect(test.recording.stats().error).toContain('SQLITE_FULL');
    test.put([finding('y.a-long-domain-0.test', { score: 200 })]);
    expect(test.observations()).toHaveLength(301);
    expect(test.observations().at(-1)).toMatchObject({ finding: { score: 200 } });
    connection?.pragma('max_page_count = 1000000');
    test.clock.ms += 1000;
    expect(test.recording.flush()).toBe(true);
    expect(test.observations()).toHaveLength(301);
    const rows = tableRows(test.path, ROWS);
    expect(rows).toHaveLength(300);
    expect(rows[0]).toMatchObject({ count: 2, score: 200 });
  });

  it('are held within a bound, and what goes beyond is counted', () => {
    const test = fixture({ prepare: (db) => db.pragma('query_only = 1') });
    test.put(Array.from({ length: 20_005 }, (_, i) => finding(`x.n${i}.test`)));
    expect(test.recording.stats()).toMatchObject({ shed: 5 });
    expect(test.observations()).toHaveLength(20_005);
  });
});

describe('the purge of findings', () => {
  it('takes those beyond the retention, in several steps', () => {
    const test = fixture({ retentionMs: 24 * HOUR });
    const old = Array.from({ length: 1200 }, (_, i) =>
      finding(`x.n${i}.test`, {}, { lastMs: NOON - 25 * HOUR }),
    );
    test.put([...old, finding('x.young.test', {}, { lastMs: NOON - 23 * HOUR })]);
    test.recording.flush();
    const left = () => tableRows(test.path, 'SELECT 1 FROM finding').length;
    test.recording.maintain();
    expect(left()).toBe(701);
    for (let i = 0; i < 3; i++) test.recording.maintain();
    expect(left()).toBe(1);
  });
});
