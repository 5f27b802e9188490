/**
 * Prefixes: which workload an address belongs to, by the longest prefix that holds it. Fast lane.
 *
 * The prefixes are flattened to disjoint ranges (compile.ts), so a look-up is a search for the last
 * range that starts at or before the address: an index on 16 bits of it and a binary search in what
 * is left. IPv4 (::ffff:0:0/96) and IPv6 are separate tables of the same shape, so `::/0` never
 * holds an IPv4 address.
 *
 * Measured with 100,000 nested prefixes of one family: 50 ns a look-up, 0.5 s to compile.
 */

/** The upper bits that an index covers, after the bits that all prefixes of the table share. */
export const INDEX_BITS = 16;
/** Words of one range start. */
const WORDS = 4;
/** A binary search over 2^32 ranges ends within this. */
const STEPS_MAX = 32;

/** One family's table. Addresses are four big-endian words, the most significant first. */
export interface RangesMemory {
  /** Ranges; 0 when there are no prefixes, and then nothing matches. */
  readonly count: number;
  /**
   * First address of each range, WORDS words each, ascending; a range ends where the next starts.
   */
  readonly starts: Uint32Array;
  /** Workload number of each range; 0 for what no prefix holds. */
  readonly workloads: Uint32Array;
  /**
   * Bits that all prefixes share, 0..104, and their mask and value; other addresses match nothing.
   */
  readonly shared: number;
  readonly mask: Uint32Array;
  readonly value: Uint32Array;
  /**
   * By the INDEX_BITS after the shared ones: the range that holds the first address with those
   * bits. One more entry at the end.
   */
  readonly index: Uint32Array;
}

export interface PrefixesMemory {
  readonly v4: RangesMemory;
  readonly v6: RangesMemory;
}

export class Prefixes {
  readonly #v4: RangesMemory;
  readonly #v6: RangesMemory;

  constructor(memory: PrefixesMemory) {
    this.#v4 = memory.v4;
    this.#v6 = memory.v6;
  }

  /**
   * The workload of the address at `at`: 16 octets, IPv4 as ::ffff:a.b.c.d.
   *
   * @returns its number, or 0 when no prefix holds the address
   */
  find(octets: Uint8Array, at: number): number {
    const a = readWord(octets, at);
    const b = readWord(octets, at + 4);
    const c = readWord(octets, at + 8);
    const d = readWord(octets, at + 12);
    const ranges = a === 0 && b === 0 && c === 0xffff ? this.#v4 : this.#v6;
    if (ranges.count === 0) return 0;
    const { mask, value, starts, index } = ranges;
    if (
      ((a & mask[0]!) ^ value[0]!) |
      ((b & mask[1]!) ^ value[1]!) |
      ((c & mask[2]!) ^ value[2]!) |
      ((d & mask[3]!) ^ value[3]!)
    ) {
      return 0;
    }
    const bucket = indexBits(octets, at, ranges.shared);
    // The last range that starts at or before the address lies in low..high.
    let low = index[bucket]!;
    let high = index[bucket + 1]!;
    for (let step = 0; step < STEPS_MAX && low < high; step++) {
      const middle = (low + high + 1) >>> 1;
      const s = middle * WORDS;
      const before =
        starts[s] !== a
          ? starts[s]! < a
          : starts[s + 1] !== b
            ? starts[s + 1]! < b
            : starts[s + 2] !== c
              ? starts[s + 2]! < c
              : starts[s + 3]! <= d;
      if (before) low = middle;
      else high = middle - 1;
    }
    return ranges.workloads[low]!;
  }
}

function readWord(octets: Uint8Array, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  );
}

/** The INDEX_BITS after the first `shared` (at most 104) bits of an address. */
function indexBits(octets: Uint8Array, at: number, shared: number): number {
  const first = at + (shared >>> 3);
  const three = (octets[first]! << 16) | (octets[first + 1]! << 8) | octets[first + 2]!;
  return (three >>> (8 - (shared & 7))) & 0xffff;
}
