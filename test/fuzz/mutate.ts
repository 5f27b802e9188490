/** Seeded random changes to messages: what breaks parsers. */

/** xorshift32: the same octets on every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** 0..below-1 */
  next(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)] as T;
  }
}

/** Octets with a meaning somewhere: pointers, lengths, types, the ends of ranges. */
const TELLING = [0, 1, 2, 5, 6, 12, 28, 41, 46, 63, 64, 65, 127, 128, 191, 192, 193, 254, 255];

/**
 * Changes 0 to 4 places of `message` within `out`, from octet `from` on.
 *
 * @returns the length of what stands in `out`
 */
export function mutate(message: Uint8Array, from: number, out: Uint8Array, random: Random): number {
  out.set(message);
  let length = message.length;
  for (let changes = random.next(5); changes > 0 && length > from; changes--) {
    const at = from + random.next(length - from);
    const kind = random.next(8);
    if (kind < 3) out[at] = random.pick(TELLING);
    else if (kind === 3) out[at] = random.next(256);
    else if (kind === 4) out[at]! ^= 1 << random.next(8);
    else if (kind === 5) {
      // A pointer, mostly to somewhere that is there.
      out[at] = 0xc0;
      if (at + 1 < length) out[at + 1] = random.next(Math.min(length, 256));
    } else if (kind === 6) {
      const size = 1 + random.next(6);
      out.copyWithin(at, at + size, length);
      length = Math.max(from, length - size);
    } else if (length + 8 < out.length) {
      const size = 1 + random.next(8);
      out.copyWithin(at + size, at, length);
      for (let i = 0; i < size; i++) out[at + i] = random.pick(TELLING);
      length += size;
    }
  }
  return length;
}

/** An assertion that costs nothing while it holds: hundreds of thousands are made. */
export function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

export function word(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
