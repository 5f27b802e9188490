/** Frames of HTTP/2 (RFC 9113), well formed or not, octet for octet. */

export const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS] = [0, 1, 2, 3, 4] as const;
export const [PING, WINDOW_UPDATE, CONTINUATION] = [6, 8, 9] as const;
export const [END_STREAM, END_HEADERS] = [1, 4] as const;

/** What a client says before its first frame, which is empty SETTINGS here. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function u32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

/** A setting (RFC 9113 6.5.1). */
export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), u32(value)]);
}

/** Text of less than 2^14 octets as HPACK has it (RFC 7541 5.2), not in Huffman's code. */
function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1');
  const rest = octets.length - 127;
  const length = rest < 0 ? [octets.length] : [127, (rest & 127) | 128, rest >> 7];
  return Buffer.concat([Buffer.from(length), octets]);
}

/** A field with a name of its own, which no table keeps. */
export function field(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

const AUTHORITY = Buffer.concat([Buffer.from([1]), text('dns.test')]);

/** The header block of a request. `:method` and `:scheme` are those of the static table. */
export function block(method: 'GET' | 'POST', path: string, ...more: readonly Buffer[]): Buffer {
  const start = Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x87]);
  return Buffer.concat([start, AUTHORITY, Buffer.from([4]), text(path), ...more]);
}
