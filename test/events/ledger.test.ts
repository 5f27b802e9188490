import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FLAG_BYPASS,
  FLAG_CHAIN,
  FLAG_FIRST,
  FLAG_REBINDING,
  REASON_CHAIN,
  REASON_REBINDING,
} from '../../src/events/kinds.ts';
import {
  Ledger,
  OUTCOME_ALLOWED,
  OUTCOME_CACHED,
  OUTCOME_DENIED,
  OUTCOME_FAILED,
  OUTCOME_NXDOMAIN,
  OUTCOME_NXDOMAIN_CACHED,
} from '../../src/events/ledger.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { drain, type Handed, type Seen, seen } from './reading.ts';

/** Names in tests are `x.DOMAIN.TLD`: the registrable domain is the last two labels. */
class Rig {
  readonly ring;
  readonly ledger: Ledger;

  constructor(slots = 64, namesPerPair = 8, records = 256) {
    this.ring = createRing(records);
    this.ledger = new Ledger(new RingWriter(this.ring), slots, namesPerPair);
  }

  /** As the pipeline accounts for a query. Returns the pair. */
  count(shape: Seen, outcome: number = OUTCOME_ALLOWED): number {
    const query = seen(shape);
    const known = this.ledger.find(query);
    if (known !== -1) return this.ledger.countKnown(query, known, outcome);
    return this.ledger.countNew(query, Math.max(query.name.labelCount - 2, 0), outcome);
  }

  /** What a hand-over at that time gives, in short. */
  due(wallMs: number): string[] {
    this.ledger.flushDue(wallMs);
    return drain(this.ring).map(({ kind, name }) => `${kind} ${name}`);
  }

  taken(kind?: string): Handed[] {
    this.ledger.flush();
    const records = drain(this.ring);
    return kind === undefined ? records : records.filter((record) => record.kind === kind);
  }
}

/** Counts of each table that leave at once. */
const AT_ONCE = 2048;
const A = 'a.example.com';
const B = 'b.example.com';

