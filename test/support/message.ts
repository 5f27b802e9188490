/**
 * DNS messages for whole-server tests: queries that may be as odd as a test wants, and responses read
 * apart into plain values. It shares names and mnemonics with the program and nothing of its parser,
 * so that what it reads is a second opinion.
 */

import { nameToText, nameToWire, typeFromText, typeToText } from '../../src/wire/text.ts';

export interface EdnsShape {
  /** UDP payload size. */
  readonly size?: number;
  readonly dnssecOk?: boolean;
  readonly version?: number;
  readonly options?: readonly { readonly code: number; readonly data: Uint8Array }[];
}

export interface QueryShape {
  readonly name: string;
  /** Mnemonic or TYPEn; A when not given. */
  readonly type?: string;
  readonly qclass?: number;
  readonly id?: number;
  /** The header's flag word; RD when not given. */
  readonly flags?: number;
  /** Left out: no OPT record. */
  readonly edns?: EdnsShape;
}

export const RD = 0x0100;
export const CD = 0x0010;
const OPT = 41;

function u16(...words: readonly number[]): Buffer {
  const octets = Buffer.alloc(words.length * 2);
  for (const [index, word] of words.entries()) octets.writeUInt16BE(word & 0xffff, index * 2);
  return octets;
}

/** Name, type and class as they stand in a message. The case of the text is kept. */
export function questionOctets(shape: QueryShape): Buffer {
  const type = typeFromText(shape.type ?? 'A');
  if (type === null) throw new Error(`unknown type ${shape.type}`);
  return Buffer.concat([nameToWire(shape.name), u16(type, shape.qclass ?? 1)]);
}

export function optOctets(edns: EdnsShape): Buffer {
  const options = (edns.options ?? []).map(({ code, data }) =>
    Buffer.concat([u16(code, data.length), data]),
  );
  const rdata = Buffer.concat(options);
  const flags = [0, edns.version ?? 0, edns.dnssecOk ? 0x80 : 0, 0];
  return Buffer.concat([
    Buffer.from([0]),
    u16(OPT, edns.size ?? 1232),
    Buffer.from(flags),
    u16(rdata.length),
    rdata,
  ]);
}

export function headerOctets(
  id: number,
  flags: number,
  counts: readonly [number, number, number, number],
): Buffer {
  return u16(id, flags, ...counts);
}

export function buildQuery(shape: QueryShape): Buffer {
  const opt = shape.edns === undefined ? Buffer.alloc(0) : optOctets(shape.edns);
  const header = headerOctets(shape.id ?? 0, shape.flags ?? RD, [1, 0, 0, opt.length ? 1 : 0]);
  return Buffer.concat([header, questionOctets(shape), opt]);
}

export interface Rr {
  /** Presentation form, case as received. */
  readonly owner: string;
  readonly type: string;
  readonly rrclass: number;
  readonly ttl: number;
  /** Hex; names that may be compressed are written out. */
  readonly rdata: string;
}

export interface Message {
  readonly octets: Buffer;
  readonly id: number;
  readonly flags: number;
  /** With the upper bits of the OPT record. */
  readonly rcode: number;
  /** Octets of the question section. */
  readonly question: Buffer;
  readonly answers: readonly Rr[];
  readonly authorities: readonly Rr[];
  /** Without the OPT record. */
  readonly additionals: readonly Rr[];
  readonly opt: {
    readonly size: number;
    readonly version: number;
    readonly dnssecOk: boolean;
    readonly options: readonly { readonly code: number; readonly data: Buffer }[];
  } | null;
  /** EDE code, null for none. */
  readonly ede: number | null;
  readonly edeText: string;
}

/** Octets before the names, and how many names, of the types whose rdata may be compressed. */
const NAMES: Readonly<Record<string, readonly [number, number]>> = {
  NS: [0, 1],
  CNAME: [0, 1],
  PTR: [0, 1],
  DNAME: [0, 1],
  SOA: [0, 2],
  MX: [2, 1],
  MINFO: [0, 2],
  AFSDB: [2, 1],
  RT: [2, 1],
  RP: [0, 2],
};

