/** How messages are told apart in a stream (RFC 6587 section 3.4; RFC 5425 section 4.3). */

import type { Framing } from '../../config/sink-types.ts';

const LINE_FEED = 10;
const SPACE = 32;

export function frame(message: Uint8Array, framing: Framing): Uint8Array {
  return framing === 'lf' ? line(message) : counted(message);
}

/** 3.4.1: MSG-LEN counts the octets of the message, not the length or the space. */
function counted(message: Uint8Array): Uint8Array {
  const length = Buffer.from(`${message.length} `, 'latin1');
  return Buffer.concat([length, message]);
}

/** 3.4.2. A line feed inside would make two messages of one. */
function line(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(message.length + 1);
  framed.set(message);
  for (let at = framed.indexOf(LINE_FEED); at !== -1; at = framed.indexOf(LINE_FEED, at)) {
    framed[at] = SPACE;
  }
  framed[message.length] = LINE_FEED;
  return framed;
}