describe('what is handed over', () => {
  it('one pair and one name for a first query', () => {
    const rig = new Rig();
    rig.count({ name: A, wallMs: 5, source: '10.0.0.9' });
    const [pair, name, ...rest] = rig.taken();
    const common = {
      workload: 1,
      revision: 1,
      name: A,
      registrable: 'example.com',
      allowed: 1,
      denied: 0,
    };
    expect(pair).toMatchObject({
      kind: 'pair',
      ...common,
      firstMs: 5,
      lastMs: 5,
      source: '10.0.0.9',
    });
    expect(name).toMatchObject({ kind: 'name', ...common });
    expect(pair?.flags).toBe(FLAG_FIRST);
    expect(rest).toEqual([]);
  });

  it('counts by outcome, a hit as allowed too', () => {
    const rig = new Rig();
    rig.count({ name: A });
    rig.count({ name: A, wouldDeny: 1 }, OUTCOME_CACHED);
    rig.count({ name: A }, OUTCOME_DENIED);
    rig.count({ name: B }, OUTCOME_FAILED);
    expect(rig.taken('pair')).toMatchObject([
      { allowed: 2, cached: 1, denied: 1, failed: 1, wouldDeny: 1 },
    ]);
  });

  it('names that do not exist as allowed, and from the store as cached too, until the next record', () => {
    const rig = new Rig();
    rig.count({ name: A }, OUTCOME_NXDOMAIN);
    rig.count({ name: A }, OUTCOME_NXDOMAIN_CACHED);
    rig.count({ name: B });
    expect(rig.taken('pair')).toMatchObject([
      { allowed: 3, cached: 1, nxdomain: 2, denied: 0, failed: 0 },
    ]);
    rig.count({ name: A });
    expect(rig.taken('pair')).toMatchObject([{ allowed: 1, cached: 0, nxdomain: 0 }]);
  });

  it('first and last times since the last record', () => {
    const rig = new Rig();
    rig.count({ name: A, wallMs: 10 });
    rig.count({ name: A, wallMs: 30 });
    expect(rig.taken('pair')).toMatchObject([{ firstMs: 10, lastMs: 30 }]);
    rig.count({ name: A, wallMs: 50 });
    expect(rig.taken('pair')).toMatchObject([{ firstMs: 50, lastMs: 50, allowed: 1, flags: 0 }]);
  });

  it('who asked first since the last record', () => {
    const rig = new Rig();
    rig.count({ name: A, source: '10.0.0.1' });
    rig.count({ name: A, source: '10.0.0.2' });
    expect(rig.taken('pair')).toMatchObject([{ source: '10.0.0.1' }]);
    rig.count({ name: A, source: '10.0.0.3' });
    rig.count({ name: A, source: '10.0.0.4' });
    expect(rig.taken('pair')).toMatchObject([{ source: '10.0.0.3' }]);
  });

  it('who was denied, rather than who asked first', () => {
    const rig = new Rig();
    rig.count({ name: A, source: '10.0.0.1' });
    rig.count({ name: A, source: '10.0.0.2' }, OUTCOME_DENIED);
    expect(rig.taken('pair')).toMatchObject([{ source: '10.0.0.2' }]);
  });

  it('at first only what may be new to the database', () => {
    const rig = new Rig();
    rig.count({ name: A });
    expect(rig.due(1000).length).toBe(2);
    rig.count({ name: A });
    rig.count({ name: B });
    expect(rig.due(1000)).toEqual([`name ${B}`]);
    expect(rig.taken('pair')).toMatchObject([{ allowed: 2 }]);
  });

  it('counts of what is known when they have gathered for two seconds', () => {
    const rig = new Rig();
    rig.count({ name: A, wallMs: 1000 });
    rig.due(1000);
    rig.count({ name: A, wallMs: 1500 });
    rig.count({ name: A, wallMs: 3000 });
    expect(rig.due(3499)).toEqual([]);
    expect(rig.due(3500)).toEqual([`pair ${A}`, `name ${A}`]);
    expect(rig.due(9000)).toEqual([]);
  });

  it.each([
    { slots: 4000, afterMs: 4000 },
    { slots: 24_000, afterMs: 10_000 },
  ])('counts of $slots slots when they have gathered for $afterMs ms', ({ slots, afterMs }) => {
    const rig = new Rig(16_384, 8, 65_536);
    const pairs = slots / 2;
    const all = Array.from({ length: pairs }, (_, i) => `a.d${i}.test`);
    for (const name of all) rig.count({ name, wallMs: 1000 });
    expect(rig.due(1000).length).toBe(slots);
    for (const name of all) rig.count({ name, wallMs: 2000 });
    expect(rig.due(2000 + afterMs - 1)).toEqual([]);
    for (let i = 0; i <= pairs / AT_ONCE; i++) rig.due(2000 + afterMs);
    expect(rig.ledger.pending).toBe(0);
  });

  it('a denial of what is known at once, and its repeats when they have gathered', () => {
    const rig = new Rig();
    rig.count({ name: A, wallMs: 1000 });
    rig.due(1000);
    rig.count({ name: A, wallMs: 5000 });
    rig.count({ name: A, wallMs: 5001 }, OUTCOME_DENIED);
    expect(rig.due(5001)).toEqual([`pair ${A}`]);
    rig.count({ name: A, wallMs: 5100 }, OUTCOME_DENIED);
    expect(rig.due(5100)).toEqual([]);
    expect(rig.due(7100)).toEqual([`pair ${A}`, `name ${A}`]);
    expect(rig.ledger.pending).toBe(0);
  });

  it.each([-10, -10_000, -864_000_000])(
    'what gathered before the clock was set by %i ms, and all that is behind it, goes in time',
    (setMs) => {
      const rig = new Rig();
      rig.count({ name: A, wallMs: 5e9 });
      rig.count({ name: B, wallMs: 5e9 });
      rig.due(5e9);
      rig.count({ name: A, wallMs: 5e9 + 1 });
      const nowMs = 5e9 + setMs;
      rig.count({ name: B, wallMs: nowMs });
      rig.due(nowMs);
      rig.due(nowMs + 1999);
      rig.due(nowMs + 2001);
      expect(rig.ledger.pending).toBe(0);
    },
  );

  it('what waits in both ways leaves once, and every query is in one record', () => {
    const rig = new Rig();
    const records: Handed[] = [];
    for (let round = 0; round < 100; round++) {
      const wallMs = 5000 + round * 4000;
      rig.count({ name: A, wallMs });
      rig.count({ name: A, wallMs: wallMs + 1 }, OUTCOME_DENIED);
      rig.ledger.flushDue(wallMs + 1);
      const handed = drain(rig.ring);
      expect(handed.filter(({ kind }) => kind === 'pair').length).toBe(1);
      records.push(...handed);
    }
    records.push(...rig.taken());
    for (const kind of ['pair', 'name']) {
      const own = records.filter((record) => record.kind === kind);
      expect(own.reduce((sum, { allowed }) => sum + allowed, 0)).toBe(100);
      expect(own.reduce((sum, { denied }) => sum + denied, 0)).toBe(100);
    }
  });

  it('nothing twice', () => {
    const rig = new Rig();
    rig.count({ name: A });
    expect(rig.taken().length).toBe(2);
    expect(rig.taken()).toEqual([]);
  });

  it('each workload by itself', () => {
    const rig = new Rig();
    rig.count({ name: A, workload: 1 });
    rig.count({ name: A, workload: 2 }, OUTCOME_DENIED);
    const pairs = rig
      .taken('pair')
      .map(({ workload, allowed, denied }) => [workload, allowed, denied]);
    expect(pairs.sort()).toEqual([
      [1, 1, 0],
      [2, 0, 1],
    ]);
  });

  it('names beyond the bound of a pair are folded, and still counted', () => {
    const rig = new Rig(64, 3);
    for (let i = 0; i < 10; i++) rig.count({ name: `n${i}.example.com` });
    const records = rig.taken();
    expect(records.filter(({ kind }) => kind === 'name').length).toBe(3);
    expect(records.find(({ kind }) => kind === 'pair')).toMatchObject({ allowed: 10, folded: 7 });
  });

  it('new names of a pair that come faster than people ask are folded after the first sixteen', () => {
    const rig = new Rig(256, 200);
    for (let i = 0; i < 100; i++) rig.count({ name: `n${i}.example.com`, nowMs: 5000 + i });
    for (let i = 0; i < 20; i++) rig.count({ name: `n${i}.other.com`, nowMs: 5000 + i });
    const records = rig.taken();
    const named = records
      .filter(({ kind }) => kind === 'name')
      .map(({ registrable }) => registrable);
    expect(named.filter((domain) => domain === 'example.com').length).toBe(16);
    expect(named.length).toBe(32);
    const pair = records.find(
      ({ kind, registrable }) => kind === 'pair' && registrable === 'example.com',
    );
    expect(pair).toMatchObject({ allowed: 100, folded: 84 });
  });

  it('a denied name is told by its own name, however fast names came before it', () => {
    const rig = new Rig(256, 200);
    for (let i = 0; i < 100; i++) rig.count({ name: `n${i}.example.com`, nowMs: 5000 });
    rig.count({ name: 'bad.example.com', nowMs: 5000 }, OUTCOME_DENIED);
    expect(rig.taken('pair')).toMatchObject([{ name: 'bad.example.com', denied: 1 }]);
  });

  it('one more new name a second has detail, also when the clock has gone round', () => {
    for (const from of [5000, 2 ** 31 - 3000, 2 ** 32 - 3000]) {
      const rig = new Rig(256, 200);
      for (let i = 0; i < 40; i++) rig.count({ name: `n${i}.example.com`, nowMs: from });
      for (let i = 0; i < 60; i++) rig.count({ name: `m${i}.example.com`, nowMs: from + i * 100 });
      expect(rig.taken('name').length).toBe(16 + 5);
    }
  });

  it('the pair shows the name that somebody will want to know of', () => {
    const rig = new Rig();
    rig.count({ name: A });
    rig.count({ name: B, flags: FLAG_BYPASS }, OUTCOME_DENIED);
    rig.count({ name: A });
    expect(rig.taken('pair')).toMatchObject([{ name: B, flags: FLAG_FIRST | FLAG_BYPASS }]);
  });
});

