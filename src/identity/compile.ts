/**
 * Compiles the sources of the workloads to the range tables of prefixes.ts. Runs in the control
 * plane, once per reload.
 *
 * Nested prefixes are flattened: one sweep over the prefixes in address order keeps the stack of
 * those that are open, and writes a range wherever the innermost one changes.
 */

import type { Config, Prefix } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { readU32, writeU32 } from '../wire/octets.ts';
import { INDEX_BITS, type PrefixesMemory, type RangesMemory } from './prefixes.ts';
import { compileWorkloads } from './settings.ts';
import { UNMAPPED, type WorkloadsMemory } from './workloads.ts';

const ADDRESS_SIZE = 16;
const WORDS = 4;
/** IPv4 stands at ::ffff:0:0/96. */
const MAPPED_LENGTH = 96;
/** `indexBits` reads three octets, the last of which must be inside the address. */
const SHARED_MAX = 104;

/** A prefix and the workload that names it as a source. */
export interface Claim {
  readonly prefix: Prefix;
  readonly workload: number;
}

interface Range {
  readonly start: Uint8Array;
  readonly workload: number;
}

const NO_RANGES: RangesMemory = {
  count: 0,
  starts: sharedUint32(0),
  workloads: sharedUint32(0),
  shared: 0,
  mask: sharedUint32(WORDS),
  value: sharedUint32(WORDS),
  index: sharedUint32(0),
};

export interface IdentityMemory {
  readonly prefixes: PrefixesMemory;
  readonly workloads: WorkloadsMemory;
}

/** @throws DnsvalveError CONFIG when two workloads claim the same prefix */
export function compileIdentity(config: Config): IdentityMemory {
  const claims = config.workloads.flatMap((workload, i) =>
    workload.sources.map((prefix) => ({ prefix, workload: i + 1 })),
  );
  return { prefixes: compilePrefixes(claims), workloads: compileWorkloads(config) };
}

/** @throws DnsvalveError CONFIG when two workloads claim the same prefix */
export function compilePrefixes(claims: readonly Claim[]): PrefixesMemory {
  return {
    v4: compileRanges(claims.filter(({ prefix }) => isMapped(prefix))),
    v6: compileRanges(claims.filter(({ prefix }) => !isMapped(prefix))),
  };
}

function isMapped(prefix: Prefix): boolean {
  if (prefix.length < MAPPED_LENGTH) return false;
  return prefix.bytes.every((octet, i) => i >= 12 || octet === (i < 10 ? 0 : 0xff));
}

function compileRanges(claims: readonly Claim[]): RangesMemory {
  const sorted = claims.toSorted((a, b) => compareClaims(a.prefix, b.prefix));
  for (const [i, claim] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before === undefined || compareClaims(before.prefix, claim.prefix) !== 0) continue;
    if (before.workload !== claim.workload) {
      throw new DnsvalveError('CONFIG', `two workloads claim ${claim.prefix.text}`);
    }
  }
  if (sorted.length === 0) return NO_RANGES;
  const shared = sharedBits(sorted);
  const { mask, value } = sharedMask(sorted, shared);
  const ranges = flatten(sorted);
  const starts = sharedUint32(ranges.length * WORDS);
  const workloads = sharedUint32(ranges.length);
  for (const [i, range] of ranges.entries()) {
    for (let word = 0; word < WORDS; word++) {
      starts[i * WORDS + word] = readU32(range.start, word * 4);
    }
    workloads[i] = range.workload;
  }
  const index = indexOf(ranges, value, shared);
  return { count: ranges.length, starts, workloads, shared, mask, value, index };
}

function sharedMask(
  sorted: readonly Claim[],
  shared: number,
): Pick<RangesMemory, 'mask' | 'value'> {
  const mask = sharedUint32(WORDS);
  const value = sharedUint32(WORDS);
  const first = sorted[0]?.prefix.bytes ?? new Uint8Array(ADDRESS_SIZE);
  for (let word = 0; word < WORDS; word++) {
    const bits = Math.min(32, Math.max(0, shared - word * 32));
    mask[word] = bits === 0 ? 0 : -1 << (32 - bits);
    value[word] = readU32(first, word * 4) & (mask[word] ?? 0);
  }
  return { mask, value };
}

