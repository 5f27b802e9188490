/**
 * Keyed hashes of every suffix of a wire name, in one pass from the root to the leftmost label.
 *
 * The round function is HalfSipHash-1-3 (Aumasson and Bernstein, SipHash 2012; the 32-bit variant
 * of the reference code): keyed, so a stranger who chooses names cannot choose collisions, and made
 * of 32-bit additions and rotations, which JavaScript does in registers. Each label is absorbed
 * with its length octet and padded to whole words; the length makes that injective.
 *
 * 64 bits per suffix: a name of 5 labels probed against 10 million entries meets a false match with
 * probability 5e7 / 2^64 = 3e-12.
 */

let key0 = 0x243f6a88 | 0;
let key1 = 0x85a308d3 | 0;

/** Sets the key of this thread. All threads that share tables must use the same one. */
export function setHashKey(k0: number, k1: number): void {
  key0 = k0 | 0;
  key1 = k1 | 0;
}

/** The halves of the last `hashOctets`. */
export let octetsLow = 0;
export let octetsHigh = 0;

/** Hashes octets that are no name, with a number beside them; read the halves before the next. */
export function hashOctets(octets: Uint8Array, at: number, end: number, beside: number): void {
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  // The words, then one with their length and what is beside, then four to finish.
  const words = (end - at + 3) >> 2;
  for (let round = 0; round <= words + 3; round++) {
    const from = at + round * 4;
    let word = round === words ? (beside << 16) | (end - at) : 0;
    if (round < words) {
      word = octets[from]!;
      if (from + 1 < end) word |= octets[from + 1]! << 8;
      if (from + 2 < end) word |= octets[from + 2]! << 16;
      if (from + 3 < end) word |= octets[from + 3]! << 24;
    } else if (round === words + 1) v2 ^= 0xee;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  octetsLow = v1 ^ v3;
  octetsHigh = v0 ^ v2;
}

/**
 * Hashes the suffixes of one name.
 *
 * @param name octets of a lower-case wire name
 * @param labelAt where each label's length octet stands, leftmost first
 * @param labelCount labels without the root, 0..127
 * @param low,high results: index `i` is the suffix that starts at label `i`; index `labelCount` is
 *   the root. At least `labelCount + 1` long.
 */
export function hashSuffixes(
  name: Uint8Array,
  labelAt: Uint16Array,
  labelCount: number,
  low: Int32Array,
  high: Int32Array,
): void {
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  for (let label = labelCount; ; label--) {
    // Finalise a copy of the state: this suffix is complete.
    let a = v0;
    let b = v1;
    let c = v2 ^ 0xee;
    let d = v3;
    for (let round = 0; round < 3; round++) {
      a = (a + b) | 0;
      b = ((b << 5) | (b >>> 27)) ^ a;
      a = (a << 16) | (a >>> 16);
      c = (c + d) | 0;
      d = ((d << 8) | (d >>> 24)) ^ c;
      a = (a + d) | 0;
      d = ((d << 7) | (d >>> 25)) ^ a;
      c = (c + b) | 0;
      b = ((b << 13) | (b >>> 19)) ^ c;
      c = (c << 16) | (c >>> 16);
    }
    low[label] = b ^ d;
    high[label] = a ^ c;
    if (label === 0) return;

    // Absorb the label to the left.
    const start = labelAt[label - 1]!;
    const end = start + 1 + name[start]!;
    for (let at = start; at < end; at += 4) {
      let word = name[at]!;
      if (at + 1 < end) word |= name[at + 1]! << 8;
      if (at + 2 < end) word |= name[at + 2]! << 16;
      if (at + 3 < end) word |= name[at + 3]! << 24;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
  }
}