describe('denials for several reasons', () => {
  const chain = { name: A, flags: FLAG_CHAIN, reason: REASON_CHAIN };
  const rebinding = { name: B, flags: FLAG_REBINDING, reason: REASON_REBINDING };

  it('are told apart, each with its own name', () => {
    const rig = new Rig();
    rig.count(chain, OUTCOME_DENIED);
    rig.count(rebinding, OUTCOME_DENIED);
    expect(rig.taken('pair')).toMatchObject([
      { name: A, denied: 1, flags: FLAG_FIRST | FLAG_CHAIN },
      { name: B, denied: 1, flags: FLAG_REBINDING },
    ]);
  });

  it('cannot fill the ring by turns: one more record between two handovers', () => {
    const rig = new Rig();
    for (let i = 0; i < 20; i++) rig.count(i % 2 === 0 ? chain : rebinding, OUTCOME_DENIED);
    const pairs = rig.taken('pair');
    expect(pairs).toHaveLength(2);
    expect(pairs.reduce((sum, { denied }) => sum + denied, 0)).toBe(20);
  });
});

function address(text: string): Uint8Array {
  const octets = new Uint8Array(16);
  addressToBytes(text, octets, 0);
  return octets;
}

describe('addresses', () => {
  it('the first answer of a pair follows it, once', () => {
    const rig = new Rig();
    const pair = rig.count({ name: A });
    expect(rig.ledger.wantsAnswers(pair)).toBe(true);
    rig.ledger.addAnswers(pair, address('192.0.2.1'), 1);
    expect(rig.ledger.wantsAnswers(pair)).toBe(false);
    expect(rig.taken().map(({ kind, addresses }) => [kind, addresses])).toEqual([
      ['pair', []],
      ['answer', ['192.0.2.1']],
      ['name', []],
    ]);
    rig.count({ name: A });
    expect(rig.taken('answer')).toEqual([]);
  });

  it('a refused address is in the record of the refusal', () => {
    const rig = new Rig();
    const pair = rig.count({ name: A, flags: FLAG_REBINDING }, OUTCOME_DENIED);
    rig.ledger.refuse(pair, address('10.0.0.1'), 0);
    expect(rig.taken('pair')).toMatchObject([{ addresses: ['10.0.0.1'] }]);
  });

  it('no pair shows an address that was refused to another', () => {
    const rig = new Rig(4);
    const pair = rig.count({ name: A, flags: FLAG_REBINDING }, OUTCOME_DENIED);
    rig.ledger.refuse(pair, address('10.0.0.1'), 0);
    for (let i = 0; i < 4; i++) rig.count({ name: `x.n${i}.com` });
    rig.taken();
    rig.count({ name: 'y.other.com', flags: FLAG_REBINDING }, OUTCOME_DENIED);
    const other = rig.taken('pair').find(({ name }) => name === 'y.other.com');
    expect(other?.addresses).toEqual([]);
  });
});

