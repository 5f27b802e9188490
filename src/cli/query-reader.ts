/**
 * A cursor over a DNS message for commands: every read is checked, and what lies outside is thrown.
 * Names keep their case and are escaped as RFC 1035 5.1 says, so a dot inside a label never looks
 * like one between labels. Slow lane only; the query path has wire/.
 */

import { NAME_MAX } from '../wire/constants.ts';
import { nameToText } from '../wire/text.ts';

const POINTER = 0xc0;

/** The message ends, or points, where it may not. Never leaves this folder. */
export class MalformedError extends Error {}

export class MessageReader {
  readonly octets: Uint8Array;
  at: number;
  /** End of what may be read; names may point anywhere before themselves. */
  readonly end: number;

  constructor(octets: Uint8Array, at = 0, end = octets.length) {
    this.octets = octets;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new MalformedError('the message ends inside a field');
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  /** A name in presentation form without its trailing dot; the root is `.`. */
  name(): string {
    return nameToText(this.wireName());
  }

  /** A name written out, its root octet included. */
  wireName(): Uint8Array {
    const out: number[] = [];
    let at = this.at;
    let after = -1;
    let limit = this.end;
    for (;;) {
      const size = at < limit ? (this.octets[at] ?? 0) : -1;
      if (size >= POINTER && at + 1 < limit) {
        if (after === -1) after = at + 2;
        const target = (size - POINTER) * 0x100 + (this.octets[at + 1] ?? 0);
        // RFC 1035 4.1.4: a pointer points to a prior name, so that one ends before the pointer;
        // a pointer forward or to itself finds nothing to read.
        limit = at;
        at = target;
        continue;
      }
      if (size < 0 || size >= 0x40) throw new MalformedError('a name has no end');
      // With pointers that only go back, this bounds the loop.
      if (out.length + 1 + size > NAME_MAX || at + 1 + size > limit) {
        throw new MalformedError('a name is too long');
      }
      out.push(...this.octets.subarray(at, at + 1 + size));
      at += 1 + size;
      if (size === 0) break;
    }
    this.at = after === -1 ? at : after;
    return Uint8Array.from(out);
  }
}
