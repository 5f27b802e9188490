/** Records by their type's layout: what is well formed, and what becomes of names in RDATA. */

import { describe, expect, it } from 'vitest';
import { copyExpanded, isValidRdata, RecordPlace, readRecord } from '../../src/wire/records.ts';
import { record, u16, wire } from '../support/records.ts';

/** Octets before the names, names, octets after them; null: any number of octets may follow. */
const LAYOUTS: readonly (readonly [string, number, number, number, number | null])[] = [
  ['NS', 2, 0, 1, 0],
  ['MD', 3, 0, 1, 0],
  ['MF', 4, 0, 1, 0],
  ['CNAME', 5, 0, 1, 0],
  ['SOA', 6, 0, 2, 20],
  ['MB', 7, 0, 1, 0],
  ['MG', 8, 0, 1, 0],
  ['MR', 9, 0, 1, 0],
  ['PTR', 12, 0, 1, 0],
  ['MINFO', 14, 0, 2, 0],
  ['MX', 15, 2, 1, 0],
  ['RP', 17, 0, 2, 0],
  ['AFSDB', 18, 2, 1, 0],
  ['RT', 21, 2, 1, 0],
  ['SIG', 24, 18, 1, null],
  ['PX', 26, 2, 2, 0],
  ['NXT', 30, 0, 1, null],
  ['SRV', 33, 6, 1, 0],
  ['KX', 36, 2, 1, 0],
  ['DNAME', 39, 0, 1, 0],
  ['RRSIG', 46, 18, 1, null],
  ['NSEC', 47, 0, 1, null],
  ['SVCB', 64, 2, 1, null],
  ['HTTPS', 65, 2, 1, null],
];
const OPAQUE = [0, 10, 11, 13, 16, 19, 23, 25, 27, 34, 37, 43, 48, 52, 63, 66, 99, 250, 65280];

const START = 3;
const HEADER = Buffer.alloc(12);
/** Behind the header stands the question's name, where pointers lead. */
const QNAME = wire('www.example');
const POINTER = u16(0xc00c);

/** A message that begins at START, and its one record. */
function placed(type: number, rdata: Uint8Array): { octets: Buffer; place: RecordPlace } {
  const before = Buffer.concat([Buffer.alloc(START, 0xee), HEADER, QNAME]);
  const octets = Buffer.concat([before, record(POINTER, type, rdata)]);
  const place = new RecordPlace();
  expect(readRecord(octets, before.length, octets.length, place)).toBe(octets.length);
  return { octets, place };
}

function isValid(type: number, rdata: Uint8Array): boolean {
  const { octets, place } = placed(type, rdata);
  return isValidRdata(octets, START, place);
}

/** The RDATA that a copy has. */
function copied(type: number, rdata: Uint8Array): string {
  const { octets, place } = placed(type, rdata);
  const out = new Uint8Array(4096);
  const end = copyExpanded(octets, START, place, out, 5);
  const copy = new RecordPlace();
  expect(readRecord(out, 5, end, copy)).toBe(end);
  expect(Buffer.from(out.subarray(5, 5 + QNAME.length))).toEqual(QNAME);
  expect(copy.type).toBe(type);
  return Buffer.from(out.subarray(copy.rdata, copy.rdataEnd)).toString('hex');
}

const filled = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => 200 + i));

describe('RDATA with names', () => {
  it.each(LAYOUTS)(
    '%s: names end inside it and nothing is left over',
    (_, type, before, names, after) => {
      const target = (name: Buffer): Buffer =>
        Buffer.concat([
          filled(before),
          ...Array.from({ length: names }, () => name),
          filled(after ?? 5),
        ]);
      for (const name of [POINTER, wire('other.example'), wire('')]) {
        const rdata = target(name);
        expect(isValid(type, rdata), 'whole').toBe(true);
        expect(isValid(type, Buffer.concat([rdata, filled(1)])), 'an octet more').toBe(
          after === null,
        );
        const least = rdata.length - (after ?? 5);
        for (let length = 0; length < least; length++) {
          expect(isValid(type, rdata.subarray(0, length)), `cut to ${length}`).toBe(false);
        }
        if (after === null) expect(isValid(type, rdata.subarray(0, least))).toBe(true);
        else if (after > 0) expect(isValid(type, rdata.subarray(0, -1))).toBe(false);
      }
      expect(isValid(type, target(u16(0xc000 | 0x300))), 'a pointer forward').toBe(false);
      expect(copied(type, target(POINTER))).toBe(target(QNAME).toString('hex'));
    },
  );

  it('NAPTR: three texts, then one name and nothing more', () => {
    const texts = Buffer.from('\x01u\x03e2u\x04!x!y', 'latin1');
    const rdata = Buffer.concat([u16(1, 2), texts, POINTER]);
    expect(isValid(35, rdata)).toBe(true);
    expect(isValid(35, Buffer.concat([rdata, filled(1)]))).toBe(false);
    for (let length = 0; length < rdata.length; length++) {
      expect(isValid(35, rdata.subarray(0, length)), `cut to ${length}`).toBe(false);
    }
    const whole = Buffer.concat([u16(1, 2), texts, QNAME]);
    expect(copied(35, rdata)).toBe(whole.toString('hex'));
  });
});

describe('RDATA without names', () => {
  it('addresses have their size', () => {
    for (const [type, size] of [
      [1, 4],
      [28, 16],
    ] as const) {
      for (let length = 0; length < 20; length++) {
        expect(isValid(type, filled(length)), `${length} octets`).toBe(length === size);
      }
    }
  });

  it.each(OPAQUE)('TYPE%i is anything, and copied as it is', (type) => {
    for (const rdata of [filled(0), filled(1), Buffer.concat([POINTER, filled(30)])]) {
      expect(isValid(type, rdata)).toBe(true);
      expect(copied(type, rdata)).toBe(rdata.toString('hex'));
    }
  });
});

describe('a record', () => {
  const whole = record(QNAME, 16, filled(7));

  it('is not read when it ends early', () => {
    const place = new RecordPlace();
    for (let end = 0; end < whole.length; end++) {
      expect(readRecord(whole, 0, end, place), `${end} octets`).toBe(-1);
    }
    expect(readRecord(whole, 0, whole.length, place)).toBe(whole.length);
    expect([place.owner, place.type, place.ttlAt]).toEqual([0, 16, QNAME.length + 4]);
    expect([place.rdata, place.rdataEnd]).toEqual([QNAME.length + 10, whole.length]);
  });

  it('is not copied where there might be no room for its names', () => {
    const { octets, place } = placed(15, Buffer.concat([u16(5), POINTER]));
    const room = 4 + 4 * 256;
    expect(copyExpanded(octets, START, place, new Uint8Array(room), 0)).toBeGreaterThan(0);
    expect(copyExpanded(octets, START, place, new Uint8Array(room - 1), 0)).toBe(-1);
  });
});