describe('when something is full', () => {
  it('a full ring keeps the rest for the next time', () => {
    const rig = new Rig(64, 8, 4);
    for (let i = 0; i < 5; i++) rig.count({ name: `x.n${i}.com` });
    const records: Handed[] = [];
    for (let i = 0; i < 3; i++) records.push(...rig.taken());
    expect(records.length).toBe(10);
    expect(rig.ledger.pending).toBe(0);
    expect(rig.ledger.shedCount).toBe(0);
  });

  it('an answer that found no room in the ring comes once with the next record', () => {
    const rig = new Rig(64, 8, 2);
    rig.ledger.addAnswers(rig.count({ name: A }), address('192.0.2.1'), 1);
    rig.count({ name: 'b.other.com' });
    const kinds: string[] = [];
    for (let i = 0; i < 5; i++)
      kinds.push(...rig.taken().map(({ kind, name }) => `${kind} ${name}`));
    expect(kinds.filter((kind) => kind === `answer ${A}`).length).toBe(1);
  });

  it('a full table hands everything over and starts again', () => {
    const rig = new Rig(8, 100);
    for (let i = 0; i < 100; i++) rig.count({ name: `x.n${i}.com` });
    const pairs = rig.taken('pair');
    expect(new Set(pairs.map(({ name }) => name)).size).toBe(100);
    expect(rig.ledger.shedCount).toBe(0);
  });

  it('where room is short, detail is given up before the counts of a pair', () => {
    const rig = new Rig(4, 100, 2);
    rig.count({ name: A });
    const records = rig.taken();
    rig.count({ name: A });
    for (const label of ['b', 'c', 'd']) rig.count({ name: `${label}.example.com` });
    rig.count({ name: 'e.example.com' });
    records.push(...drain(rig.ring));
    const pairs = records.filter(({ kind }) => kind === 'pair');
    expect(pairs.reduce((sum, { allowed }) => sum + allowed, 0)).toBe(5);
    expect(rig.ledger.shedCount).toBeGreaterThan(0);
  });

  it('what a full table could not hand over is counted', () => {
    const rig = new Rig(8, 100, 2);
    for (let i = 0; i < 9; i++) rig.count({ name: `x.n${i}.com` });
    expect(rig.ledger.shedCount).toBe(14);
  });
});

