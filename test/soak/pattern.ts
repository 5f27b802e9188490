/**
 * The octets of a response without its id and its TTLs: two that have the same say the same. What
 * was read apart and checked once needs no second look, so that every answer of a fast soak is
 * checked, and not a sample.
 */

const HEADER = 12;
const OPT = 41;
const POINTER = 0xc0;
const ROOM = 65_535;

export class PatternReader {
  readonly #scratch = Buffer.alloc(ROOM);
  /** Of the answers and authorities of the last message; 0 where there are none. */
  highestTtl = 0;

  /** @returns null for what is no whole message: it needs a proper reader */
  read(octets: Buffer): string | null {
    const size = octets.length;
    if (size < HEADER) return null;
    const scratch = this.#scratch;
    octets.copy(scratch);
    scratch.writeUInt16BE(0, 0);
    this.highestTtl = 0;
    let at = HEADER;
    for (let i = scratch.readUInt16BE(4); i > 0; i--) at = endOfName(scratch, at, size) + 4;
    const judged = scratch.readUInt16BE(6) + scratch.readUInt16BE(8);
    const records = judged + scratch.readUInt16BE(10);
    for (let i = 0; i < records; i++) {
      at = endOfName(scratch, at, size);
      if (at + 10 > size) return null;
      if (scratch.readUInt16BE(at) !== OPT) {
        const ttl = scratch.readUInt32BE(at + 4);
        if (i < judged && ttl > this.highestTtl) this.highestTtl = ttl;
        scratch.writeUInt32BE(0, at + 4);
      }
      at += 10 + scratch.readUInt16BE(at + 8);
    }
    return at === size ? scratch.toString('latin1', 0, size) : null;
  }
}

/** Beyond `size` where the name is cut off. */
function endOfName(octets: Buffer, start: number, size: number): number {
  let at = start;
  while (at < size) {
    const length = octets[at] ?? 0;
    if (length >= POINTER) return at + 2;
    at += 1 + length;
    if (length === 0) return at;
  }
  return size + 1;
}