class Reader {
  at = 12;
  readonly #octets: Buffer;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** The wire form of a name with its pointers followed. */
  name(): Buffer {
    const parts: Buffer[] = [];
    let at = this.at;
    let after = -1;
    for (let hop = 0; hop < 256; hop++) {
      const size = this.#octets.readUInt8(at);
      if (size >= 0xc0) {
        if (after === -1) after = at + 2;
        const target = this.#octets.readUInt16BE(at) & 0x3fff;
        if (target >= at) throw new Error('a pointer that does not point back');
        at = target;
        continue;
      }
      parts.push(this.#octets.subarray(at, at + 1 + size));
      at += 1 + size;
      if (size === 0) {
        this.at = after === -1 ? at : after;
        return Buffer.concat(parts);
      }
    }
    throw new Error('a name without end');
  }

  record(): Rr {
    const owner = nameToText(this.name());
    const at = this.at;
    const type = typeToText(this.#octets.readUInt16BE(at));
    const end = at + 10 + this.#octets.readUInt16BE(at + 8);
    if (end > this.#octets.length) throw new Error('a record past the end');
    const rdata = this.#rdata(type, at + 10, end);
    this.at = end;
    const rrclass = this.#octets.readUInt16BE(at + 2);
    return { owner, type, rrclass, ttl: this.#octets.readUInt32BE(at + 4), rdata };
  }

  #rdata(type: string, start: number, end: number): string {
    const [before, names] = NAMES[type] ?? [0, 0];
    const parts = [this.#octets.subarray(start, start + before)];
    this.at = start + before;
    for (let i = 0; i < names; i++) parts.push(this.name());
    parts.push(this.#octets.subarray(this.at, end));
    return Buffer.concat(parts).toString('hex');
  }
}

/** @throws Error when the octets are no whole message and nothing more */
export function readMessage(octets: Buffer): Message {
  const reader = new Reader(octets);
  for (let i = 0; i < octets.readUInt16BE(4); i++) {
    reader.name();
    reader.at += 4;
  }
  const question = octets.subarray(12, reader.at);
  const sections = [6, 8, 10].map((at) =>
    Array.from({ length: octets.readUInt16BE(at) }, () => reader.record()),
  );
  if (reader.at !== octets.length) throw new Error('octets after the last record');
  const [answers = [], authorities = [], rest = []] = sections;
  const flags = octets.readUInt16BE(2);
  const opt = rest.find(({ type }) => type === 'OPT');
  const options = opt === undefined ? [] : readOptions(Buffer.from(opt.rdata, 'hex'));
  const ede = options.find(({ code }) => code === 15)?.data;
  return {
    octets,
    id: octets.readUInt16BE(0),
    flags,
    rcode: (flags & 15) | (((opt?.ttl ?? 0) >>> 24) << 4),
    question,
    answers,
    authorities,
    additionals: rest.filter(({ type }) => type !== 'OPT'),
    opt:
      opt === undefined
        ? null
        : {
            size: opt.rrclass,
            version: (opt.ttl >>> 16) & 0xff,
            dnssecOk: (opt.ttl & 0x8000) !== 0,
            options,
          },
    ede: ede === undefined ? null : ede.readUInt16BE(0),
    edeText: ede === undefined ? '' : ede.toString('utf8', 2),
  };
}

function readOptions(rdata: Buffer): { code: number; data: Buffer }[] {
  const options: { code: number; data: Buffer }[] = [];
  for (let at = 0; at < rdata.length; ) {
    const size = rdata.readUInt16BE(at + 2);
    if (at + 4 + size > rdata.length) throw new Error('an option ends beyond its record');
    options.push({ code: rdata.readUInt16BE(at), data: rdata.subarray(at + 4, at + 4 + size) });
    at += 4 + size;
  }
  return options;
}
