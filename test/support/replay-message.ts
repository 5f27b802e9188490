/**
 * Messages for tests of the core, from presentation text: queries, and upstream answers record by
 * record. What the answer may hold is not limited to what is allowed: `\# n hex` is taken as it is.
 */

import { nameToWire, typeFromText } from '../../src/wire/text.ts';
import { parseZone } from '../../src/zones/master.ts';

const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, NONE: 254, ANY: 255 };
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export interface BuiltRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly qclass: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

function u16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value & 0xffff);
  return octets;
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

export function typeNumber(text: string): number {
  const type = typeFromText(text);
  if (type === null) throw new Error(`unknown type ${text}`);
  return type;
}

/** RDATA of `\# n hex`, or of the type's presentation form read by the zone parser. */
function rdataOf(owner: string, type: string, text: string): Uint8Array {
  const generic = /^\\#\s+\d+\s*([0-9a-fA-F\s]*)$/.exec(text);
  if (generic !== null) return Buffer.from((generic[1] ?? '').replace(/\s/g, ''), 'hex');
  const isSoa = type === 'SOA';
  const origin = isSoa ? nameToWire(owner) : new Uint8Array(1);
  const soa = isSoa ? '' : '. 1 IN SOA . . 1 1 1 1 1\n';
  const zone = parseZone(`${soa}${owner} 1 IN ${type} ${text}\n`, origin, 'record');
  for (const node of zone.nodes) {
    for (const set of node.sets) {
      const rdata = set.rdatas[0];
      if (
        set.type === typeNumber(type) &&
        rdata !== undefined &&
        (isSoa || node.owner.length >= 1)
      ) {
        if (type !== 'SOA' || isSoa) return rdata;
      }
    }
  }
  throw new Error(`no record in ${owner} ${type} ${text}`);
}

/** `owner TTL [class] TYPE rdata`; owners and names in RDATA are absolute with or without dot. */
export function record(line: string): BuiltRecord {
  const match = /^(\S+)\s+(\d+)\s+(?:(IN|CH|NONE|ANY)\s+)?(\S+)\s*(.*)$/.exec(line.trim());
  if (match === null) throw new Error(`not a record: ${line}`);
  const [, owner = '', ttl = '', qclass = 'IN', type = '', rdata = ''] = match;
  const absolute = owner.endsWith('.') ? owner : `${owner}.`;
  return {
    owner: nameToWire(absolute),
    type: typeNumber(type),
    qclass: CLASSES[qclass] ?? 1,
    ttl: Number(ttl),
    rdata: rdataOf(absolute, type, rdata),
  };
}

export interface Sections {
  readonly rcode?: string;
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  /** EDE code in an OPT record; null for an OPT without. Left out: no OPT. */
  readonly ede?: number | null;
  /** Header flags beside QR and the rcode. */
  readonly flags?: number;
  /** Write owners out instead of pointing back. */
  readonly plain?: boolean;
}

/** Writes names with pointers to what stands before, as servers do. */
class Writer {
  readonly parts: Buffer[] = [];
  length = 0;
  readonly #known = new Map<string, number>();
  readonly #isPlain: boolean;

  constructor(isPlain: boolean) {
    this.#isPlain = isPlain;
  }

  put(octets: Uint8Array): void {
    this.parts.push(Buffer.from(octets));
    this.length += octets.length;
  }

  name(wire: Uint8Array): void {
    let at = 0;
    while (wire[at] !== 0) {
      const key = Buffer.from(wire.subarray(at)).toString('hex');
      const known = this.#known.get(key);
      if (known !== undefined && !this.#isPlain) {
        this.put(u16(0xc000 | known));
        return;
      }
      this.#known.set(key, this.length);
      const size = 1 + (wire[at] ?? 0);
      this.put(wire.subarray(at, at + size));
      at += size;
    }
    this.put(Uint8Array.of(0));
  }

  record(rr: BuiltRecord): void {
    this.name(rr.owner);
    this.put(u16(rr.type));
    this.put(u16(rr.qclass));
    this.put(u32(rr.ttl));
    this.put(u16(rr.rdata.length));
    this.put(rr.rdata);
  }
}

function opt(ede: number | null): Buffer {
  const option = ede === null ? Buffer.alloc(0) : Buffer.concat([u16(15), u16(2), u16(ede)]);
  return Buffer.concat([Uint8Array.of(0), u16(41), u16(1232), u32(0), u16(option.length), option]);
}

/** An upstream's answer to `name` and `type`. */
export function answerTo(name: string, type: string, sections: Sections): Buffer {
  const lists = [sections.answer ?? [], sections.authority ?? [], sections.additional ?? []];
  const hasOpt = sections.ede !== undefined;
  const rcode = RCODES.indexOf(sections.rcode ?? 'NOERROR');
  const writer = new Writer(sections.plain === true);
  writer.put(u16(0));
  writer.put(u16(0x8180 | (sections.flags ?? 0) | rcode));
  writer.put(u16(1));
  for (const [index, list] of lists.entries()) {
    writer.put(u16(list.length + (index === 2 && hasOpt ? 1 : 0)));
  }
  writer.name(nameToWire(name));
  writer.put(u16(typeNumber(type)));
  writer.put(u16(1));
  for (const line of lists.flat()) writer.record(record(line));
  if (sections.ede !== undefined) writer.put(opt(sections.ede));
  return Buffer.concat(writer.parts);
}

/** A record as readMessage shows one: to compare lines of text with what came. */
export function shown(line: string): string {
  const rr = record(line);
  const owner = line.trim().split(/\s+/)[0] ?? '';
  const type =
    line
      .trim()
      .split(/\s+/)
      .find((word, i) => i > 1 && !(word in CLASSES)) ?? '';
  const absolute = owner === '.' ? '.' : owner.replace(/\.$/, '');
  return `${absolute.toLowerCase()} ${rr.ttl} ${type} ${Buffer.from(rr.rdata).toString('hex')}`;
}
