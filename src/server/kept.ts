/**
 * Kept: octets that must wait, by connection: part of a frame, frames that were not taken yet, or
 * answers that the client does not read.
 *
 * Blocks are taken when there is something to keep. The smallest, which hold what an honest client
 * leaves between two reads, are given back and used again; larger ones go to the collector.
 */

import { copyOctets, readU16 } from '../wire/octets.ts';

/** Octets of the length in front of each message (RFC 1035 4.2.2). */
export const FRAME = 2;
const BLOCK = 1024;
/** Small blocks kept for the next use. */
const SPARE_MAX = 1024;

const NOTHING = new Uint8Array(0);

export class Kept {
  /** Octets kept of each connection, and where they start in its block. */
  readonly length: Int32Array;
  readonly start: Int32Array;
  /** Octets kept of all connections. */
  total = 0;
  readonly #blocks: Uint8Array[];
  readonly #spare: Uint8Array[] = [];

  constructor(capacity: number) {
    this.length = new Int32Array(capacity);
    this.start = new Int32Array(capacity);
    this.#blocks = Array.from({ length: capacity }, () => NOTHING);
  }

  /** The block that holds a connection's octets; valid until the next call for the slot. */
  octets(slot: number): Uint8Array {
    return this.#blocks[slot]!;
  }

  append(slot: number, from: Uint8Array, at: number, length: number): void {
    if (length === 0) return;
    this.#makeRoom(slot, length);
    const end = this.start[slot]! + this.length[slot]!;
    // A view costs an object, which a loop over this many octets costs more than.
    if (length > BLOCK) this.#blocks[slot]!.set(from.subarray(at, at + length), end);
    else copyOctets(from, at, this.#blocks[slot]!, end, length);
    this.length[slot]! += length;
    this.total += length;
  }

  /**
   * Adds to the frame that is kept what it lacks, as far as it is there. Only that much is copied.
   *
   * @returns where the rest begins
   */
  complete(slot: number, from: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.length[slot]! < FRAME) {
      if (at === end) return at;
      this.append(slot, from, at++, 1);
    }
    const size = FRAME + readU16(this.octets(slot), this.start[slot]!);
    const more = Math.min(size - this.length[slot]!, end - at);
    this.append(slot, from, at, more);
    return at + more;
  }

  /** Takes octets away from the front. */
  consume(slot: number, length: number): void {
    this.start[slot]! += length;
    this.length[slot]! -= length;
    this.total -= length;
    if (this.length[slot] === 0) this.#giveBack(slot);
  }

  clear(slot: number): void {
    if (this.length[slot] !== 0) this.consume(slot, this.length[slot]!);
  }

  #makeRoom(slot: number, more: number): void {
    const block = this.#blocks[slot]!;
    const start = this.start[slot]!;
    const length = this.length[slot]!;
    if (start + length + more <= block.length) return;
    this.start[slot] = 0;
    if (length + more <= block.length) {
      block.copyWithin(0, start, start + length);
      return;
    }
    const larger = this.#block(Math.max(length + more, 2 * block.length));
    if (length > 0) larger.set(block.subarray(start, start + length));
    this.#recycle(block);
    this.#blocks[slot] = larger;
  }

  #block(size: number): Uint8Array {
    if (size > BLOCK) return new Uint8Array(size);
    return this.#spare.pop() ?? new Uint8Array(BLOCK);
  }

  #giveBack(slot: number): void {
    this.#recycle(this.#blocks[slot]!);
    this.#blocks[slot] = NOTHING;
    this.start[slot] = 0;
  }

  #recycle(block: Uint8Array): void {
    if (block.length === BLOCK && this.#spare.length < SPARE_MAX) this.#spare.push(block);
  }
}