describe('a reload', () => {
  it('what was counted before is handed over under its own revision', () => {
    const rig = new Rig();
    rig.count({ name: A, revision: 1 });
    rig.count({ name: A, revision: 2 }, OUTCOME_DENIED);
    const pairs = rig
      .taken('pair')
      .map(({ revision, allowed, denied }) => [revision, allowed, denied]);
    expect(pairs).toEqual([
      [1, 1, 0],
      [2, 0, 1],
    ]);
  });
});

describe('against a model', () => {
  it('no query is lost or counted twice while there is room in the ring', () => {
    let cleared = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            domain: fc.nat(12),
            host: fc.nat(5),
            workload: fc.integer({ min: 1, max: 3 }),
            outcome: fc.constantFrom(
              OUTCOME_ALLOWED,
              OUTCOME_CACHED,
              OUTCOME_DENIED,
              OUTCOME_FAILED,
            ),
            flush: fc.nat(9),
          }),
          { minLength: 50, maxLength: 200 },
        ),
        (steps) => {
          const rig = new Rig(16, 4, 1024);
          const records: Handed[] = [];
          for (const { domain, host, workload, outcome, flush } of steps) {
            rig.count({ name: `h${host}.d${domain}.com`, workload }, outcome);
            if (flush === 0) records.push(...rig.taken());
          }
          records.push(...rig.taken());
          if (
            records.filter(({ kind, flags }) => kind === 'pair' && (flags & FLAG_FIRST) !== 0)
              .length > 16
          )
            cleared++;
          const got = new Map<string, number>();
          const want = new Map<string, number>();
          for (const { domain, workload, outcome } of steps) {
            const key = `${workload} d${domain}.com ${outcome === OUTCOME_CACHED ? OUTCOME_ALLOWED : outcome}`;
            want.set(key, (want.get(key) ?? 0) + 1);
          }
          for (const { kind, workload, registrable, allowed, denied, failed } of records) {
            if (kind !== 'pair') continue;
            for (const [outcome, count] of [
              [OUTCOME_ALLOWED, allowed],
              [OUTCOME_DENIED, denied],
              [OUTCOME_FAILED, failed],
            ] as const) {
              const key = `${workload} ${registrable} ${outcome}`;
              if (count > 0) got.set(key, (got.get(key) ?? 0) + count);
            }
          }
          expect(got).toEqual(want);
        },
      ),
      { numRuns: 200, seed: 9 },
    );
    expect(cleared).toBeGreaterThan(50);
  });
});
