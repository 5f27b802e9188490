import { isIP } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { addressToBytes, addressToText, isMapped } from '../../src/native/addresses.ts';

function toHex(text: string): string | null {
  const out = new Uint8Array(18).fill(0xee);
  if (!addressToBytes(text, out, 1)) return null;
  expect([out[0], out[17]], 'octets around the address').toEqual([0xee, 0xee]);
  return Buffer.from(out.subarray(1, 17)).toString('hex');
}

const MAPPED = '00000000000000000000ffff';

describe('addressToBytes', () => {
  it.each([
    { name: 'IPv4 is mapped', text: '192.0.2.33', want: `${MAPPED}c0000221` },
    { name: 'mapped IPv6 is the same', text: '::ffff:192.0.2.33', want: `${MAPPED}c0000221` },
    { name: 'zero', text: '::', want: '0'.repeat(32) },
    { name: 'one', text: '::1', want: '1'.padStart(32, '0') },
    { name: 'a gap at the end', text: '2001:db8::', want: '20010db8'.padEnd(32, '0') },
    { name: 'capitals', text: '2001:DB8::A', want: '20010db800000000000000000000000a' },
    {
      name: 'a gap of one group',
      text: '1:2:3:4:5:6:7::',
      want: '00010002000300040005000600070000',
    },
    { name: 'a part above 255', text: '1.2.3.256', want: null },
    { name: 'a leading zero', text: '1.2.3.04', want: null },
    { name: 'three parts', text: '1.2.3', want: null },
    { name: 'five parts', text: '1.2.3.4.5', want: null },
    { name: 'nothing', text: '', want: null },
    { name: 'a zone', text: 'fe80::1%eth0', want: null },
    { name: 'two gaps', text: '1::2::3', want: null },
    { name: 'three colons', text: ':::', want: null },
    { name: 'a gap in eight groups', text: '1:2:3:4::5:6:7:8', want: null },
    { name: 'nine groups', text: '1:2:3:4:5:6:7:8:9', want: null },
    { name: 'five digits', text: '12345::', want: null },
    { name: 'a colon at the end', text: '1:2:3:4:5:6:7:', want: null },
    { name: 'IPv4 in the middle', text: '::1.2.3.4:5', want: null },
    { name: 'IPv4 without room', text: '1:2:3:4:5:6:7:1.2.3.4', want: null },
  ])('reads what inet_pton reads, and nothing else: $name', ({ text, want }) => {
    expect(toHex(text)).toBe(want);
  });

  it('accepts exactly what Node calls an address without a zone', () => {
    const piece = fc.constantFrom(
      '0',
      '1',
      '25',
      '255',
      '256',
      'ffff',
      'a',
      ':',
      '::',
      '.',
      'g',
      '%',
    );
    const texts = fc.oneof(
      fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join('')),
      fc.ipV4(),
      fc.ipV6(),
    );
    let accepted = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const want = isIP(text) !== 0 && !text.includes('%');
        if (want) accepted++;
        expect(toHex(text) !== null).toBe(want);
      }),
      { seed: 4242, numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });
});

describe('addressToText', () => {
  it.each([
    { text: '0.0.0.0' },
    { text: '::' },
    { text: '::1' },
    { text: '1::' },
    { text: '1:0:0:2::3' },
    { text: '1:0:2:3:4:5:6:7' },
    { text: '2001:db8::1:0:0:1' },
    { text: 'fe80::ffff:ffff' },
  ])('prints RFC 5952: $text', ({ text }) => {
    const octets = new Uint8Array(16);
    addressToBytes(text, octets, 0);
    expect(addressToText(octets, 0)).toBe(text);
  });

  it('prints what ipaddr.js prints, and reads it back, for any 16 octets', () => {
    const octet = fc.oneof(fc.constant(0), fc.constant(255), fc.nat(255));
    fc.assert(
      fc.property(fc.array(octet, { minLength: 16, maxLength: 16 }), (octets) => {
        const bytes = Uint8Array.from(octets);
        const text = addressToText(bytes, 0);
        expect(Buffer.from(toHex(text) ?? '', 'hex')).toEqual(Buffer.from(bytes));
        if (isMapped(bytes, 0)) return;
        expect(text).toBe(new ipaddr.IPv6([...bytes]).toRFC5952String());
      }),
      { seed: 4243, numRuns: 1000 },
    );
  });
});
