/** Lines of a file as octets, however large: what a digest is about must not be decoded. */

import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK = 1 << 16;
const NEWLINE = 10; // '\n'
/** No line that this program writes comes near; what is longer is not read to its end. */
const LINE_MAX = 1 << 26;

export interface OctetLine {
  /** Without the line feed. Valid for as long as it is held. */
  readonly octets: Buffer;
  /** 1-based. */
  readonly number: number;
  /** False for a last line without a line feed. */
  readonly isWhole: boolean;
}

/** @throws what opening and reading the file throws */
export function* octetLines(path: string): Generator<OctetLine> {
  const file = openSync(path, 'r');
  try {
    // Used again for every read: each line is a copy.
    const chunk = Buffer.allocUnsafe(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    let number = 0;
    for (;;) {
      const length = readSync(file, chunk, 0, CHUNK, null);
      if (length === 0) break;
      let start = 0;
      const part = chunk.subarray(0, length);
      for (let end = part.indexOf(NEWLINE); end >= 0; end = part.indexOf(NEWLINE, start)) {
        const octets = Buffer.concat([rest, part.subarray(start, end)]);
        yield { octets, number: ++number, isWhole: true };
        rest = Buffer.alloc(0);
        start = end + 1;
      }
      rest = Buffer.concat([rest, part.subarray(start)]);
      if (rest.length > LINE_MAX) break;
    }
    if (rest.length > 0) yield { octets: rest, number: number + 1, isWhole: false };
  } finally {
    closeSync(file);
  }
}
