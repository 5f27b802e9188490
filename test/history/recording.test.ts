import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FLAG_BYPASS,
  FLAG_CHAIN,
  FLAG_FIRST,
  FLAG_REBINDING,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
  KIND_ANSWER,
  KIND_NAME,
  REASON_CHAIN,
  REASON_REBINDING,
} from '../../src/events/kinds.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { fixture, REVISION, readHistory, tableRows } from './support/fixture.ts';
import { NOON, type RecordSpec, writeRecord } from './support/records.ts';

const ALL = { workload: null, sinceMs: 0, limit: -1 };

describe('counts and times', () => {
  it('are the same whatever the order, the ring and the flush of the records', () => {
    const names = ['a.one.test', 'b.one.test', 'two.test', 'x.y.three.test'];
    const record = fc.record({
      workload: fc.integer({ min: 0, max: 3 }),
      name: fc.constantFrom(...names),
      firstMs: fc.integer({ min: NOON, max: NOON + 5000 }),
      allowed: fc.integer({ min: 0, max: 9 }),
      denied: fc.integer({ min: 0, max: 9 }),
      failed: fc.integer({ min: 0, max: 9 }),
      ring: fc.integer({ min: 0, max: 1 }),
      flush: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 60 }), (records) => {
        const test = fixture({ ringCount: 2 });
        for (const { ring, flush, ...spec } of records) {
          test.put([spec], ring);
          if (flush) test.recording.flush();
        }
        expect(test.recording.flush()).toBe(true);
        expect(stored(test.path)).toEqual(expected(records));
        test.recording.close();
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('of name detail are not added to those of the pair', () => {
    const test = fixture();
    test.put([
      { name: 'www.one.test', allowed: 3 },
      { kind: KIND_NAME, name: 'www.one.test', allowed: 2 },
      { kind: KIND_NAME, name: 'api.one.test', allowed: 1 },
    ]);
    test.recording.flush();
    const history = readHistory(test.path);
    expect(history.firstSeen(ALL)).toMatchObject([{ queries: 3, names: 2, folded: 0 }]);
    expect(history.names('pay', 'test.one.', -1)).toMatchObject([
      { name: 'api.one.test', queries: 1 },
      { name: 'www.one.test', queries: 2 },
    ]);
  });

  it('of a workload are the sums of its pairs', () => {
    const test = fixture();
    test.put([
      { name: 'one.test', allowed: 3, cached: 2, wouldDeny: 1 },
      { name: 'two.test', denied: 4, failed: 1 },
      { name: 'one.test', workload: 2, allowed: 1 },
    ]);
    test.recording.flush();
    test.put([{ name: 'one.test', allowed: 1 }]);
    test.recording.flush();
    expect(readHistory(test.path).workloads(ALL)).toMatchObject([
      { workload: 'pay', domains: 2, queries: 9, allowed: 4, denied: 4, wouldDeny: 1, cached: 2 },
      { workload: 'web', domains: 1, queries: 1 },
    ]);
  });
});

describe('name detail', () => {
  it('is bounded per pair, and what goes beyond is folded and counted', () => {
    const test = fixture({ namesPerDomain: 5 });
    for (let i = 0; i < 40; i++) {
      test.put([
        { name: `n${i}.one.test`, allowed: 2 },
        { kind: KIND_NAME, name: `n${i}.one.test`, allowed: 2 },
      ]);
      if (i % 7 === 0) test.recording.flush();
    }
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([
      { queries: 80, names: 5, folded: 70 },
    ]);
    expect(tableRows(test.path, 'SELECT * FROM name')).toHaveLength(5);
  });

  it('that a worker folded already is counted as folded', () => {
    const test = fixture();
    test.put([{ name: 'n.one.test', allowed: 9, folded: 7 }]);
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([{ queries: 9, folded: 7 }]);
  });

  it('goes on being counted for names that are held when the bound is reached', () => {
    const test = fixture({ namesPerDomain: 1 });
    const held: RecordSpec = { kind: KIND_NAME, name: 'held.one.test', allowed: 1 };
    const other: RecordSpec = { kind: KIND_NAME, name: 'other.one.test', allowed: 1 };
    test.put([{ name: 'held.one.test', allowed: 1 }, held]);
    test.recording.flush();
    test.put([held]);
    test.recording.flush();
    test.put([other]);
    test.recording.flush();
    expect(readHistory(test.path).names('pay', 'test.one.', -1)).toMatchObject([
      { name: 'held.one.test', queries: 2 },
    ]);
  });
});

describe('the first query', () => {
  it('keeps its address, type, verdict, rule and policy, and the first answers', () => {
    const test = fixture();
    const first = { name: 'www.one.test', firstMs: NOON, qtype: 65, source: '10.1.1.1', rule: 1 };
    test.put([
      { ...first, denied: 1 },
      { name: 'api.one.test', firstMs: NOON + 10, source: '10.2.2.2', allowed: 1 },
      { kind: KIND_ANSWER, name: 'api.one.test', firstMs: NOON + 20, answers: ['192.0.2.1'] },
      { kind: KIND_ANSWER, name: 'api.one.test', firstMs: NOON + 30, answers: ['192.0.2.2'] },
    ]);
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toEqual([
      expect.objectContaining({
        workload: 'pay',
        domain: 'one.test',
        firstName: 'www.one.test',
        firstType: 'HTTPS',
        firstVerdict: 'denied',
        firstSource: '10.1.1.1',
        rule: 'policy.yaml:7:5 *.example.com',
        revision: 1,
        policyMs: REVISION.at,
        answers: ['192.0.2.1'],
      }),
    ]);
  });

  it('is the earliest one, also when a slower worker tells of it later', () => {
    const test = fixture({ ringCount: 2 });
    test.put([{ name: 'b.one.test', firstMs: NOON + 50, source: '10.0.0.2', denied: 1 }], 0);
    test.recording.flush();
    test.put([{ name: 'a.one.test', firstMs: NOON, source: '10.0.0.1', allowed: 1 }], 1);
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([
      { firstMs: NOON, firstName: 'a.one.test', firstSource: '10.0.0.1', firstVerdict: 'allowed' },
    ]);
  });

  it('is that of the detail where the pair shows a graver name of the same moment', () => {
    const test = fixture();
    test.put([
      { name: 'evil.one.test', allowed: 1, denied: 1, lastMs: NOON + 9, source: '10.0.0.9' },
      { kind: KIND_ANSWER, name: 'evil.one.test' },
      { kind: KIND_NAME, name: 'evil.one.test', denied: 1, firstMs: NOON + 9, source: '10.0.0.9' },
      { kind: KIND_NAME, name: 'www.one.test', allowed: 1, source: '10.0.0.1' },
    ]);
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([
      { firstName: 'www.one.test', firstVerdict: 'allowed', firstSource: '10.0.0.1' },
    ]);
    expect(test.observations()).toMatchObject([{ qname: 'evil.one.test', source: '10.0.0.9' }]);
  });

  it('never stores an address that was refused as rebinding', () => {
    const test = fixture();
    test.put([
      { name: 'one.test', allowed: 1 },
      { kind: KIND_ANSWER, name: 'one.test', answers: ['169.254.169.254'], flags: FLAG_REBINDING },
    ]);
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([{ answers: [] }]);
    expect(test.observations()).toMatchObject([{ answers: ['169.254.169.254'] }]);
  });
});

describe('a pair is new', () => {
  it('once, when two workers believe to have seen it first', () => {
    const test = fixture({ ringCount: 2 });
    const first = { name: 'one.test', allowed: 1, flags: FLAG_FIRST };
    test.put([first], 0);
    test.recording.flush();
    test.put([first], 1);
    test.recording.flush();
    expect(test.observations().map(({ isNew }) => isNew)).toEqual([true]);
  });

  it('not again after a restart', () => {
    const before = fixture();
    before.put([{ name: 'one.test', allowed: 1, flags: FLAG_FIRST }]);
    before.recording.close();
    const after = fixture({ path: before.path });
    after.put([{ name: 'one.test', allowed: 1, flags: FLAG_FIRST }]);
    after.recording.flush();
    expect(after.observations()).toEqual([]);
    expect(before.recording.stats().firstSeen).toBe(1);
    expect(after.recording.stats().firstSeen).toBe(0);
    expect(readHistory(after.path).firstSeen(ALL)).toMatchObject([{ queries: 2 }]);
  });

  it('not again when the wall clock goes back', () => {
    const test = fixture();
    test.put([{ name: 'one.test', allowed: 1, firstMs: NOON }]);
    test.recording.flush();
    test.clock.ms = NOON - 86_400_000;
    test.put([{ name: 'one.test', allowed: 1, firstMs: test.clock.ms }]);
    test.recording.flush();
    expect(test.observations()).toHaveLength(1);
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([
      { firstMs: NOON - 86_400_000, lastMs: NOON, queries: 2 },
    ]);
  });

  it('for a workload that kept its name but changed its number', () => {
    const test = fixture();
    test.put([{ name: 'one.test', workload: 1, allowed: 1 }]);
    test.recording.flush();
    test.recording.addRevision({ ...REVISION, revision: 2, workloads: ['(unmapped)', 'x', 'pay'] });
    test.put([{ name: 'one.test', workload: 2, revision: 2, allowed: 1 }]);
    test.recording.flush();
    expect(readHistory(test.path).workloads(ALL)).toMatchObject([{ workload: 'pay', queries: 2 }]);
    expect(test.observations()).toHaveLength(1);
  });
});

describe('main is told', () => {
  const known: RecordSpec = { name: 'one.test', allowed: 1 };
  const rows: { name: string; record: RecordSpec; told: boolean }[] = [
    { name: 'nothing of an allowed query for a known pair', record: {} as RecordSpec, told: false },
    { name: 'of denials', record: { name: 'one.test', denied: 2 }, told: true },
    { name: 'of rebinding', record: { ...known, flags: FLAG_REBINDING }, told: true },
    { name: 'of a resolver name', record: { ...known, flags: FLAG_BYPASS }, told: true },
    { name: 'of a feed that matched', record: { ...known, flags: FLAG_REPUTATION }, told: true },
    { name: 'of an unmapped source', record: { ...known, flags: FLAG_UNMAPPED }, told: true },
    { name: 'of a denied chain', record: { ...known, flags: FLAG_CHAIN }, told: true },
    { name: 'nothing of "would deny" again', record: { ...known, wouldDeny: 1 }, told: false },
  ];
  for (const { name, record, told } of rows) {
    it(name, () => {
      const test = fixture();
      test.put([known]);
      test.recording.flush();
      test.messages.length = 0;
      test.put([{ ...known, ...record }]);
      test.recording.flush();
      expect(test.observations()).toHaveLength(told ? 1 : 0);
      if (told) expect(test.observations()[0]).toMatchObject({ isNew: false, stored: true });
    });
  }

  it('of denials for two reasons apart, each with its own name and count', () => {
    const test = fixture();
    const chain = { denied: 1, flags: FLAG_CHAIN, reason: REASON_CHAIN };
    const rebinding = { denied: 2, flags: FLAG_REBINDING, reason: REASON_REBINDING };
    test.put([
      { name: 'docs.one.test', ...chain },
      { name: 'printer.one.test', ...rebinding, answers: ['10.0.0.1'] },
      { name: 'docs.one.test', ...chain },
    ]);
    test.recording.flush();
    expect(test.observations()).toMatchObject([
      { qname: 'docs.one.test', reason: REASON_CHAIN, flags: FLAG_CHAIN, counts: { denied: 2 } },
      {
        qname: 'printer.one.test',
        reason: REASON_REBINDING,
        flags: FLAG_REBINDING,
        counts: { denied: 2 },
        answers: ['10.0.0.1'],
      },
    ]);
  });

  it('about the denied name where an allowed one came first', () => {
    const test = fixture();
    test.put([
      { name: 'good.one.test', allowed: 1, source: '10.0.0.1' },
      {
        name: 'evil.one.test',
        denied: 3,
        source: '10.0.0.9',
        rule: 1,
        qtype: 16,
        feed: 2,
        reason: 3,
      },
      { name: 'good.one.test', allowed: 5, source: '10.0.0.1' },
    ]);
    test.recording.flush();
    expect(test.observations()).toEqual([
      expect.objectContaining({
        isNew: true,
        workload: 'pay',
        qname: 'evil.one.test',
        registrable: 'one.test',
        source: '10.0.0.9',
        qtype: 16,
        feed: 2,
        reason: 3,
        rule: 'policy.yaml:7:5 *.example.com',
        counts: { allowed: 6, denied: 3, wouldDeny: 0, failed: 0 },
        firstSeenMs: NOON,
      }),
    ]);
  });

  it('of names with control octets in escaped form only', () => {
    const test = fixture();
    test.put([{ name: 'a\\027[31m.one.test', denied: 1 }]);
    test.recording.flush();
    expect(test.observations()[0]?.qname).toBe('a\\027[31m.one.test');
  });
});

describe('records', () => {
  it('of a snapshot that main announced a moment ago are read with its names', () => {
    const test = fixture({ catchUp: (recording) => recording.addRevision(REVISION) });
    test.put([{ name: 'one.test', allowed: 1 }]);
    test.recording.flush();
    expect(readHistory(test.path).workloads(ALL)).toMatchObject([{ workload: 'pay' }]);
  });

  it('of a snapshot that nobody remembers are kept under a workload that says so', () => {
    const test = fixture();
    for (let revision = 2; revision < 80; revision++) {
      test.recording.addRevision({ ...REVISION, revision });
    }
    test.put([{ name: 'one.test', allowed: 1, revision: 1 }]);
    test.recording.flush();
    expect(readHistory(test.path).workloads(ALL)).toMatchObject([{ workload: '(unknown)' }]);
  });

  it('left in the ring of a dead worker are read before the new ring takes its place', () => {
    const test = fixture();
    writeRecord(test.writers[0]!, { name: 'one.test', allowed: 1 });
    test.writers[0]!.shed(3);
    const ring = createRing(16);
    test.recording.addRing(0, ring);
    writeRecord(new RingWriter(ring), { name: 'one.test', allowed: 1 });
    test.recording.poll();
    test.recording.flush();
    expect(readHistory(test.path).firstSeen(ALL)).toMatchObject([{ queries: 2 }]);
    expect(test.recording.stats().shed).toBe(3);
  });

  it('that cannot be stored are given up and counted, and hold up nothing', () => {
    const test = fixture();
    test.put([
      { name: 'one.test', allowed: 1 },
      { name: 'spoiled.test', allowed: 1, firstMs: Number.NaN, lastMs: Number.NaN },
      { name: 'two.test', allowed: 1 },
    ]);
    expect(test.recording.flush()).toBe(true);
    expect(
      readHistory(test.path)
        .firstSeen(ALL)
        .map(({ domain }) => domain),
    ).toEqual(['one.test', 'two.test']);
    expect(test.recording.stats()).toMatchObject({ shed: 1, queueDepth: 0 });
  });
});

interface Sums {
  firstMs: number;
  lastMs: number;
  allowed: number;
  denied: number;
  failed: number;
}

function stored(path: string): Map<string, Sums> {
  const rows = readHistory(path).firstSeen(ALL);
  return new Map(
    rows.map(({ workload, domain, firstMs, lastMs, allowed, denied, failed }) => [
      `${workload} ${domain}`,
      { firstMs, lastMs, allowed, denied, failed },
    ]),
  );
}

/** The same sums by the plainest of means. */
function expected(records: readonly (RecordSpec & { firstMs: number })[]): Map<string, Sums> {
  const sums = new Map<string, Sums>();
  for (const { workload = 0, name, firstMs, allowed = 0, denied = 0, failed = 0 } of records) {
    const key = `${REVISION.workloads[workload]} ${name.split('.').slice(-2).join('.')}`;
    const sum = sums.get(key) ?? { firstMs, lastMs: firstMs, allowed: 0, denied: 0, failed: 0 };
    sums.set(key, {
      firstMs: Math.min(sum.firstMs, firstMs),
      lastMs: Math.max(sum.lastMs, firstMs),
      allowed: sum.allowed + allowed,
      denied: sum.denied + denied,
      failed: sum.failed + failed,
    });
  }
  return sums;
}
