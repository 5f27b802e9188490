/**
 * Answers that an upstream never sends: forged ones that do not match the question, and malformed
 * ones. All of them say 6.6.6.6.
 */

import { optOctets } from '../support/message.ts';
import { A, AAAA, CNAME, QNAME, record, SOA, u16, wire } from '../support/records.ts';
import { type Asked, answerTo } from './fake-server.ts';

const MX = 15;
const FORGED = Buffer.from([6, 6, 6, 6]);
/** What none of them may ever make a client see, as rdata in hex. */
export const FORGED_RDATA = FORGED.toString('hex');
const forgedAnswers = [record(QNAME, A, FORGED)];

/** The octets of a question with one part changed. */
export function question(asked: Asked, change: (octets: Buffer) => void): Buffer {
  const octets = Buffer.from(asked.question);
  change(octets);
  return octets;
}

/** A forged answer with counts of its own: questions, answers, authorities, additionals. */
export function raw(asked: Asked, counts: readonly number[], ...body: readonly Buffer[]): Buffer {
  return Buffer.concat([u16(asked.id, 0x8180, ...counts), asked.question, ...body]);
}

function cut(octets: Buffer, type: number, length: number): Buffer {
  return Buffer.concat([QNAME, u16(type, 1, 0, 60, length), octets]);
}

export interface Trick {
  readonly rule: string;
  readonly forge: (asked: Asked) => Buffer;
}

/** They do not belong to the question that is under way. */
export const MISMATCHES: readonly Trick[] = [
  { rule: 'a wrong id', forge: (q) => answerTo(q, { id: q.id ^ 0x0101, answers: forgedAnswers }) },
  {
    rule: 'a wrong name',
    forge: (q) =>
      answerTo(q, { question: question(q, (o) => o.writeUInt8(120, 1)), answers: forgedAnswers }),
  },
  {
    rule: 'a wrong type',
    forge: (q) =>
      answerTo(q, {
        question: question(q, (o) => o.writeUInt16BE(AAAA, o.length - 4)),
        answers: forgedAnswers,
      }),
  },
  {
    rule: 'a wrong class',
    forge: (q) =>
      answerTo(q, {
        question: question(q, (o) => o.writeUInt16BE(3, o.length - 2)),
        answers: forgedAnswers,
      }),
  },
  { rule: 'QR=0', forge: (q) => answerTo(q, { flags: 0x0180, answers: forgedAnswers }) },
  { rule: 'opcode NOTIFY', forge: (q) => answerTo(q, { flags: 0xa180, answers: forgedAnswers }) },
  {
    rule: 'no question',
    forge: (q) =>
      answerTo(q, {
        count: 0,
        question: Buffer.alloc(0),
        answers: [record(q.question.subarray(0, -4), A, FORGED)],
      }),
  },
  {
    rule: 'two questions',
    forge: (q) =>
      answerTo(q, {
        count: 2,
        question: Buffer.concat([q.question, q.question]),
        answers: forgedAnswers,
      }),
  },
  { rule: 'QDCOUNT 0', forge: (q) => raw(q, [0, 1, 0, 0], record(QNAME, A, FORGED)) },
  { rule: 'QDCOUNT 2', forge: (q) => raw(q, [2, 1, 0, 0], record(QNAME, A, FORGED)) },
  { rule: 'half a header', forge: (q) => answerTo(q).subarray(0, 7) },
  { rule: 'half a question', forge: (q) => answerTo(q).subarray(0, 20) },
];

/** They belong to it, and cannot be read. */
export const MALFORMED: readonly Trick[] = [
  { rule: 'an RDLENGTH past the end', forge: (q) => raw(q, [1, 1, 0, 0], cut(FORGED, A, 400)) },
  { rule: 'more answers than data', forge: (q) => raw(q, [1, 2, 0, 0], record(QNAME, A, FORGED)) },
  {
    rule: '65,535 records',
    forge: (q) => raw(q, [1, 1, 65535, 65535], record(QNAME, A, FORGED)),
  },
  {
    rule: 'a record that ends in its owner',
    forge: (q) => raw(q, [1, 2, 0, 0], record(QNAME, A, FORGED), Buffer.from([5, 97])),
  },
  {
    rule: 'a pointer to itself',
    forge: (q) => {
      const at = 12 + q.question.length;
      return raw(q, [1, 1, 0, 0], record(u16(0xc000 | at), A, FORGED));
    },
  },
  {
    rule: 'a pointer forward',
    forge: (q) => {
      const at = 12 + q.question.length;
      return raw(q, [1, 1, 0, 0], record(u16(0xc000 | (at + 16)), A, FORGED), wire('x.test'));
    },
  },
  {
    rule: 'a name of more than 255 octets by a pointer',
    forge: (q) => {
      const long = Buffer.concat(
        Array.from({ length: 4 }, () => Buffer.from(`?${'x'.repeat(63)}`)),
      );
      for (let i = 0; i < 4; i++) long.writeUInt8(63, i * 64);
      return raw(q, [1, 1, 0, 0], record(Buffer.concat([long, QNAME]), A, FORGED));
    },
  },
  {
    rule: 'a label of type 0x40 in an owner',
    forge: (q) => raw(q, [1, 1, 0, 0], record(Buffer.from([0x41, 97, 0]), A, FORGED)),
  },
  {
    rule: 'an A record of 5 octets',
    forge: (q) =>
      raw(q, [1, 1, 0, 0], record(QNAME, A, Buffer.concat([FORGED, FORGED.subarray(3)]))),
  },
  { rule: 'an A record of 3 octets', forge: (q) => raw(q, [1, 1, 0, 0], cut(FORGED, A, 3)) },
  {
    rule: 'an AAAA record of 4 octets',
    forge: (q) => raw(q, [1, 2, 0, 0], record(QNAME, A, FORGED), record(QNAME, AAAA, FORGED)),
  },
  {
    rule: 'a CNAME with octets behind its name',
    forge: (q) =>
      raw(q, [1, 1, 0, 0], record(QNAME, CNAME, Buffer.concat([wire('x.test'), u16(7)]))),
  },
  {
    rule: 'a CNAME without a name',
    forge: (q) => raw(q, [1, 1, 0, 0], record(QNAME, CNAME, Buffer.alloc(0))),
  },
  {
    rule: 'an MX that ends before its name',
    forge: (q) => raw(q, [1, 2, 0, 0], record(QNAME, A, FORGED), record(QNAME, MX, u16(1))),
  },
  {
    rule: 'an SOA without its numbers',
    forge: (q) => raw(q, [1, 0, 1, 0], record(QNAME, SOA, Buffer.alloc(2))),
  },
  {
    rule: 'an OPT among the answers',
    forge: (q) => raw(q, [1, 2, 0, 0], record(QNAME, A, FORGED), optOctets({})),
  },
  {
    rule: 'an OPT that is owned by a name',
    forge: (q) =>
      raw(q, [1, 1, 0, 1], record(QNAME, A, FORGED), Buffer.from([1, 120]), optOctets({})),
  },
];
