/** Queries and responses for the tests of zones: built and read here, independently of answer.ts. */

import { Query } from '../../src/query.ts';
import { expandName, WireName } from '../../src/wire/name.ts';
import { PARSE_OK, parse } from '../../src/wire/parse.ts';
import {
  nameToText,
  nameToWire,
  rcodeToText,
  typeFromText,
  typeToText,
} from '../../src/wire/text.ts';
import type { Zones } from '../../src/zones/answer.ts';
import type { ServedZone } from '../../src/zones/builtin.ts';
import { parseZone } from '../../src/zones/master.ts';

export interface Asked {
  readonly name: string;
  readonly type: string;
  /** EDNS payload size; 0 for a query without OPT. */
  readonly udpSize: number;
  readonly dnssecOk: boolean;
}

export interface Response {
  readonly rcode: string;
  readonly aa: boolean;
  readonly tc: boolean;
  /** `owner TTL TYPE rdata`, owner in the case of the message, rdata as hex with names expanded. */
  readonly answers: readonly string[];
  readonly authorities: readonly string[];
  readonly hasOpt: boolean;
  /** CHAIN_LEAVES or ANSWERED where the response is ours. */
  readonly result: number;
}

export const ID = 0x1234;

export function ask(name: string, type: string, more: Partial<Asked> = {}): Asked {
  return { name, type, udpSize: 1232, dnssecOk: false, ...more };
}

export function encodeQuery(asked: Asked): Uint8Array {
  const header = Buffer.from([
    ID >> 8,
    ID & 0xff,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    asked.udpSize ? 1 : 0,
  ]);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(typeFromText(asked.type) ?? 0, 0);
  tail.writeUInt16BE(1, 2);
  const opt = Buffer.alloc(asked.udpSize ? 11 : 0);
  if (opt.length > 0) {
    opt.writeUInt16BE(41, 1);
    opt.writeUInt16BE(asked.udpSize, 3);
    opt[7] = asked.dnssecOk ? 0x80 : 0;
  }
  return Buffer.concat([header, nameToWire(asked.name), tail, opt]);
}

/** Offsets into rdata at which names stand that RFC 1035 and 3597 allow to be compressed. */
const NAMES: Record<string, { readonly before: number; readonly names: number }> = {
  NS: { before: 0, names: 1 },
  CNAME: { before: 0, names: 1 },
  PTR: { before: 0, names: 1 },
  DNAME: { before: 0, names: 1 },
  SOA: { before: 0, names: 2 },
  MX: { before: 2, names: 1 },
  MINFO: { before: 0, names: 2 },
  AFSDB: { before: 2, names: 1 },
  RT: { before: 2, names: 1 },
  RP: { before: 0, names: 2 },
};

function expandRdata(message: Buffer, type: string, at: number, end: number): string {
  const shape = NAMES[type];
  if (shape === undefined) return message.toString('hex', at, end);
  let text = message.toString('hex', at, at + shape.before);
  let position = at + shape.before;
  const name = new WireName();
  for (let i = 0; i < shape.names; i++) {
    position = expandName(message, 0, position, end, name);
    if (position === -1) throw new Error(`bad name in ${type}`);
    text += ` ${nameToText(name.octets.subarray(0, name.length))}`;
  }
  return `${text} ${message.toString('hex', position, end)}`.trim();
}

/** The name at an offset with its case, following pointers. */
function ownerText(message: Buffer, at: number): string {
  const octets: number[] = [];
  let position = at;
  for (let hop = 0; hop < 200; hop++) {
    const size = message[position] ?? 0;
    if (size >= 0xc0) {
      position = message.readUInt16BE(position) & 0x3fff;
      continue;
    }
    octets.push(...message.subarray(position, position + 1 + size));
    if (size === 0) break;
    position += 1 + size;
  }
  return nameToText(Uint8Array.from(octets));
}

export function decodeResponse(octets: Uint8Array, result = 0): Response {
  const message = Buffer.from(octets);
  if (message.readUInt16BE(0) !== ID) throw new Error('not the answer to this query');
  const flags = message.readUInt16BE(2);
  const name = new WireName();
  let at = expandName(message, 0, 12, message.length, name) + 4;
  const sections: string[][] = [[], [], []];
  let hasOpt = false;
  for (const [index, section] of sections.entries()) {
    const count = message.readUInt16BE(6 + index * 2);
    for (let record = 0; record < count; record++) {
      const owner = ownerText(message, at);
      at = expandName(message, 0, at, message.length, name);
      if (at === -1) throw new Error('bad owner');
      const type = typeToText(message.readUInt16BE(at));
      const end = at + 10 + message.readUInt16BE(at + 8);
      if (end > message.length) throw new Error('record past the end');
      if (type === 'OPT') hasOpt = true;
      const data = expandRdata(message, type, at + 10, end);
      section.push(`${owner} ${message.readUInt32BE(at + 4)} ${type} ${data}`);
      at = end;
    }
  }
  if (at !== message.length) throw new Error('octets after the last record');
  return {
    rcode: rcodeToText(flags & 0xf),
    aa: (flags & 0x0400) !== 0,
    tc: (flags & 0x0200) !== 0,
    answers: sections[0] ?? [],
    authorities: sections[1] ?? [],
    hasOpt,
    result,
  };
}

export const SLOT = 65535;

/** A parsed query whose response goes to a slot of its own; over TCP when no payload size is given. */
export function queryOf(asked: Asked): Query {
  const query = new Query();
  query.octets = encodeQuery(asked);
  query.end = query.octets.length;
  query.out = new Uint8Array(SLOT);
  query.outRoom = SLOT;
  query.overTcp = asked.udpSize === 0 ? 1 : 0;
  if (parse(query) !== PARSE_OK) throw new Error(`query ${asked.name} does not parse`);
  return query;
}

/** What the zones answer; null when the name is in none of them. */
export function answerOf(zones: Zones, asked: Asked): Response | null {
  const query = queryOf(asked);
  const zone = zones.find(query.name);
  if (zone === -1) return null;
  const result = zones.answer(query, zone);
  return decodeResponse(query.out.subarray(0, query.outLength), result);
}

/** A zone of a few lines, with a SOA of its own. */
export function served(origin: string, lines: string, more: Partial<ServedZone> = {}): ServedZone {
  const text = `@ 60 IN SOA ns host 1 2 3 4 30\n$TTL 60\n${lines}`;
  const zone = parseZone(text, nameToWire(origin), `${origin}.zone`);
  return { zone, private: false, builtin: false, empty: false, ...more };
}
