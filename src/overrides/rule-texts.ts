/**
 * Rules of overrides: numbers for their texts after those of a policy, in one table with them.
 *
 * A policy may have 200,000 rules, and overrides come and go: so the table is copied once, with
 * room, and what is added later is written behind what is there. Tables that were made before keep
 * their view of it; no number of theirs changes its meaning.
 */

import type { TextsMemory } from '../policy/texts.ts';

/** Texts and octets that may be added before the table is copied again. */
const ROOM_TEXTS = 8192;
const ROOM_OCTETS = 1 << 19;

const encoder = new TextEncoder();

export class RuleTexts {
  readonly base: TextsMemory;
  /** The number of the first text that is not the policy's. */
  readonly first: number;
  readonly #numbers = new Map<string, number>();
  readonly #starts: Uint32Array;
  readonly #octets: Uint8Array;
  #used: number;

  /** @param octets that the texts to come will take at least */
  constructor(base: TextsMemory, octets: number) {
    this.base = base;
    this.first = base.starts.length - 1;
    this.#used = base.starts[this.first] ?? 0;
    const count = base.starts.length + ROOM_TEXTS;
    this.#starts = new Uint32Array(
      new SharedArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT),
    ).fill(this.#used);
    this.#starts.set(base.starts);
    this.#octets = new Uint8Array(new SharedArrayBuffer(this.#used + octets + ROOM_OCTETS));
    this.#octets.set(base.octets.subarray(0, this.#used));
  }

  /** Texts added so far. */
  get count(): number {
    return this.#numbers.size;
  }

  get memory(): TextsMemory {
    return { octets: this.#octets, starts: this.#starts };
  }

  /** Whether there is room for all of these. */
  hasRoom(texts: readonly string[]): boolean {
    const fresh = texts.filter((text) => !this.#numbers.has(text));
    return (
      this.count + fresh.length <= ROOM_TEXTS && this.#used + octetsOf(fresh) <= this.#octets.length
    );
  }

  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.first + this.count;
    const { written } = encoder.encodeInto(text, this.#octets.subarray(this.#used));
    this.#used += written;
    this.#starts.fill(this.#used, number + 1);
    this.#numbers.set(text, number);
    return number;
  }
}

export function octetsOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text, 'utf8'), 0);
}
