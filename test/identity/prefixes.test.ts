/** Longest prefix match, by rows and against a linear scan. */

import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import type { Prefix } from '../../src/config/types.ts';
import { type Claim, compilePrefixes } from '../../src/identity/compile.ts';
import { Prefixes } from '../../src/identity/prefixes.ts';

const AT = { file: 'test.yaml', line: 1, col: 1 };

/** 16 octets of an address, IPv4 mapped. */
function address(text: string): Uint8Array {
  const parsed = ipaddr.parse(text);
  const mapped = parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed;
  return Uint8Array.from(mapped.toByteArray());
}

function masked(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((octet, i) => octet & (0xff00 >>> Math.min(8, Math.max(0, length - i * 8))));
}

function prefixOf(bytes: Uint8Array, length: number): Prefix {
  return { bytes: masked(bytes, length), length, text: `${bytes.join('.')}/${length}`, at: AT };
}

/** `10.0.0.0/8`; the length of an IPv4 prefix counts from its mapped form. */
function prefix(text: string): Prefix {
  const [host = '', bits = ''] = text.split('/');
  return prefixOf(address(host), Number(bits) + (host.includes(':') ? 0 : 96));
}

function table(texts: readonly string[]): Prefixes {
  return new Prefixes(
    compilePrefixes(texts.map((text, i) => ({ prefix: prefix(text), workload: i + 1 }))),
  );
}

const rows: { name: string; prefixes: string[]; at: [string, number][] }[] = [
  {
    name: 'no prefixes: everybody is unmapped',
    prefixes: [],
    at: [
      ['10.0.0.1', 0],
      ['::1', 0],
    ],
  },
  {
    name: 'a prefix holds its first and last address and not their neighbours',
    prefixes: ['10.1.2.0/24'],
    at: [
      ['10.1.1.255', 0],
      ['10.1.2.0', 1],
      ['10.1.2.255', 1],
      ['10.1.3.0', 0],
    ],
  },
  {
    name: 'the longest prefix wins, whatever the order',
    prefixes: ['10.1.2.3/32', '10.0.0.0/8', '10.1.0.0/16'],
    at: [
      ['10.1.2.3', 1],
      ['10.1.2.4', 3],
      ['10.1.2.2', 3],
      ['10.2.0.0', 2],
      ['11.0.0.0', 0],
    ],
  },
  {
    name: 'nested prefixes that end together',
    prefixes: ['10.0.0.0/8', '10.255.0.0/16', '10.255.255.255/32'],
    at: [
      ['10.255.255.255', 3],
      ['10.255.255.254', 2],
      ['10.254.0.0', 1],
      ['11.0.0.0', 0],
    ],
  },
  {
    name: 'nested prefixes that begin together',
    prefixes: ['10.0.0.0/8', '10.0.0.0/16', '10.0.0.0/32'],
    at: [
      ['10.0.0.0', 3],
      ['10.0.0.1', 2],
      ['10.1.0.0', 1],
      ['9.255.255.255', 0],
    ],
  },
  {
    name: '0.0.0.0/0 holds every IPv4 address and no IPv6 address',
    prefixes: ['0.0.0.0/0'],
    at: [
      ['0.0.0.0', 1],
      ['255.255.255.255', 1],
      ['::ffff:1.2.3.4', 1],
      ['::1', 0],
      ['::', 0],
    ],
  },
  {
    name: '::/0 holds every IPv6 address and no IPv4 address',
    prefixes: ['::/0'],
    at: [
      ['::', 1],
      ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 1],
      ['10.0.0.1', 0],
    ],
  },
  {
    name: 'the very last addresses',
    prefixes: ['255.255.255.255/32', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
    at: [
      ['255.255.255.255', 1],
      ['255.255.255.254', 0],
      ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 2],
      ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', 0],
    ],
  },
  {
    name: 'an IPv6 prefix ends inside an octet',
    prefixes: ['2001:db8::/29', '2001:db8:8000::/33'],
    at: [
      ['2001:db8::1', 1],
      ['2001:dbf:ffff::', 1],
      ['2001:dc0::', 0],
      ['2001:db8:8000::', 2],
      ['2001:db8:7fff::', 1],
    ],
  },
  {
    name: 'host prefixes with nearly all bits in common',
    prefixes: ['2001:db8::1/128', '2001:db8::2/128', '10.0.0.1/32', '10.0.0.3/32'],
    at: [
      ['2001:db8::', 0],
      ['2001:db8::1', 1],
      ['2001:db8::2', 2],
      ['2001:db8::3', 0],
    ],
  },
];

