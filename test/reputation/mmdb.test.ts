/** MaxMind DB files: every network and what is said of it, or an error that says why not. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText } from '../../src/config/prefix.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { Mmdb, valueAt } from '../../src/reputation/mmdb.ts';
import { type MmdbOptions, type Value, writeMmdb } from './mmdb-writer.ts';

const V4 = {
  '198.51.100.0/24': { autonomous_system_number: 64500, country: { iso_code: 'XA' } },
  '203.0.113.0/25': { autonomous_system_number: 64501 },
};
const BOTH: Record<string, Value> = {
  ...V4,
  '2001:db8:5::/48': { autonomous_system_number: 64502 },
};

function read(octets: Buffer): Record<string, unknown> {
  const mmdb = new Mmdb(octets);
  return Object.fromEntries(
    [...mmdb.networks()].map(({ bytes, length, record }) => {
      const text = addressText(bytes);
      const bits = text.includes('.') ? length - 96 : length;
      return [`${text}/${bits}`, mmdb.read(record)];
    }),
  );
}

describe('Mmdb', () => {
  const rows: readonly { name: string; from: Record<string, Value>; options: MmdbOptions }[] = [
    { name: 'records of 24 bits', from: BOTH, options: {} },
    { name: 'records of 28 bits', from: BOTH, options: { recordBits: 28 } },
    { name: 'records of 32 bits', from: BOTH, options: { recordBits: 32 } },
    { name: 'a tree of IPv4 alone', from: V4, options: { isIpv4: true } },
    {
      name: 'IPv4 once, where 6to4 leads there too',
      from: BOTH,
      options: { aliases: ['2002::/16'] },
    },
  ];
  for (const { name, from, options } of rows) {
    it(name, () => expect(read(writeMmdb(from, options))).toEqual(from));
  }

  it('reads every kind of value, long texts and lists', () => {
    const value = { text: 'x'.repeat(100), list: [1, 'two', true, { deep: false }], zero: 0 };
    expect(read(writeMmdb({ '192.0.2.0/24': value }))).toEqual({ '192.0.2.0/24': value });
  });

  it('gives values by their keys, and null for what is not there', () => {
    const record = { country: { iso_code: 'XA' }, list: [1] };
    expect(valueAt(record, 'country', 'iso_code')).toBe('XA');
    expect(valueAt(record, 'country', 'toString')).toBe(null);
    expect(valueAt(record, 'list', '0')).toBe(null);
  });

  const good = writeMmdb(BOTH);
  const wrong: readonly { name: string; octets: Buffer; want: RegExp }[] = [
    { name: 'nothing at all', octets: Buffer.alloc(0), want: /metadata is missing/ },
    { name: 'another file', octets: Buffer.from('hello'), want: /metadata is missing/ },
    { name: 'a file without its tree', octets: good.subarray(good.length - 150), want: /tree/ },
    {
      name: 'a file cut in its metadata',
      octets: good.subarray(0, good.length - 9),
      want: /damaged/,
    },
    {
      name: 'a tree that comes back to its root',
      octets: Buffer.concat([Buffer.alloc(6), good.subarray(6)]),
      want: /comes back/,
    },
  ];
  for (const { name, octets, want } of wrong) {
    it(`refuses ${name}`, () => expect(() => read(octets)).toThrow(want));
  }

  it('ends with networks or with an error of its own, whatever octets change', () => {
    let refused = 0;
    const place = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 8 }), (changes) => {
        const octets = Buffer.from(good);
        for (const [at, octet] of changes) octets[at] = octet;
        try {
          read(octets);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(DnsvalveError);
        }
      }),
      { seed: 11, numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
  });
});
