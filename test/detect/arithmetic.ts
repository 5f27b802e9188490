/**
 * An arithmetic coder in exact fractions: nothing is rounded, so what it writes is as long as the
 * shares of the choices say, and two bits for the end. For tests: numbers grow with the message.
 */

/** Share `size` of `total`, after those that add up to `before`. */
export interface Share {
  readonly before: bigint;
  readonly size: bigint;
  readonly total: bigint;
}

export class Encoder {
  #low = 0n;
  #range = 1n;
  #unit = 1n;

  put({ before, size, total }: Share): void {
    if (size <= 0n || before + size > total) throw new Error('a share outside the whole');
    this.#low = this.#low * total + before * this.#range;
    this.#range *= size;
    this.#unit *= total;
  }

  /** The shortest bits that lie in the interval whatever follows them. */
  finish(): { readonly code: bigint; readonly bits: number } {
    let bits = 1;
    const ratio = this.#unit / this.#range;
    if (ratio > 0n) bits += ratio.toString(2).length;
    const code = ((this.#low << BigInt(bits)) + this.#unit - 1n) / this.#unit;
    return { code, bits };
  }
}

export class Decoder {
  #over: bigint;
  #under: bigint;

  constructor(code: bigint, bits: number) {
    this.#over = code;
    this.#under = 1n << BigInt(bits);
  }

  /** Which of `shares` comes next; they follow each other from 0. */
  take(shares: readonly Share[]): number {
    const total = shares[0]?.total ?? 1n;
    const point = (this.#over * total) / this.#under;
    const index = shares.findIndex(({ before, size }) => point >= before && point < before + size);
    const share = shares[index];
    if (share === undefined) throw new Error('no codeword');
    this.#narrow(share);
    return index;
  }

  /** One of `choices` that are all alike. */
  takeEven(choices: number): number {
    const total = BigInt(choices);
    const before = (this.#over * total) / this.#under;
    this.#narrow({ before, size: 1n, total });
    return Number(before);
  }

  #narrow({ before, size, total }: Share): void {
    this.#over = this.#over * total - before * this.#under;
    this.#under *= size;
  }
}

/** Shares are parts of 2^48. */
const WHOLE_BITS = 48;

/**
 * Shares from code lengths in 1/256 bit.
 *
 * @throws Error when they add up to more than there is: no code has such lengths
 */
export function sharesOf(units: readonly number[]): Share[] {
  const total = 1n << BigInt(WHOLE_BITS);
  let before = 0n;
  const shares = units.map((length) => {
    const size = BigInt(Math.floor(2 ** (WHOLE_BITS - length / 256)));
    const share = { before, size, total };
    before += size;
    return share;
  });
  if (before > total) throw new Error('the lengths are those of no code');
  return shares;
}

export function even(choice: number, choices: number): Share {
  return { before: BigInt(choice), size: 1n, total: BigInt(choices) };
}
