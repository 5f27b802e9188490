/**
 * The TTLs of an answer by RRset: all records of a set have the lowest of its TTLs (RFC 2181
 * section 5.2), and so has the signature of the set (RFC 4034 section 3). Fast lane.
 */

import { TYPE_RRSIG } from '../wire/constants.ts';
import { readU16, readU32 } from '../wire/octets.ts';
import type { RecordPlace } from '../wire/records.ts';

/** No honest answer has more; one that does gets its lowest TTL everywhere. */
const SETS_MAX = 64;
/** Far above every cap. A larger number would be a heap object. */
const TTL_MAX = 0x7fffffff;

export class SetTtls {
  readonly #low = new Int32Array(SETS_MAX);
  readonly #high = new Int32Array(SETS_MAX);
  readonly #type = new Uint16Array(SETS_MAX);
  readonly #ttl = new Int32Array(SETS_MAX + 1);
  #count = 0;

  clear(): void {
    this.#count = 0;
    this.#ttl[SETS_MAX] = TTL_MAX;
  }

  /** @param low and `high`: the hash of its owner */
  note(octets: Uint8Array, record: RecordPlace, low: number, high: number): void {
    const ttl = Math.min(readU32(octets, record.ttlAt), TTL_MAX);
    const type = typeOfSet(octets, record);
    if (ttl < this.#ttl[SETS_MAX]!) this.#ttl[SETS_MAX] = ttl;
    const set = this.#find(low, high, type);
    if (set < this.#count) {
      if (ttl < this.#ttl[set]!) this.#ttl[set] = ttl;
    } else if (set < SETS_MAX) {
      this.#low[set] = low;
      this.#high[set] = high;
      this.#type[set] = type;
      this.#ttl[set] = ttl;
      this.#count++;
    }
  }

  /** The lowest TTL of a noted record's set, at most 2^31 - 1 s. */
  lowest(octets: Uint8Array, record: RecordPlace, low: number, high: number): number {
    if (this.#count === SETS_MAX) return this.#ttl[SETS_MAX]!;
    return this.#ttl[this.#find(low, high, typeOfSet(octets, record))]!;
  }

  /** Where the set is, or would be put. */
  #find(low: number, high: number, type: number): number {
    for (let i = 0; i < this.#count; i++) {
      if (this.#low[i] === low && this.#high[i] === high && this.#type[i] === type) return i;
    }
    return this.#count;
  }
}

/** A signature belongs to the set that it covers. */
function typeOfSet(octets: Uint8Array, { type, rdata, rdataEnd }: RecordPlace): number {
  return type === TYPE_RRSIG && rdata + 2 <= rdataEnd ? readU16(octets, rdata) : type;
}
