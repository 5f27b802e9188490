/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012), 64 bits out of a key of 128: the hash of server
 * cookies (RFC 9018 4.4), so that servers of other makers come to the same.
 *
 * In halves of 32 bits, which JavaScript adds and rotates in registers; BigInt would make an object
 * at every step. The names of the state's words are those of the paper, `l` and `h` their halves.
 */

/** The halves of the last hash; octets on the wire are little-endian, the low half first. */
export let sipLow = 0;
export let sipHigh = 0;

/** v0 to v3, low halves first. */
const state = new Int32Array(8);

/**
 * Hashes the octets from `at` to `end`.
 *
 * @param keys words of keys, low half first; the one for this hash has four from `keyAt`
 */
export function sipHash(
  octets: Uint8Array,
  at: number,
  end: number,
  keys: Int32Array,
  keyAt: number,
): void {
  begin(keys, keyAt);
  let block = at;
  for (; block + 8 <= end; block += 8) absorb(wordAt(octets, block), wordAt(octets, block + 4));
  let low = 0;
  // The last block ends in the length.
  let high = (end - at) << 24;
  for (let i = 0; block + i < end; i++) {
    const octet = octets[block + i]! << ((i & 3) * 8);
    if (i < 4) low |= octet;
    else high |= octet;
  }
  absorb(low, high);
  state[4]! ^= 0xff;
  mix(4);
  sipLow = state[0]! ^ state[2]! ^ state[4]! ^ state[6]!;
  sipHigh = state[1]! ^ state[3]! ^ state[5]! ^ state[7]!;
}

function begin(keys: Int32Array, at: number): void {
  state[0] = 0x70736575 ^ keys[at]!;
  state[1] = 0x736f6d65 ^ keys[at + 1]!;
  state[2] = 0x6e646f6d ^ keys[at + 2]!;
  state[3] = 0x646f7261 ^ keys[at + 3]!;
  state[4] = 0x6e657261 ^ keys[at]!;
  state[5] = 0x6c796765 ^ keys[at + 1]!;
  state[6] = 0x79746573 ^ keys[at + 2]!;
  state[7] = 0x74656462 ^ keys[at + 3]!;
}

function absorb(low: number, high: number): void {
  state[6]! ^= low;
  state[7]! ^= high;
  mix(2);
  state[0]! ^= low;
  state[1]! ^= high;
}

function wordAt(octets: Uint8Array, at: number): number {
  return octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24);
}

/** The carry out of `a + b`, whose sum modulo 2^32 is `sum`. */
function carry(a: number, b: number, sum: number): number {
  return ((a & b) | ((a | b) & ~sum)) >>> 31;
}

function mix(rounds: number): void {
  let v0l = state[0]!;
  let v0h = state[1]!;
  let v1l = state[2]!;
  let v1h = state[3]!;
  let v2l = state[4]!;
  let v2h = state[5]!;
  let v3l = state[6]!;
  let v3h = state[7]!;
  for (let round = 0; round < rounds; round++) {
    let sum = (v0l + v1l) | 0;
    v0h = (v0h + v1h + carry(v0l, v1l, sum)) | 0;
    v0l = sum;
    let left = (v1h << 13) | (v1l >>> 19);
    v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
    v1h = left ^ v0h;
    // v0 turns by 32: its halves change places.
    left = v0h;
    v0h = v0l;
    v0l = left;
    sum = (v2l + v3l) | 0;
    v2h = (v2h + v3h + carry(v2l, v3l, sum)) | 0;
    v2l = sum;
    left = (v3h << 16) | (v3l >>> 16);
    v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
    v3h = left ^ v2h;
    sum = (v0l + v3l) | 0;
    v0h = (v0h + v3h + carry(v0l, v3l, sum)) | 0;
    v0l = sum;
    left = (v3h << 21) | (v3l >>> 11);
    v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
    v3h = left ^ v0h;
    sum = (v2l + v1l) | 0;
    v2h = (v2h + v1h + carry(v2l, v1l, sum)) | 0;
    v2l = sum;
    left = (v1h << 17) | (v1l >>> 15);
    v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
    v1h = left ^ v2h;
    left = v2h;
    v2h = v2l;
    v2l = left;
  }
  state[0] = v0l;
  state[1] = v0h;
  state[2] = v1l;
  state[3] = v1h;
  state[4] = v2l;
  state[5] = v2h;
  state[6] = v3l;
  state[7] = v3h;
}