/**
 * A loop, because 100,000 prefixes are millions of comparisons, each too short for a native call.
 */
function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < ADDRESS_SIZE; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * By first address, then the shorter one first, so that what encloses comes before what it holds.
 */
function compareClaims(a: Prefix, b: Prefix): number {
  return compareAddresses(a.bytes, b.bytes) || a.length - b.length;
}

/** How many leading bits all prefixes have in common; `sorted` holds them in address order. */
function sharedBits(sorted: readonly Claim[]): number {
  const first = sorted[0]?.prefix.bytes;
  const last = sorted.at(-1)?.prefix.bytes;
  if (first === undefined || last === undefined) return 0;
  let shared = sorted.reduce((least, { prefix }) => Math.min(least, prefix.length), SHARED_MAX);
  for (let bit = 0; bit < shared; bit++) {
    const at = bit >>> 3;
    if ((((first[at] ?? 0) ^ (last[at] ?? 0)) & (0x80 >>> (bit & 7))) !== 0) shared = bit;
  }
  return shared;
}

/** Disjoint ranges over the whole address space, in address order. */
function flatten(sorted: readonly Claim[]): Range[] {
  const ranges: Range[] = [{ start: new Uint8Array(ADDRESS_SIZE), workload: UNMAPPED }];
  /** Prefixes that hold the current address, innermost last. */
  const open: { readonly after: Uint8Array | null; readonly workload: number }[] = [];
  const closeUntil = (start: Uint8Array | null): void => {
    for (let top = open.at(-1); top?.after != null; top = open.at(-1)) {
      if (start !== null && compareAddresses(top.after, start) > 0) return;
      open.pop();
      addRange(ranges, { start: top.after, workload: open.at(-1)?.workload ?? UNMAPPED });
    }
  };
  for (const { prefix, workload } of sorted) {
    closeUntil(prefix.bytes);
    addRange(ranges, { start: prefix.bytes, workload });
    open.push({ after: addressAfter(prefix), workload });
  }
  closeUntil(null);
  return ranges;
}

/** Appends a range, without leaving an empty one or two neighbours of one workload behind. */
function addRange(ranges: Range[], range: Range): void {
  const last = ranges.at(-1);
  if (last !== undefined && compareAddresses(last.start, range.start) === 0) ranges.pop();
  if (ranges.at(-1)?.workload !== range.workload) ranges.push(range);
}

/** The first address after a prefix; null after the last of all. */
function addressAfter(prefix: Prefix): Uint8Array | null {
  const after = Uint8Array.from(prefix.bytes);
  let carry = 1 << ((128 - prefix.length) & 7);
  // The octet that holds the last bit of the network part, then leftwards while it overflows.
  for (let at = Math.ceil(prefix.length / 8) - 1; at >= 0; at--) {
    const sum = (after[at] ?? 0) + carry;
    after[at] = sum;
    if (sum < 256) return after;
    carry = 1;
  }
  return null;
}

/** For each value of the index bits: the last range that starts at or before its first address. */
function indexOf(ranges: readonly Range[], value: Uint32Array, shared: number): Uint32Array {
  const buckets = 1 << INDEX_BITS;
  const index = sharedUint32(buckets + 1);
  const first = new Uint8Array(ADDRESS_SIZE);
  for (const [word, bits] of value.entries()) writeU32(first, word * 4, bits);
  const at = shared >>> 3;
  const base = first[at] ?? 0;
  let last = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const three = (base << 16) | (bucket << (8 - (shared & 7)));
    first[at] = three >>> 16;
    first[at + 1] = three >>> 8;
    first[at + 2] = three;
    for (let next = ranges[last + 1]; next !== undefined; next = ranges[last + 1]) {
      if (compareAddresses(next.start, first) > 0) break;
      last++;
    }
    index[bucket] = last;
  }
  index[buckets] = ranges.length - 1;
  return index;
}

function sharedUint32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * Uint32Array.BYTES_PER_ELEMENT));
}
