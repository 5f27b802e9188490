/** Records and answers that the upstream of the conformance checks gives. */

import { type Asked, answerTo } from '../upstream/fake-server.ts';

export const [NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED] = [0, 1, 2, 3, 4, 5];
export const BADVERS = 16;
export const [A, NS, CNAME, SOA, TXT, AAAA, RRSIG] = [1, 2, 5, 6, 16, 28, 46];
export const [QR, AA, TC, RD, RA, Z, AD, CD] = [
  0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010,
];
export const [NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE] = [3, 8, 10, 11, 12, 15];

/** A pointer to the question's name. */
export const QNAME = Buffer.from([0xc0, 12]);

export function u16(...words: readonly number[]): Buffer {
  const octets = Buffer.alloc(words.length * 2);
  for (const [index, word] of words.entries()) octets.writeUInt16BE(word & 0xffff, index * 2);
  return octets;
}

/** Wire form of a name without escapes. */
export function wire(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const parts = labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** A record of class IN. */
export function record(owner: Uint8Array, type: number, rdata: Uint8Array, ttl = 300): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([owner, fixed, rdata]);
}

/** An address that the qname has. */
export function address(last: number, ttl = 300): Buffer {
  return record(QNAME, A, Buffer.from([8, 8, 8, last]), ttl);
}

/** A text of `size` octets, at most 255. */
export function text(size: number, fill = 65): Buffer {
  return record(QNAME, TXT, Buffer.concat([Buffer.from([size]), Buffer.alloc(size, fill)]));
}

/** The SOA of the zone of all names here. */
export function soa(ttl: number, minimum: number, zone = 'conformance.test'): Buffer {
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [1, 7200, 900, 86_400, minimum].entries()) {
    numbers.writeUInt32BE(value, index * 4);
  }
  return record(wire(zone), SOA, Buffer.concat([wire('ns.test'), wire('host.test'), numbers]), ttl);
}

interface Sections {
  readonly rcode?: number;
  readonly flags?: number;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
}

/** An answer with all of its sections. */
export function response(asked: Asked, sections: Sections): Buffer {
  const { rcode = NOERROR, flags = QR | RD | RA } = sections;
  const { answers = [], authorities = [], additionals = [] } = sections;
  return Buffer.concat([
    u16(asked.id, flags | rcode, 1, answers.length, authorities.length, additionals.length),
    asked.question,
    ...answers,
    ...authorities,
    ...additionals,
  ]);
}

/** The plain answer with addresses. */
export function addresses(asked: Asked, ...last: readonly number[]): Buffer {
  return answerTo(asked, { answers: last.map((one) => address(one)) });
}
