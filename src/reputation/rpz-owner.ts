/**
 * The owner of an RPZ record: relative to `$ORIGIN` or absolute, and cut down to the name that it
 * is about, which is what stands before the zone's own name.
 */

import { LOWER } from '../wire/octets.ts';
import type { RejectKind } from './rejects.ts';

const AT = 64; // '@'
const DOT = 46; // '.'
/** Room for an owner and an origin; longer ones are no names. */
const TEXT_MAX = 1100;

export class RpzOwner {
  /** The name that the record is about, after `resolve`: `octets[from..to)`. */
  octets: Uint8Array = new Uint8Array(0);
  from = 0;
  to = 0;

  #text: Uint8Array = new Uint8Array(0);
  #textFrom = 0;
  #textTo = 0;
  /** Without trailing dots; empty is the root. */
  #origin: Uint8Array = new Uint8Array(0);
  #zone: Uint8Array = new Uint8Array(0);
  #zoneIsOrigin = true;
  #zoneKnown = false;
  #originKnown = false;
  readonly #scratch = new Uint8Array(TEXT_MAX);

  /** The owner as written; a record without one repeats it. */
  set(octets: Uint8Array, from: number, to: number): void {
    this.#text = octets;
    this.#textFrom = from;
    this.#textTo = to;
  }

  /**
   * `$ORIGIN`: absolute, or relative to the one before. The first is the zone until an SOA says.
   */
  setOrigin(octets: Uint8Array, from: number, to: number): void {
    const length = this.#absolute(octets, from, to);
    if (length < 0) return;
    this.#origin = this.#scratch.slice(0, length);
    this.#originKnown = true;
    if (!this.#zoneKnown) this.#zone = this.#origin;
    this.#compare();
  }

  /** An SOA stands at the owner: the owner is the zone. */
  setZone(): void {
    const length = this.#absolute(this.#text, this.#textFrom, this.#textTo);
    if (length < 0) return;
    this.#zone = this.#scratch.slice(0, length);
    this.#zoneKnown = true;
    // A server loads a zone with the zone's own name as its origin.
    if (!this.#originKnown) this.#origin = this.#zone;
    this.#compare();
  }

  /** Finds the name that the record is about. @returns why there is none, or null */
  resolve(): RejectKind | null {
    const absolute = this.#text[this.#textTo - 1] === DOT;
    if (this.#zoneIsOrigin && !absolute && !this.#isAt()) {
      this.octets = this.#text;
      this.from = this.#textFrom;
      this.to = this.#textTo;
      return this.from === this.to ? 'syntax' : null;
    }
    const length = this.#absolute(this.#text, this.#textFrom, this.#textTo);
    if (length < 0) return 'name';
    this.octets = this.#scratch;
    this.from = 0;
    this.to = length;
    const zone = this.#zone;
    if (zone.length === 0) return length === 0 ? 'rpz-outside-zone' : null;
    const dot = length - zone.length - 1;
    if (dot < 1 || this.#scratch[dot] !== DOT) return 'rpz-outside-zone';
    if (!equalText(this.#scratch, dot + 1, length, zone)) return 'rpz-outside-zone';
    this.to = dot;
    return null;
  }

  /** Whether an absolute name is the one that the record is about. */
  isSelf(octets: Uint8Array, from: number, to: number): boolean {
    if (octets[to - 1] !== DOT || to - 1 - from !== this.to - this.from) return false;
    return equalText(octets, from, to - 1, this.octets.subarray(this.from, this.to));
  }

  /**
   * Text of a name that may be relative to the origin, in absolute form without the trailing dot.
   * Empty for the root; null when it is too long to be a name.
   */
  absoluteText(octets: Uint8Array, from: number, to: number): Uint8Array | null {
    // Where `octets` is the scratch itself, the caller reads a line of the file, never a result.
    const kept = this.octets === this.#scratch ? this.#scratch.slice(0, this.to) : null;
    const length = this.#absolute(octets, from, to);
    const text = length < 0 ? null : this.#scratch.slice(0, length);
    if (kept !== null) this.#scratch.set(kept);
    return text;
  }

  /** What names in the data of a record are relative to, without a trailing dot; '' is the root. */
  originText(): string {
    return Buffer.from(this.#origin).toString('latin1');
  }

  #isAt(): boolean {
    return this.#textTo - this.#textFrom === 1 && this.#text[this.#textFrom] === AT;
  }

  /** Writes the absolute form to the scratch. @returns its length, or -1 */
  #absolute(octets: Uint8Array, from: number, to: number): number {
    const apex = to - from === 1 && octets[from] === AT;
    const isAbsolute = octets[to - 1] === DOT;
    const own = apex ? 0 : to - from - (isAbsolute ? 1 : 0);
    const origin = isAbsolute ? 0 : this.#origin.length;
    if (own + origin + 1 > TEXT_MAX) return -1;
    for (let i = 0; i < own; i++) this.#scratch[i] = LOWER[octets[from + i]!]!;
    if (origin === 0) return own;
    let at = own;
    if (own > 0) this.#scratch[at++] = DOT;
    this.#scratch.set(this.#origin, at);
    return at + origin;
  }

  #compare(): void {
    const zone = this.#zone;
    this.#zoneIsOrigin = equalText(this.#origin, 0, this.#origin.length, zone);
  }
}

/** Whether `octets[from..to)` is `lower`, capitals folded. */
export function equalText(
  octets: Uint8Array,
  from: number,
  to: number,
  lower: Uint8Array,
): boolean {
  if (to - from !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) if (LOWER[octets[from + i]!] !== lower[i]) return false;
  return true;
}
