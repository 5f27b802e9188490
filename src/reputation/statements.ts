/**
 * Interned statements: what each feed says about one suffix (layout in memory.ts). Building them is
 * a walk from statement to statement, remembered, so that a million names cost a million look-ups
 * in a small map and no allocation.
 */

import { SCOPE_BELOW, SCOPE_EXACT } from './entries.ts';
import { NO_TYPE, SAYS_ALLOW, SAYS_DATA, SAYS_NOTHING, SAYS_WORDS } from './memory.ts';
import type { LocalRecord } from './source-text.ts';

export class Statements {
  /** Offset 0 is nobody's: a statement is never 0. */
  readonly #words: number[] = [0];
  readonly #byContent = new Map<string, number>();
  #feed = 0;
  #records: readonly LocalRecord[] = [];
  #steps = new Map<number, Map<number, number>>();
  #lastFrom = -1;
  #lastItem = -1;
  #lastTo = 0;
  /** Local data: records of each, and by content. */
  readonly #data: LocalRecord[][] = [];
  readonly #dataByContent = new Map<string, number>();

  /** The entries that follow are of this feed; feeds come in ascending order. */
  startFeed(feed: number, records: readonly LocalRecord[]): void {
    this.#feed = feed;
    this.#records = records;
    this.#steps = new Map();
    this.#lastFrom = -1;
  }

  /** The statement that holds what `statement` (0 for none) says and an entry's `item` as well. */
  add(statement: number, item: number): number {
    if (statement === this.#lastFrom && item === this.#lastItem) return this.#lastTo;
    let steps = this.#steps.get(statement);
    if (steps === undefined) {
      steps = new Map();
      this.#steps.set(statement, steps);
    }
    let to = steps.get(item);
    if (to === undefined) {
      to = this.#extend(statement, item);
      steps.set(item, to);
    }
    this.#lastFrom = statement;
    this.#lastItem = item;
    this.#lastTo = to;
    return to;
  }

  finish(): { statements: Int32Array; data: Uint8Array; dataAt: Int32Array } {
    const statements = new Int32Array(new SharedArrayBuffer(this.#words.length * 4));
    statements.set(this.#words);
    const dataAt = new Int32Array(new SharedArrayBuffer((this.#data.length + 1) * 4));
    const sizes = this.#data.map((records) =>
      records.reduce((sum, { type, rdata }) => sum + (type === NO_TYPE ? 0 : 4 + rdata.length), 0),
    );
    const data = new Uint8Array(new SharedArrayBuffer(sizes.reduce((sum, size) => sum + size, 0)));
    const view = new DataView(data.buffer);
    let at = 0;
    for (const [index, records] of this.#data.entries()) {
      for (const { type, rdata } of records) {
        if (type === NO_TYPE) continue;
        view.setUint16(at, type);
        view.setUint16(at + 2, rdata.length);
        data.set(rdata, at + 4);
        at += 4 + rdata.length;
      }
      dataAt[index + 1] = at;
    }
    return { statements, data, dataAt };
  }

  #extend(statement: number, item: number): number {
    const count = statement === 0 ? 0 : this.#words[statement]!;
    const says = this.#words.slice(statement + 1, statement + 1 + count * SAYS_WORDS);
    let at = says.length - SAYS_WORDS;
    if (at < 0 || says[at] !== this.#feed) {
      says.push(this.#feed, SAYS_NOTHING, SAYS_NOTHING);
      at += SAYS_WORDS;
    }
    const scope = item & 3;
    const code = item >>> 2;
    if ((scope & SCOPE_EXACT) !== 0) says[at + 1] = this.#merge(says[at + 1]!, code);
    if ((scope & SCOPE_BELOW) !== 0) says[at + 2] = this.#merge(says[at + 2]!, code);
    return this.#intern(says);
  }

  /** Allow wins, records of one owner join, and otherwise the entry that came first stays. */
  #merge(known: number, code: number): number {
    if (code === SAYS_ALLOW) return SAYS_ALLOW;
    if (code < SAYS_DATA) return known === SAYS_NOTHING ? code : known;
    const record = this.#records[code - SAYS_DATA]!;
    if (known === SAYS_NOTHING) return this.#internData([record]);
    if (known < SAYS_DATA) return known;
    const records = this.#data[known - SAYS_DATA]!.filter(({ type }) => type !== NO_TYPE);
    // RFC 1034 3.6.2: a CNAME stands alone.
    if (records.some(({ type }) => type === 5) || record.type === 5) return known;
    if (records.some((other) => keyOf(other) === keyOf(record))) return known;
    return this.#internData([...records, record]);
  }

  #intern(says: readonly number[]): number {
    const key = says.join();
    let at = this.#byContent.get(key);
    if (at === undefined) {
      at = this.#words.length;
      this.#words.push(says.length / SAYS_WORDS, ...says);
      this.#byContent.set(key, at);
    }
    return at;
  }

  #internData(records: LocalRecord[]): number {
    const key = records.map(keyOf).join(' ');
    let index = this.#dataByContent.get(key);
    if (index === undefined) {
      index = this.#data.push(records) - 1;
      this.#dataByContent.set(key, index);
    }
    return SAYS_DATA + index;
  }
}

function keyOf(record: LocalRecord): string {
  return `${record.type}:${Buffer.from(record.rdata).toString('hex')}`;
}
