/**
 * Folding: a label as the eye reads it. Fast lane, octet by octet, no strings.
 *
 * Letters of other scripts become the Latin ones that they look like (confusables.ts), digits the
 * letters that they stand for (`0` o, `1` l, `3` e, `4` a, `5` s, `7` t, `8` b, `9` g, `2` z), `i`
 * an `l`, `rn` an `m` and `vv` a `w`. Two labels of one folding can be taken for one another; both
 * sides of every comparison are folded, so that it does not matter which way a letter goes.
 */

import { CODE_POINTS_MAX, decodeALabel, isALabel } from './punycode.ts';

/** In place of a code point that looks like none of ours. */
export const UNLIKE = 1;

const ASCII = foldOfAscii();

export class Folding {
  /** The folded label, `length` octets. */
  readonly octets = new Uint8Array(CODE_POINTS_MAX);
  length = 0;
  /** 1 when the label holds letters of other scripts that look like ours. */
  isForeign = 0;
  readonly #confusables: Uint8Array;
  readonly #points = new Int32Array(CODE_POINTS_MAX + 1);

  constructor(confusables: Uint8Array) {
    this.#confusables = confusables;
  }

  /** @param octets holds a label in lower case at `at`, without its length octet */
  fold(octets: Uint8Array, at: number, length: number): void {
    this.length = 0;
    this.isForeign = 0;
    if (isALabel(octets, at, length)) {
      const count = decodeALabel(octets, at, length, this.#points);
      if (count !== -1) {
        for (let i = 0; i < count; i++) this.#append(this.#letterOf(this.#points[i]!));
        return;
      }
    }
    for (let i = at; i < at + length; i++) this.#append(ASCII[octets[i]!]!);
  }

  #letterOf(point: number): number {
    if (point < 0x80) return ASCII[point]!;
    const letter = point < this.#confusables.length ? this.#confusables[point]! : 0;
    if (letter === 0) return UNLIKE;
    this.isForeign = 1;
    return ASCII[letter]!;
  }

  #append(letter: number): void {
    const { octets, length } = this;
    const last = length === 0 ? 0 : octets[length - 1]!;
    if (letter === 0x6e /* 'n' */ && last === 0x72 /* 'r' */)
      octets[length - 1] = 0x6d; // 'm'
    else if (letter === 0x76 /* 'v' */ && last === letter)
      octets[length - 1] = 0x77; // 'w'
    else octets[this.length++] = letter;
  }
}

function foldOfAscii(): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) table[octet] = octet < 0x80 ? octet : UNLIKE;
  for (const pair of '0o 1l il 2z 3e 4a 5s 7t 8b 9g'.split(' ')) {
    table[pair.charCodeAt(0)] = pair.charCodeAt(1);
  }
  return table;
}
