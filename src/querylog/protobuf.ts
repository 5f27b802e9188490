/**
 * Writes protocol buffers (proto2 wire format), as much of them as dnstap needs: numbers, octets
 * and messages within messages.
 */

const VARINT = 0;
const OCTETS = 2;
const FIXED32 = 5;

export class ProtobufWriter {
  #octets = Buffer.alloc(1024);
  #length = 0;

  reset(): void {
    this.#length = 0;
  }

  /** What was written since `reset`; valid until the next write. */
  get written(): Buffer {
    return this.#octets.subarray(0, this.#length);
  }

  /** uint32, uint64 or an enum; 0 to 2^53 - 1. */
  number(field: number, value: number): void {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
  }

  fixed32(field: number, value: number): void {
    this.#varint(field * 8 + FIXED32);
    this.#makeRoom(4);
    this.#length = this.#octets.writeUInt32LE(value, this.#length);
  }

  /** bytes, a string as UTF-8, or a message that another writer holds. */
  octets(field: number, value: Buffer): void {
    this.#varint(field * 8 + OCTETS);
    this.#varint(value.length);
    this.#makeRoom(value.length);
    value.copy(this.#octets, this.#length);
    this.#length += value.length;
  }

  #varint(value: number): void {
    this.#makeRoom(8);
    let rest = value;
    while (rest >= 128) {
      this.#octets[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#octets[this.#length++] = rest;
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#octets.length) return;
    const larger = Buffer.alloc(2 * (this.#length + more));
    this.#octets.copy(larger, 0, 0, this.#length);
    this.#octets = larger;
  }
}