describe('prefixes', () => {
  it.each(rows)('$name', ({ prefixes, at }) => {
    const found = table(prefixes);
    for (const [text, want] of at)
      expect([text, found.find(address(text), 0)]).toEqual([text, want]);
  });

  it('reads the address where it stands in a slab', () => {
    const slab = new Uint8Array(100).fill(0xee);
    slab.set(address('10.1.2.3'), 48);
    expect(table(['10.0.0.0/8']).find(slab, 48)).toBe(1);
  });

  it('refuses a prefix that two workloads claim', () => {
    expect(() => table(['10.0.0.0/8', '10.0.0.0/8'])).toThrow('two workloads claim');
  });

  it('neighbours of one workload are one range, and what a workload encloses itself is none', () => {
    const texts = ['10.0.0.0/24', '10.0.1.0/24', '10.0.1.7/32'];
    const claims = texts.map((text) => ({ prefix: prefix(text), workload: 4 }));
    // Before, the workload, after.
    expect(compilePrefixes(claims).v4.count).toBe(3);
  });

  it('takes a prefix that one workload names twice', () => {
    const claims = [prefix('10.0.0.0/8'), prefix('10.0.0.0/8')].map((p) => ({
      prefix: p,
      workload: 4,
    }));
    expect(new Prefixes(compilePrefixes(claims)).find(address('10.9.9.9'), 0)).toBe(4);
  });
});

/** Few distinct octets, so that prefixes nest and addresses hit. */
const octet = fc.constantFrom(0, 1, 2, 127, 128, 254, 255);
const octets = (size: number) => fc.array(octet, { minLength: size, maxLength: size });
const v6 = octets(16).map((few) => Uint8Array.from(few));
const v4 = octets(4).map((few) => Uint8Array.from([...new Array(10).fill(0), 255, 255, ...few]));
const sources = fc.array(fc.record({ bytes: fc.oneof(v6, v4), length: fc.nat({ max: 128 }) }), {
  maxLength: 24,
});

/** Moves an IPv6 address under a common stem, as the addresses of one site have. */
function under(stem: Uint8Array, shared: number, bytes: Uint8Array): Uint8Array {
  if (isMapped(bytes)) return bytes;
  const kept = masked(stem, shared);
  const cut = masked(bytes, shared);
  return bytes.map((value, i) => (kept[i] ?? 0) | (value ^ (cut[i] ?? 0)));
}

const isMapped = (bytes: Uint8Array): boolean =>
  bytes.every((o, i) => i >= 12 || o === (i < 10 ? 0 : 255));

/** The rule in its simplest form: of all prefixes of the family that hold it, the longest. */
function scan(claims: readonly Claim[], bytes: Uint8Array): number {
  let best: Claim | null = null;
  for (const claim of claims) {
    const { prefix: p } = claim;
    const family = p.length >= 96 && isMapped(p.bytes);
    if (family !== isMapped(bytes)) continue;
    if (Buffer.compare(masked(bytes, p.length), p.bytes) !== 0) continue;
    if (best === null || p.length > best.prefix.length) best = claim;
  }
  return best?.workload ?? 0;
}

it('agrees with a linear scan over random prefixes of both families', () => {
  let mappedHits = 0;
  let sixHits = 0;
  let misses = 0;
  fc.assert(
    fc.property(v6, fc.constantFrom(0, 8, 30, 64, 104, 120), sources, (stem, shared, drawn) => {
      const claims = new Map<string, Claim>();
      const pool = drawn.map(({ bytes }) => under(stem, shared, bytes));
      for (const [i, bytes] of pool.entries()) {
        const length = drawn[i]?.length ?? 0;
        const p = prefixOf(bytes, isMapped(bytes) ? 96 + (length % 33) : length);
        claims.set(`${p.bytes}/${p.length}`, { prefix: p, workload: i + 1 });
      }
      const list = [...claims.values()];
      const found = new Prefixes(compilePrefixes(list));
      for (const bytes of [...pool, stem, ...list.flatMap(({ prefix: p }) => edges(p))]) {
        const want = scan(list, bytes);
        expect(found.find(bytes, 0)).toBe(want);
        if (want === 0) misses++;
        else if (isMapped(bytes)) mappedHits++;
        else sixHits++;
      }
    }),
    { seed: 20_240_601, numRuns: 200 },
  );
  expect(Math.min(mappedHits, sixHits, misses)).toBeGreaterThan(1000);
});

/** The addresses just before, first in, last in and just after a prefix, where there are such. */
function edges(p: Prefix): Uint8Array[] {
  const first = BigInt(`0x${Buffer.from(p.bytes).toString('hex')}`);
  const size = 1n << BigInt(128 - p.length);
  return [first - 1n, first, first + size - 1n, first + size]
    .filter((value) => value >= 0n && value < 1n << 128n)
    .map((value) => Uint8Array.from(Buffer.from(value.toString(16).padStart(32, '0'), 'hex')));
}
