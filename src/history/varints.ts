/** Counts as octets: seven bits each, the lowest first; the highest bit says that more follow. */

/** @param number 0 or more; what is below counts as 0 */
export function putVarint(octets: number[], number: number): void {
  let left = Math.max(0, Math.floor(number));
  for (; left >= 0x80; left = Math.floor(left / 0x80)) octets.push((left % 0x80) | 0x80);
  octets.push(left);
}

/** Reads one after the other. */
export class Varints {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  /** 0 where no octets are left. */
  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const octet = this.#octets[this.#at++] ?? 0;
      value += (octet & 0x7f) * scale;
      if (octet < 0x80) return value;
    }
  }
}
