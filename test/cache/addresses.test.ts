import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { isInternalIpv4, isInternalIpv6 } from '../../src/cache/addresses.ts';
import { addressToBytes } from '../../src/native/addresses.ts';

function isInternal(text: string): boolean {
  const octets = new Uint8Array(16);
  addressToBytes(text, octets, 0);
  return isInternalIpv6(octets, 0);
}

const INTERNAL = `
  0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
  169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255
  192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 168.63.129.16 240.0.0.0 255.255.255.255
  :: ::1 fc00:: fd00:ec2::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 feff::1
  ::10.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:10.0.0.1
  64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:ffff::8.8.8.8
  2002:a00:1::1 2002:7f00:1:: 2002:c0a8:101::
  2001:0:808:808:0:0:f5ff:fffe 2001::5601:5601
`;

const PUBLIC = `
  1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
  169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.2.1
  192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 168.63.129.15 168.63.129.17 239.255.255.255
  2000::1 2001:db8::1 2606:4700::1111 fbff::1 fe00::1 fe7f::1 ff02::1
  ::ffff:8.8.8.8 ::8.8.8.8 64:ff9b::8.8.8.8 64:ff9c::10.0.0.1 2002:808:808:: 2001:0:808:808:0:0:f7f7:f7f7
  2001:1::f5ff:fffe 1::10.0.0.1 ::1:ffff:10.0.0.1
`;

describe('addresses that a public name must not have', () => {
  for (const text of INTERNAL.trim().split(/\s+/)) {
    it(`${text} is internal`, () => expect(isInternal(text)).toBe(true));
  }
  for (const text of PUBLIC.trim().split(/\s+/)) {
    it(`${text} is not`, () => expect(isInternal(text)).toBe(false));
  }

  it('what ipaddr.js calls private, loopback, link-local, shared or unspecified is internal', () => {
    const ranges = new Set(['private', 'loopback', 'linkLocal', 'carrierGradeNat', 'unspecified']);
    let found = 0;
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom(0, 10, 100, 127, 169, 172, 192), (text, first) => {
        for (const address of [text, text.replace(/^\d+/, String(first))]) {
          const octets = ipaddr.IPv4.parse(address).toByteArray();
          if (!ranges.has(ipaddr.IPv4.parse(address).range())) continue;
          found++;
          expect(isInternalIpv4(Buffer.from(octets).readUInt32BE())).toBe(true);
        }
      }),
      { numRuns: 20_000, seed: 5 },
    );
    expect(found).toBeGreaterThan(1000);
  });

  it('every IPv4 address means the same in each form that carries it', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (value) => {
        const octets = new Uint8Array(16);
        const view = new DataView(octets.buffer);
        const want = isInternalIpv4(value);
        const check = (write: () => void): void => {
          octets.fill(0);
          write();
          expect(isInternalIpv6(octets, 0)).toBe(want);
        };
        const put = (at: number, word: number): void => view.setUint32(at, word >>> 0);
        check(() => [put(8, 0xffff), put(12, value)]);
        check(() => [put(8, 0xffff0000), put(12, value)]);
        check(() => put(12, value));
        check(() => [put(0, 0x64ff9b), put(12, value)]);
        check(() => [view.setUint16(0, 0x2002), put(2, value)]);
        check(() => [put(0, 0x20010000), put(12, ~value)]);
      }),
      { numRuns: 20_000, seed: 6 },
    );
  });
});
