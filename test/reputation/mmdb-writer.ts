/** Writes small MaxMind DB files for tests: a tree from prefixes, records as maps. */

import { parsePrefix } from '../../src/config/prefix.ts';

export type Value = string | number | boolean | { readonly [key: string]: Value } | Value[];

export interface MmdbOptions {
  /** Bits of one record of the tree: 24, 28 or 32. */
  readonly recordBits?: number;
  /** A tree of IPv4 alone. */
  readonly isIpv4?: boolean;
  /** More networks that lead to the IPv4 ones, as 6to4 does. */
  readonly aliases?: readonly string[];
}

type Node = [Child, Child];
type Child = Node | { readonly record: number } | null;

function control(type: number, size: number): Buffer {
  const low = Math.min(size, 29);
  const first = type < 8 ? [(type << 5) | low] : [low, type - 7];
  return Buffer.from(size < 29 ? first : [...first, size - 29]);
}

export function encode(value: Value): Buffer {
  if (typeof value === 'boolean') return control(14, value ? 1 : 0);
  if (typeof value === 'number') {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(value);
    const from = octets.findIndex((octet) => octet !== 0);
    const short = from === -1 ? Buffer.alloc(0) : octets.subarray(from);
    return Buffer.concat([control(6, short.length), short]);
  }
  if (typeof value === 'string') {
    return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  const parts = entries.flatMap(([key, item]) => [encode(key), encode(item)]);
  return Buffer.concat([control(7, entries.length), ...parts]);
}

function bitsOf(text: string, isIpv4: boolean): number[] {
  const prefix = parsePrefix(text);
  if (typeof prefix === 'string') throw new Error(prefix);
  const isMapped = text.includes('.');
  const from = isMapped ? 96 : 0;
  const bits = Array.from({ length: prefix.length - from }, (_, i) => {
    const at = from + i;
    return ((prefix.bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  });
  return isMapped && !isIpv4 ? [...new Array<number>(96).fill(0), ...bits] : bits;
}

function insert(root: Node, bits: readonly number[], child: Child): void {
  let node = root;
  for (const [i, bit] of bits.entries()) {
    const half = bit === 0 ? 0 : 1;
    if (i === bits.length - 1) node[half] = child;
    else {
      const next = node[half];
      const made: Node = Array.isArray(next) ? next : [null, null];
      node[half] = made;
      node = made;
    }
  }
}

function nodeAt(root: Node, bits: readonly number[]): Child {
  let node: Child = root;
  for (const bit of bits) node = Array.isArray(node) ? node[bit === 0 ? 0 : 1] : null;
  return node;
}

/** @param networks record by prefix; no prefix inside another */
export function writeMmdb(
  networks: Readonly<Record<string, Value>>,
  { recordBits = 24, isIpv4 = false, aliases = [] }: MmdbOptions = {},
): Buffer {
  const root: Node = [null, null];
  const data: Buffer[] = [];
  let size = 0;
  for (const [prefix, value] of Object.entries(networks)) {
    insert(root, bitsOf(prefix, isIpv4), { record: size });
    const encoded = encode(value);
    data.push(encoded);
    size += encoded.length;
  }
  const ipv4 = nodeAt(root, new Array<number>(96).fill(0));
  for (const alias of aliases) insert(root, bitsOf(alias, false), ipv4);
  const nodes = [...collect(root, new Set())];
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  const targetOf = (child: Child): number => {
    if (child === null) return nodes.length;
    return Array.isArray(child) ? (numbers.get(child) ?? 0) : nodes.length + 16 + child.record;
  };
  const tree = nodes.map((node) => nodeOctets(targetOf(node[0]), targetOf(node[1]), recordBits));
  const about = encode({
    node_count: nodes.length,
    record_size: recordBits,
    ip_version: isIpv4 ? 4 : 6,
    binary_format_major_version: 2,
    database_type: 'test',
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, about]);
}

function* collect(node: Node, seen: Set<Node>): Generator<Node> {
  if (seen.has(node)) return;
  seen.add(node);
  yield node;
  for (const child of node) if (Array.isArray(child)) yield* collect(child, seen);
}

function nodeOctets(left: number, right: number, bits: number): Buffer {
  const octets = Buffer.alloc(bits / 4);
  if (bits === 28) {
    octets.writeUIntBE(left & 0xffffff, 0, 3);
    octets.writeUInt8(((left >>> 24) << 4) | (right >>> 24), 3);
    octets.writeUIntBE(right & 0xffffff, 4, 3);
  } else {
    octets.writeUIntBE(left, 0, bits / 8);
    octets.writeUIntBE(right, bits / 8, bits / 8);
  }
  return octets;
}
