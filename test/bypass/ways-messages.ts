/** Messages that carry more than a question, or claim to come from somebody else. */

import { CD, headerOctets, optOctets, RD } from '../support/message.ts';
import { FORMERR, NOTIMP, NXDOMAIN, plain, REFUSED, record, u16 } from './rig.ts';

const BADVERS = 16;
export const SECRET = 'secret-of-a-workload';
export const DENIED = plain(`${SECRET}.evil.test`);
export const ALLOWED = plain('www.allowed.test');
export const IN_A = u16(1, 1);
export const opt = optOctets({});
const denied = Buffer.concat([DENIED, IN_A]);
const allowed = Buffer.concat([ALLOWED, IN_A]);

export type Counts = readonly [number, number, number, number];

export function message(flags: number, counts: Counts, ...body: readonly Uint8Array[]): Buffer {
  return Buffer.concat([headerOctets(0, flags, counts), ...body]);
}

function withOptions(code: number, data: Uint8Array): Buffer {
  const edns = optOctets({ options: [{ code, data }] });
  return message(RD, [1, 0, 0, 1], denied, edns);
}

export const one: Counts = [1, 0, 0, 0];
export const openAddress = Buffer.from([127, 0, 0, 3]);
const misowned = Buffer.concat([Buffer.from([1, 120]), opt]);
export const txt = record(DENIED, 16, Buffer.from('\x04data'));
const update = (opcode: number): number => opcode << 11;

/** Way, message, rcode. None of them may be answered, and none may cause a query upstream. */
export const MESSAGES: readonly (readonly [string, Buffer, number])[] = [
  ['an allowed question, then a denied one', message(RD, [2, 0, 0, 0], allowed, denied), FORMERR],
  ['a denied question, then an allowed one', message(RD, [2, 0, 0, 0], denied, allowed), FORMERR],
  ['the allowed question twice', message(RD, [2, 0, 0, 0], allowed, allowed), FORMERR],
  ['a second question that is not counted', message(RD, one, denied, allowed), NXDOMAIN],
  ['no question, but its octets', message(RD, [0, 0, 0, 0], denied), FORMERR],
  ['no question, and an OPT', message(RD, [0, 0, 0, 1], opt), FORMERR],
  ['65,535 questions', message(RD, [65535, 0, 0, 0], denied), FORMERR],
  ['65,535 answers', message(RD, [1, 65535, 0, 0], allowed), FORMERR],
  ['the question as an answer record', message(RD, [0, 1, 0, 0], txt), FORMERR],
  [
    'an allowed name as an answer to the denied one',
    message(RD, [1, 1, 0, 0], denied, record(ALLOWED, 1, Buffer.from([1, 2, 3, 4]))),
    NXDOMAIN,
  ],
  [
    'an alias to an allowed name, sent along',
    message(RD, [1, 1, 0, 0], denied, record(DENIED, 5, ALLOWED)),
    NXDOMAIN,
  ],
  [
    'a question that points to a name behind it',
    message(RD, [1, 0, 1, 0], Buffer.from([0xc0, 18]), IN_A, txt),
    FORMERR,
  ],
  [
    'a label, then a pointer to itself',
    message(RD, one, Buffer.from([1, 97, 0xc0, 12]), IN_A),
    FORMERR,
  ],
  ['a pointer into the header', message(RD, one, Buffer.from([0xc0, 4]), IN_A), FORMERR],
  ['a label of type 0x40', message(RD, one, Buffer.from([0x41, 97]), denied), FORMERR],
  ['a bit-string label', message(RD, one, Buffer.from([0x41, 8, 97]), denied), FORMERR],
  ['UPDATE of an allowed zone', message(update(5), [1, 0, 1, 0], allowed, txt), NOTIMP],
  [
    'UPDATE with a denied prerequisite',
    message(update(5), [1, 1, 0, 0], allowed, record(DENIED, 255, Buffer.alloc(0))),
    NOTIMP,
  ],
  ['NOTIFY', message(update(4), [1, 1, 0, 0], denied, txt), NOTIMP],
  ['NOTIFY of an allowed name', message(update(4), one, allowed), NOTIMP],
  ['IQUERY', message(update(1), [0, 1, 0, 0], txt), NOTIMP],
  ['STATUS', message(update(2), one, denied), NOTIMP],
  ['DSO', message(update(6), [0, 0, 0, 0]), NOTIMP],
  ['an opcode that is not assigned', message(update(15) | RD, one, allowed), NOTIMP],
  ...[0, 2, 3, 4, 254, 255, 65280].flatMap((qclass) =>
    [DENIED, ALLOWED].map(
      (name) =>
        [
          `class ${qclass}, ${name === DENIED ? 'denied' : 'allowed'}`,
          message(RD, one, name, u16(1, qclass)),
          REFUSED,
        ] as const,
    ),
  ),
  ...[128, 249, 250, 251, 252, 253, 254].map(
    (type) => [`meta type ${type}`, message(RD, one, ALLOWED, u16(type, 1)), REFUSED] as const,
  ),
  ['type OPT in the question', message(RD, one, ALLOWED, u16(41, 1)), FORMERR],
  ['an OPT under another owner', message(RD, [1, 0, 0, 1], allowed, misowned), FORMERR],
  ['two OPTs', message(RD, [1, 0, 0, 2], allowed, opt, opt), FORMERR],
  ['an OPT as an answer', message(RD, [1, 1, 0, 0], allowed, opt), FORMERR],
  ['an OPT as an authority', message(RD, [1, 0, 1, 0], allowed, opt), FORMERR],
  [
    'an OPT that ends inside an option',
    message(RD, [1, 0, 0, 1], allowed, opt.subarray(0, 9), u16(6, 8, 99, 0)),
    FORMERR,
  ],
  ['EDNS version 1', message(RD, [1, 0, 0, 1], allowed, optOctets({ version: 1 })), BADVERS],
  ['CD', message(RD | CD, one, denied), NXDOMAIN],
  ['RD clear', message(0, one, denied), NXDOMAIN],
  ['AA, TC, RA, Z, AD and an rcode', message(0x07ff, one, denied), NXDOMAIN],
  ['DO', message(RD, [1, 0, 0, 1], denied, optOctets({ dnssecOk: true })), NXDOMAIN],
  ['a UDP size of 0', message(RD, [1, 0, 0, 1], denied, optOctets({ size: 0 })), NXDOMAIN],
  [
    'a client subnet of the open workload',
    withOptions(8, Buffer.concat([u16(1), Buffer.from([32, 0]), openAddress])),
    NXDOMAIN,
  ],
  ['a device of the open workload (20292)', withOptions(20292, openAddress), NXDOMAIN],
  ['a hardware address (65001)', withOptions(65001, Buffer.from('001122')), NXDOMAIN],
  ['a device id (26946)', withOptions(26946, openAddress), NXDOMAIN],
  ['a client tag (16)', withOptions(16, u16(7)), NXDOMAIN],
  [
    'XPF, which says that the open workload asks',
    message(
      RD,
      [1, 0, 0, 1],
      denied,
      record(
        Buffer.from([0]),
        65422,
        Buffer.concat([Buffer.from([4, 17]), openAddress, openAddress, u16(53, 53)]),
      ),
    ),
    NXDOMAIN,
  ],
  ['TSIG', message(RD, [1, 0, 0, 1], denied, record(DENIED, 250, Buffer.alloc(26))), NXDOMAIN],
  ['trailing octets', message(RD, one, denied, Buffer.from(SECRET)), NXDOMAIN],
];
