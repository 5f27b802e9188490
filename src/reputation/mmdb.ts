/**
 * Reads a MaxMind DB file (format 2.0): its networks and what it says of each. Slow lane, at load.
 *
 * Every offset is checked before it is read, so a file that was cut, or made to mislead, is an
 * error and never a wrong answer: a tree has no node twice, no depth beyond its addresses, data
 * stands inside its section and nests a few levels. What a program needs of the format is little:
 * the tree is walked once, so nothing is looked up here.
 */

import { DnsvalveError } from '../errors.ts';

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** The marker is looked for in this much of the end, as the format says. */
const METADATA_MAX = 128 * 1024;
/** Zeros between tree and data. */
const SEPARATOR = 16;
const DEPTH_MAX = 16;
/** Values in one record, however they are nested. */
const VALUES_MAX = 10_000;
/** IPv4 networks stand at ::/96 of a tree of IPv6. */
const IPV4_DEPTH = 96;

export type MmdbValue = number | string | boolean | null | MmdbValue[] | MmdbMap;
export interface MmdbMap {
  readonly [key: string]: MmdbValue;
}

export interface MmdbNetwork {
  /** 16 octets; IPv4 in its mapped form. Valid until the next network. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Where its record stands; networks with the same record share it. */
  readonly record: number;
}

const TYPES = { extended: 0, pointer: 1, text: 2, double: 3, bytes: 4, u16: 5, u32: 6, map: 7 };
const EXTENDED = { i32: 8, u64: 9, u128: 10, array: 11, boolean: 14, float: 15 };

export class Mmdb {
  readonly #octets: Buffer;
  readonly #nodeCount: number;
  readonly #recordBits: number;
  readonly #isIpv6: boolean;
  readonly #dataAt: number;
  readonly #dataEnd: number;
  #at = 0;
  #values = 0;

