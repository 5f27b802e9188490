/**
 * The two messages of `dnsvalve query`: the query, and what its response says.
 *
 * dns2 reads the EDNS part and knows the names of extended errors; records are read here, because a
 * name or a text that dns2 prints cannot always be told from another one.
 */

import dns2 from 'dns2';
import { DnsvalveError } from '../errors.ts';
import {
  AA,
  AD,
  CD,
  CLASS_IN,
  EDE_BLOCKED,
  EDE_FILTERED,
  EDE_PROHIBITED,
  HEADER_SIZE,
  QR,
  RA,
  RD,
  TC,
  TYPE_OPT,
  UDP_EDNS_MAX,
} from '../wire/constants.ts';
import { messageFlags, messageId, questionCount, rcodeOf, writeHeader } from '../wire/header.ts';
import { writeU16 } from '../wire/octets.ts';
import { rcodeToText, typeToText } from '../wire/text.ts';
import { absolute, rdataToText } from './query-rdata.ts';
import { MalformedError, MessageReader } from './query-reader.ts';

const { Packet } = dns2;

export interface Question {
  /** Wire form; its case is kept. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly dnssec: boolean;
}

/** A query with its id, as it goes on the wire. */
export interface QueryMessage {
  readonly id: number;
  readonly question: Question;
  readonly octets: Uint8Array;
}

export interface ResponseRecord {
  readonly name: string;
  readonly ttl: number;
  readonly class: string;
  readonly type: string;
  /** Presentation form, or RFC 3597's. */
  readonly data: string;
}

export interface ExtendedError {
  readonly code: number;
  readonly name: string;
  readonly text: string;
}

export interface Response {
  readonly id: number;
  readonly rcode: string;
  readonly flags: readonly string[];
  readonly question: { readonly name: string; readonly class: string; readonly type: string };
  readonly answer: readonly ResponseRecord[];
  readonly authority: readonly ResponseRecord[];
  readonly additional: readonly ResponseRecord[];
  /** Null when the response has no EDNS. */
  readonly edns: { readonly version: number; readonly udp: number; readonly do: boolean } | null;
  readonly errors: readonly ExtendedError[];
  /** Whether the valve denied the name: EDE 15, 17 or 18. */
  readonly denied: boolean;
  readonly octets: number;
}

/** RD and EDNS with 1232 octets; DO and AD where DNSSEC is asked for. */
export function buildQuery(id: number, question: Question): QueryMessage {
  const at = HEADER_SIZE + question.name.length;
  const octets = new Uint8Array(at + 4 + 11);
  writeHeader(octets, 0, id, question.dnssec ? RD | AD : RD);
  octets.set(question.name, HEADER_SIZE);
  writeU16(octets, at, question.type);
  writeU16(octets, at + 2, CLASS_IN);
  // OPT: root owner, type, payload size, extended rcode and version, DO, no options (RFC 6891 6.1).
  writeU16(octets, at + 5, TYPE_OPT);
  writeU16(octets, at + 7, UDP_EDNS_MAX);
  octets[at + 11] = question.dnssec ? 0x80 : 0;
  octets[11] = 1; // ARCOUNT
  return { id, question, octets };
}

/**
 * Whether a message is the response to the query: QR, its id and its question (RFC 5452 9.1). A
 * response without any question is taken only for an error, where the server could not read one.
 */
export function isResponseTo(query: QueryMessage, octets: Uint8Array): boolean {
  if (octets.length < HEADER_SIZE) return false;
  const flags = messageFlags(octets, 0);
  if ((flags & QR) === 0 || messageId(octets, 0) !== query.id) return false;
  const questions = questionCount(octets, 0);
  if (questions === 0) return rcodeOf(flags) !== 0;
  const { name, type } = query.question;
  try {
    const reader = new MessageReader(octets, HEADER_SIZE);
    const echoed = reader.wireName();
    return (
      questions === 1 &&
      lowerCase(echoed) === lowerCase(name) &&
      reader.u16() === type &&
      reader.u16() === CLASS_IN
    );
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

/** ASCII letters only; length octets are below them. */
function lowerCase(name: Uint8Array): string {
  return Buffer.from(name)
    .toString('latin1')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function isTruncated(octets: Uint8Array): boolean {
  return (messageFlags(octets, 0) & TC) !== 0;
}

/** @throws DnsvalveError DAEMON when a record does not lie inside the message */
export function readResponse(query: QueryMessage, octets: Uint8Array): Response {
  try {
    return readSections(query, octets);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new DnsvalveError('DAEMON', `the response cannot be read: ${error.message}`, error);
  }
}

function readSections(query: QueryMessage, octets: Uint8Array): Response {
  const reader = new MessageReader(octets, 4);
  const questions = reader.u16();
  const counts = [reader.u16(), reader.u16(), reader.u16()];
  if (questions > 0) {
    reader.wireName();
    reader.take(4);
  }
  const edns: Uint8Array[] = [];
  const [answer = [], authority = [], additional = []] = counts.map((count) =>
    readRecords(reader, count, edns),
  );
  const flags = messageFlags(octets, 0);
  const opt = edns[0] === undefined ? null : readOpt(edns[0]);
  return {
    id: messageId(octets, 0),
    rcode: rcodeToText(rcodeOf(flags) + 16 * (opt?.extendedRcode ?? 0)),
    flags: flagNames(flags),
    question: {
      name: absolute(new MessageReader(query.question.name).name()),
      class: 'IN',
      type: typeToText(query.question.type),
    },
    answer,
    authority,
    additional,
    edns: opt === null ? null : { version: opt.version, udp: opt.udp, do: opt.do },
    errors: opt?.errors ?? [],
    denied: (opt?.errors ?? []).some(({ code }) => DENIALS.includes(code)),
    octets: octets.length,
  };
}

const DENIALS: readonly number[] = [EDE_BLOCKED, EDE_FILTERED, EDE_PROHIBITED];

const FLAGS = [
  [QR, 'qr'],
  [AA, 'aa'],
  [TC, 'tc'],
  [RD, 'rd'],
  [RA, 'ra'],
  [AD, 'ad'],
  [CD, 'cd'],
] as const;

function flagNames(flags: number): string[] {
  return FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

/** Records of one section; OPT records go to `edns` as octets. */
function readRecords(reader: MessageReader, count: number, edns: Uint8Array[]): ResponseRecord[] {
  const found: ResponseRecord[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    const name = reader.name();
    const type = reader.u16();
    const recordClass = reader.u16();
    const ttl = reader.u32();
    const size = reader.u16();
    const rdata = reader.at;
    reader.take(size);
    if (type === TYPE_OPT) {
      edns.push(reader.octets.subarray(start, reader.at));
      continue;
    }
    found.push({
      name: absolute(name),
      ttl,
      class: recordClass === CLASS_IN ? 'IN' : `CLASS${recordClass}`,
      type: typeToText(type),
      data: rdataToText(type, new MessageReader(reader.octets, rdata, reader.at)),
    });
  }
  return found;
}

interface Opt {
  readonly version: number;
  readonly udp: number;
  readonly do: boolean;
  readonly extendedRcode: number;
  readonly errors: readonly ExtendedError[];
}

/** dns2 reads the OPT record, in a message of its own that holds nothing else. */
function readOpt(record: Uint8Array): Opt | null {
  const message = Buffer.alloc(HEADER_SIZE + record.length);
  message[11] = 1; // ARCOUNT
  message.set(record, HEADER_SIZE);
  const opt = Packet.parse(message).additionals[0];
  if (opt === undefined) return null;
  return {
    version: opt.version ?? 0,
    udp: opt.class,
    do: opt.doFlag === true,
    extendedRcode: opt.extendedRcode ?? 0,
    errors: (opt.rdata ?? []).filter(isExtendedError).map(({ infoCode, extraText }) => ({
      code: infoCode,
      name: errorName(infoCode),
      text: extraText,
    })),
  };
}

type EdeOption = Parameters<typeof Packet.Resource.EDNS.EDE.encode>[0];

function isExtendedError(option: { readonly ednsCode: number }): option is EdeOption {
  return option.ednsCode === Packet.EDNS_OPTION_CODE.EDE;
}

/** `No Reachable Authority`, as RFC 8914 section 4 spells it. */
function errorName(code: number): string {
  const name = Packet.EDE_NAME[code];
  if (name === undefined) return 'unassigned';
  return name
    .split('_')
    .map((word) => (ACRONYMS.includes(word) ? word : word.charAt(0) + word.slice(1).toLowerCase()))
    .join(' ');
}

const ACRONYMS = ['DNSKEY', 'DS', 'DNSSEC', 'NSEC', 'NSEC3', 'NXDOMAIN'];
