/**
 * FrameReader: messages out of a TCP stream, each behind its length in two octets (RFC 1035 4.2.2,
 * RFC 7766 8), however the stream is cut. It knows no DNS but the size of a header.
 */

import { HEADER_SIZE, MESSAGE_MAX } from '../wire/constants.ts';
import { readU16 } from '../wire/octets.ts';

const PREFIX = 2;

export class FrameReader {
  /** One frame, as far as it has arrived. */
  readonly #frame = new Uint8Array(PREFIX + MESSAGE_MAX);
  #filled = 0;

  /**
   * Takes what arrived. `onFrame` gets each complete message in place and says whether to go on.
   *
   * @returns false when a length cannot be that of a message: the stream is of no more use
   */
  push(
    chunk: Uint8Array,
    onFrame: (octets: Uint8Array, start: number, end: number) => boolean,
  ): boolean {
    let at = 0;
    while (at < chunk.length) {
      const wanted = this.#filled < PREFIX ? PREFIX : PREFIX + readU16(this.#frame, 0);
      const take = Math.min(wanted - this.#filled, chunk.length - at);
      this.#frame.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled < PREFIX) continue;
      const size = readU16(this.#frame, 0);
      if (size < HEADER_SIZE) return false;
      if (this.#filled < PREFIX + size) continue;
      this.#filled = 0;
      if (!onFrame(this.#frame, PREFIX, PREFIX + size)) return true;
    }
    return true;
  }
}
