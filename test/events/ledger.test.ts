/** The ledger between its callers and a reader of its ring: what leaves when, and that all of it does. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AT_ALLOWED,
  AT_ANSWER_COUNT,
  AT_DENIED,
  AT_FLAGS,
  AT_FOLDED,
  AT_KIND,
  FLAG_FIRST,
  KIND_ANSWER,
  KIND_NAME,
  KIND_PAIR,
} from '../../src/events/kinds.ts';
import { Ledger, OUTCOME_CACHED, OUTCOME_DENIED } from '../../src/events/ledger.ts';
import { createRing, RingReader, RingWriter } from '../../src/events/ring.ts';
import { Query } from '../../src/query.ts';
import { readName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

interface Handed {
  readonly kind: number;
  readonly isFirst: boolean;
  readonly queries: number;
  readonly folded: number;
  readonly answers: number;
}

class Fixture {
  readonly ledger: Ledger;
  readonly #reader: RingReader;
  readonly #query = new Query();

  constructor(ringRecords: number, capacity = 64, namesPerPair = 10) {
    const ring = createRing(ringRecords);
    this.ledger = new Ledger(new RingWriter(ring), capacity, namesPerPair);
    this.#reader = new RingReader(ring);
    this.#query.peer = new Uint8Array(48);
    this.#query.revision = 1;
    this.#query.workload = 1;
  }

  /** Counts a query the way the pipeline does; the registrable domain is the last two labels. */
  ask(name: string, outcome = OUTCOME_CACHED): number {
    const query = this.#query;
    const wire = nameToWire(name);
    readName(wire, 0, wire.length, query.name);
    const known = this.ledger.find(query);
    if (known !== -1) return this.ledger.countKnown(query, known, outcome);
    return this.ledger.countNew(query, query.name.labelCount - 2, outcome);
  }

  read(): Handed[] {
    const list: Handed[] = [];
    const { view } = this.#reader;
    for (let at = this.#reader.peek(); at !== -1; at = this.#reader.peek()) {
      list.push({
        kind: view.getUint32(at + AT_KIND, true),
        isFirst: (view.getUint8(at + AT_FLAGS) & FLAG_FIRST) !== 0,
        queries: view.getUint32(at + AT_ALLOWED, true) + view.getUint32(at + AT_DENIED, true),
        folded: view.getUint32(at + AT_FOLDED, true),
        answers: view.getUint8(at + AT_ANSWER_COUNT),
      });
      this.#reader.release();
    }
    return list;
  }
}

describe('what may be new leaves first', () => {
  it('a first query leaves at once, its later ones with the counts', () => {
    const fixture = new Fixture(64);
    fixture.ask('www.a.example');
    fixture.ledger.flushNew();
    expect(fixture.read().map(({ kind, isFirst }) => [kind, isFirst])).toEqual([
      [KIND_PAIR, true],
      [KIND_NAME, true],
    ]);
    fixture.ask('www.a.example');
    fixture.ask('www.a.example', OUTCOME_DENIED);
    fixture.ledger.flushNew();
    expect(fixture.read()).toEqual([]);
    expect(fixture.ledger.pending).toBe(2);
    fixture.ledger.flush();
    expect(fixture.read().map(({ isFirst, queries }) => [isFirst, queries])).toEqual([
      [false, 2],
      [false, 2],
    ]);
    expect(fixture.ledger.pending).toBe(0);
  });

  it('a new name of a known pair leaves at once', () => {
    const fixture = new Fixture(64);
    fixture.ask('www.a.example');
    fixture.ledger.flush();
    fixture.read();
    fixture.ask('api.a.example');
    fixture.ledger.flushNew();
    expect(fixture.read().map(({ kind }) => kind)).toEqual([KIND_NAME]);
  });

  it('first answer addresses leave at once, also after the first record', () => {
    const fixture = new Fixture(64);
    const pair = fixture.ask('www.a.example');
    fixture.ledger.flushNew();
    fixture.read();
    fixture.ledger.addAnswers(pair, new Uint8Array(16), 1);
    fixture.ledger.flushNew();
    const answers = fixture.read().filter(({ kind }) => kind === KIND_ANSWER);
    expect(answers.map((record) => record.answers)).toEqual([1]);
  });
});

describe('nothing is lost', () => {
  const ask = fc.record({ kind: fc.constant('ask'), name: fc.integer({ min: 0, max: 60 }) });
  const step = fc.oneof(
    { weight: 20, arbitrary: ask },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('flushNew'), name: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush'), name: fc.constant(0) }) },
  );

  it('every query is in one pair record, and in one name record or folded, with any ring', () => {
    const property = fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.constantFrom(2, 8, 64),
      (steps, ringRecords) => {
        const fixture = new Fixture(ringRecords, 64, 3);
        const records: Handed[] = [];
        let asked = 0;
        for (const { kind, name } of steps) {
          if (kind === 'ask') {
            fixture.ask(`n${name}.d${name % 13}.example`);
            asked++;
          } else {
            if (kind === 'flush') fixture.ledger.flush();
            else fixture.ledger.flushNew();
            records.push(...fixture.read());
          }
        }
        while (fixture.ledger.pending > 0) {
          fixture.ledger.flush();
          records.push(...fixture.read());
        }
        const sum = (kind: number): number =>
          records.reduce((total, record) => total + (record.kind === kind ? record.queries : 0), 0);
        const folded = records.reduce((total, record) => total + record.folded, 0);
        expect(sum(KIND_PAIR)).toBe(asked);
        expect(sum(KIND_NAME) + folded).toBe(asked);
      },
    );
    fc.assert(property, { seed: 20261123, numRuns: 300 });
  });
});