  /** @throws DnsvalveError CONFIG when this is no such file, or a damaged one */
  constructor(octets: Buffer) {
    this.#octets = octets;
    const marker = octets.lastIndexOf(MARKER);
    if (marker < 0 || octets.length - marker > METADATA_MAX + MARKER.length) {
      throw damaged('it is no MaxMind DB file: its metadata is missing');
    }
    this.#dataAt = marker + MARKER.length;
    this.#dataEnd = octets.length;
    const about = this.#decodeAt(0);
    this.#nodeCount = numberIn(about, 'node_count');
    this.#recordBits = numberIn(about, 'record_size');
    this.#isIpv6 = numberIn(about, 'ip_version') === 6;
    if (numberIn(about, 'binary_format_major_version') !== 2) throw damaged('not of format 2');
    if (![24, 28, 32].includes(this.#recordBits)) throw damaged('records of a size unheard of');
    const treeSize = (this.#nodeCount * this.#recordBits) / 4;
    this.#dataAt = treeSize + SEPARATOR;
    this.#dataEnd = marker;
    if (!Number.isSafeInteger(treeSize) || this.#dataAt > marker) throw damaged('its tree is cut');
  }

  /** What a record says. @throws DnsvalveError CONFIG when it is damaged */
  read(record: number): MmdbValue {
    return this.#decodeAt(record);
  }

  /** Every network that has a record, in address order. @throws DnsvalveError CONFIG */
  *networks(): Generator<MmdbNetwork> {
    const bytes = new Uint8Array(16);
    if (!this.#isIpv6) bytes.fill(0xff, 10, 12);
    const seen = new Uint8Array(this.#nodeCount);
    const start = this.#isIpv6 ? 0 : IPV4_DEPTH;
    const ipv4Root = this.#isIpv6 ? this.#ipv4Root() : -1;
    if (this.#nodeCount === 0) return;
    /** Nodes that are open, and which of their halves comes next. */
    const nodes = [0];
    const halves = [0];
    seen[0] = 1;
    while (nodes.length > 0) {
      const depth = start + nodes.length - 1;
      const half = halves[halves.length - 1] ?? 2;
      if (half === 2) {
        nodes.pop();
        halves.pop();
        continue;
      }
      halves[halves.length - 1] = half + 1;
      setBit(bytes, depth, half);
      const next = this.#child(nodes[nodes.length - 1] ?? 0, half);
      if (next === this.#nodeCount) continue;
      if (next > this.#nodeCount) {
        yield this.#network(bytes, depth + 1, next);
        continue;
      }
      // The IPv4 networks once more, under 6to4 and the like: known by where they stand first.
      const isAlias = next === ipv4Root && seen[next] === 1 && !nodes.includes(next);
      if (isAlias) continue;
      if (seen[next] === 1) throw damaged('its tree comes back to a node');
      if (depth + 1 >= 128) throw damaged('its tree is deeper than an address');
      seen[next] = 1;
      nodes.push(next);
      halves.push(0);
    }
  }

  #network(bytes: Uint8Array, length: number, value: number): MmdbNetwork {
    const masked = Uint8Array.from(bytes);
    clearFrom(masked, length);
    const record = value - this.#nodeCount - SEPARATOR;
    if (record < 0) throw damaged('a network points into the tree');
    if (
      this.#isIpv6 &&
      length >= IPV4_DEPTH &&
      masked.every((octet, i) => i >= 12 || octet === 0)
    ) {
      masked.fill(0xff, 10, 12);
    }
    return { bytes: masked, length, record };
  }

  /** The node that holds the IPv4 networks; -1 when no node of its own does. */
  #ipv4Root(): number {
    let node = 0;
    for (let depth = 0; depth < IPV4_DEPTH; depth++) {
      if (node >= this.#nodeCount) return -1;
      node = this.#child(node, 0);
    }
    return node < this.#nodeCount ? node : -1;
  }

  /** The record of a node for a bit; a record of 28 bits shares its middle octet. */
  #child(node: number, half: number): number {
    const octets = this.#octets;
    const size = this.#recordBits / 4;
    const at = node * size;
    if (this.#recordBits === 24) return octets.readUIntBE(at + half * 3, 3);
    if (this.#recordBits === 32) return octets.readUInt32BE(at + half * 4);
    const middle = octets.readUInt8(at + 3);
    const top = half === 0 ? middle >> 4 : middle & 0x0f;
    return top * 2 ** 24 + octets.readUIntBE(at + half * 4, 3);
  }

  #decodeAt(offset: number): MmdbValue {
    this.#at = this.#dataAt + offset;
    this.#values = 0;
    return this.#decode(0);
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#dataEnd) throw damaged('a value reaches beyond its section');
    this.#at = at + size;
    return at;
  }

  #decode(depth: number): MmdbValue {
    if (depth > DEPTH_MAX) throw damaged('values are nested too deep');
    if (++this.#values > VALUES_MAX) throw damaged('a record holds too many values');
    const control = this.#octets.readUInt8(this.#take(1));
    let type = control >> 5;
    if (type === TYPES.pointer) return this.#follow(control, depth);
    if (type === TYPES.extended) type = this.#octets.readUInt8(this.#take(1)) + 7;
    const size = this.#size(control & 0x1f);
    if (type === TYPES.map) return this.#map(size, depth);
    if (type === EXTENDED.array) return this.#array(size, depth);
    if (type === EXTENDED.boolean) return size === 1;
    return this.#plain(type, size);
  }

  #plain(type: number, size: number): MmdbValue {
    const at = this.#take(size);
    if (type === TYPES.text) return this.#octets.toString('utf8', at, at + size);
    if (type === TYPES.u16 || type === TYPES.u32 || type === EXTENDED.i32) {
      if (size > 4) throw damaged('a number is too long');
      return size === 0 ? 0 : this.#octets.readUIntBE(at, size);
    }
    // Nothing that is asked for here is of the other types.
    const others: number[] = [
      TYPES.double,
      TYPES.bytes,
      EXTENDED.u64,
      EXTENDED.u128,
      EXTENDED.float,
    ];
    if (others.includes(type)) return null;
    throw damaged('a value is of no type');
  }

  #size(five: number): number {
    if (five < 29) return five;
    const octets = five - 28;
    const more = this.#octets.readUIntBE(this.#take(octets), octets);
    return more + [29, 285, 65_821][octets - 1]!;
  }

  #follow(control: number, depth: number): MmdbValue {
    const octets = ((control >> 3) & 3) + 1;
    const read = this.#octets.readUIntBE(this.#take(octets), octets);
    const high = octets === 4 ? 0 : (control & 7) * 2 ** (8 * octets);
    const offset = read + high + [0, 2048, 526_336, 0][octets - 1]!;
    const after = this.#at;
    this.#at = this.#dataAt + offset;
    const value = this.#decode(depth + 1);
    this.#at = after;
    return value;
  }

  #map(size: number, depth: number): MmdbMap {
    const entries: [string, MmdbValue][] = [];
    for (let i = 0; i < size; i++) {
      const key = this.#decode(depth + 1);
      if (typeof key !== 'string') throw damaged('a key is no text');
      entries.push([key, this.#decode(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  #array(size: number, depth: number): MmdbValue[] {
    const values: MmdbValue[] = [];
    for (let i = 0; i < size; i++) values.push(this.#decode(depth + 1));
    return values;
  }
}

/** A value below a record by the keys that lead to it; null when there is none. */
export function valueAt(value: MmdbValue, ...path: readonly string[]): MmdbValue {
  let found = value;
  for (const key of path) {
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return null;
    found = Object.hasOwn(found, key) ? (found[key] ?? null) : null;
  }
  return found;
}

function numberIn(about: MmdbValue, key: string): number {
  const value = valueAt(about, key);
  if (typeof value !== 'number') throw damaged(`its metadata has no ${key}`);
  return value;
}

function setBit(bytes: Uint8Array, depth: number, bit: number): void {
  const mask = 0x80 >> (depth & 7);
  const at = depth >> 3;
  bytes[at] = bit === 1 ? (bytes[at] ?? 0) | mask : (bytes[at] ?? 0) & ~mask;
}

function clearFrom(bytes: Uint8Array, depth: number): void {
  const at = depth >> 3;
  if (at === bytes.length) return;
  bytes[at] = (bytes[at] ?? 0) & (0xff00 >> (depth & 7));
  bytes.fill(0, at + 1);
}

function damaged(what: string): DnsvalveError {
  return new DnsvalveError('CONFIG', `damaged: ${what}`);
}
