/**
 * Frame Streams, the framing of dnstap: data frames behind their length, and control frames, which
 * begin with a length of 0. All numbers are 32 bits, big-endian.
 */

export const CONTROL_ACCEPT = 1;
export const CONTROL_START = 2;
export const CONTROL_STOP = 3;
export const CONTROL_READY = 4;
export const CONTROL_FINISH = 5;

const FIELD_CONTENT_TYPE = 1;
/** The longest control frame that the format allows. */
const CONTROL_MAX = 512;

export interface Control {
  readonly type: number;
  readonly contentTypes: readonly string[];
}

/** A control frame, with a content type where one is given. */
export function controlFrame(type: number, contentType: string | null): Buffer {
  const content = Buffer.from(contentType ?? '');
  const field = contentType === null ? 0 : 8 + content.length;
  const frame = Buffer.alloc(12 + field);
  frame.writeUInt32BE(4 + field, 4);
  frame.writeUInt32BE(type, 8);
  if (contentType === null) return frame;
  frame.writeUInt32BE(FIELD_CONTENT_TYPE, 12);
  frame.writeUInt32BE(content.length, 16);
  content.copy(frame, 20);
  return frame;
}

/** A payload behind its length. */
export function dataFrame(payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  payload.copy(frame, 4);
  return frame;
}

/** Takes control frames out of what a receiver says. */
export class ControlReader {
  #received = Buffer.alloc(0);

  /** @throws Error when it is no control frame: a receiver has nothing else to say */
  take(chunk: Buffer): Control[] {
    this.#received = Buffer.concat([this.#received, chunk]);
    const found: Control[] = [];
    while (this.#received.length >= 8) {
      const length = this.#received.readUInt32BE(4);
      if (this.#received.readUInt32BE(0) !== 0 || length < 4 || length > CONTROL_MAX) {
        throw new Error('the receiver does not speak Frame Streams');
      }
      if (this.#received.length < 8 + length) break;
      found.push(readControl(this.#received.subarray(8, 8 + length)));
      this.#received = this.#received.subarray(8 + length);
    }
    return found;
  }
}

function readControl(octets: Buffer): Control {
  const contentTypes: string[] = [];
  for (let at = 4; at + 8 <= octets.length; ) {
    const end = at + 8 + octets.readUInt32BE(at + 4);
    if (end > octets.length) throw new Error('a control frame of the receiver is cut short');
    if (octets.readUInt32BE(at) === FIELD_CONTENT_TYPE) {
      contentTypes.push(octets.toString('latin1', at + 8, end));
    }
    at = end;
  }
  return { type: octets.readUInt32BE(0), contentTypes };
}
