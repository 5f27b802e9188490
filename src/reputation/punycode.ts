/**
 * Punycode (RFC 3492), decoding only: the code points of an A-label, without making a string. Fast
 * lane.
 */

/** Code points of a label of 63 octets are fewer than its octets. */
export const CODE_POINTS_MAX = 64;

/** RFC 3492 section 5. */
const BASE = 36;
const TMIN = 1;
const TMAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_N = 128;
const PREFIX_LENGTH = 4;
const HYPHEN = 45; // '-'
const CODE_POINT_MAX = 0x10ffff;

/** Whether the label at `at` is an A-label: starts with `xn--`. Lower case. */
export function isALabel(octets: Uint8Array, at: number, length: number): boolean {
  return (
    length > PREFIX_LENGTH &&
    octets[at] === 0x78 /* 'x' */ &&
    octets[at + 1] === 0x6e /* 'n' */ &&
    octets[at + 2] === HYPHEN &&
    octets[at + 3] === HYPHEN
  );
}

/**
 * Decodes the A-label of `length` octets at `at` into `points`.
 *
 * @returns how many code points it has; -1 when it is no Punycode
 */
export function decodeALabel(
  octets: Uint8Array,
  at: number,
  length: number,
  points: Int32Array,
): number {
  const end = at + length;
  const start = at + PREFIX_LENGTH;
  let position = afterBasic(octets, start, end);
  let count = 0;
  for (let i = start; i < position - 1; i++) points[count++] = octets[i]!;
  let n = INITIAL_N;
  let index = 0;
  let bias = INITIAL_BIAS;
  while (position < end) {
    const before = index;
    let weight = 1;
    for (let k = BASE; ; k += BASE) {
      const digit = position < end ? digitOf(octets[position++]!) : -1;
      if (digit === -1) return -1;
      index += digit * weight;
      if (index > 0x7fffffff) return -1;
      const threshold = Math.min(Math.max(k - bias, TMIN), TMAX);
      if (digit < threshold) break;
      weight *= BASE - threshold;
    }
    count++;
    bias = adapt(index - before, count, before === 0);
    n += Math.floor(index / count);
    index %= count;
    if (n > CODE_POINT_MAX || count > CODE_POINTS_MAX) return -1;
    points.copyWithin(index + 1, index, count - 1);
    points[index++] = n;
  }
  return count;
}

/** Where the digits start: after the last hyphen, or at once when there is none. */
function afterBasic(octets: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at > start; at--) if (octets[at] === HYPHEN) return at + 1;
  return start;
}

function digitOf(octet: number): number {
  if (octet >= 0x61 && octet <= 0x7a) return octet - 0x61; // a-z
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30 + 26; // 0-9
  return -1;
}

/** RFC 3492 section 6.1. */
function adapt(delta: number, count: number, isFirst: boolean): number {
  let rest = isFirst ? Math.floor(delta / DAMP) : delta >> 1;
  rest += Math.floor(rest / count);
  let k = 0;
  for (; rest > ((BASE - TMIN) * TMAX) >> 1; k += BASE) rest = Math.floor(rest / (BASE - TMIN));
  return k + Math.floor(((BASE - TMIN + 1) * rest) / (rest + SKEW));
}
