/** Mnemonics and names for people: numbers by IANA's order, and every octet there and back. */

import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import {
  labelToText,
  nameLabels,
  nameToText,
  nameToWire,
  rcodeToText,
  typeFromText,
  typeToText,
} from '../../src/wire/text.ts';

/** It has no types of its own. */
const dnsPacketTypes = createRequire(import.meta.url)('dns-packet/types') as {
  toString(type: number): string;
};

/** IANA "Resource Record (RR) TYPEs" in their order, from the number of the first on. */
const RUNS: readonly (readonly [number, string])[] = [
  [1, 'A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT'],
  [22, 'NSAP NSAP-PTR SIG KEY PX GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME'],
  [40, 'SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA'],
  [55, 'HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS DSYNC'],
  [99, 'SPF'],
  [104, 'NID L32 L64 LP EUI48 EUI64'],
  [249, 'TKEY TSIG IXFR AXFR MAILB MAILA ANY URI CAA AVC DOA AMTRELAY RESINFO WALLET'],
  [32768, 'TA DLV'],
];
const NUMBERED = RUNS.flatMap(([first, text]) =>
  text.split(' ').map((name, i) => [name, first + i] as const),
);

describe('types', () => {
  it.each(NUMBERED)('%s is %i', (name, number) => {
    expect(typeToText(number)).toBe(name);
    expect(typeFromText(name)).toBe(number);
    expect(typeFromText(name.toLowerCase())).toBe(number);
    expect(typeFromText(`TYPE${number}`)).toBe(number);
  });

  it('dns-packet says the same of those that it knows', () => {
    let compared = 0;
    for (let number = 0; number < 300; number++) {
      const theirs = dnsPacketTypes.toString(number);
      if (theirs.startsWith('UNKNOWN')) continue;
      compared++;
      expect(typeToText(number)).toBe(theirs);
    }
    expect(compared).toBeGreaterThan(40);
  });

  it('a number without a mnemonic has the form of RFC 3597', () => {
    const known = new Set<number>(NUMBERED.map(([, number]) => number));
    for (let number = 0; number <= 65535; number++) {
      if (!known.has(number)) expect(typeToText(number)).toBe(`TYPE${number}`);
    }
  });

  it.each(['', 'TYPE', 'TYPE65536', 'TYPE999999', 'TYPE-1', 'TYPE1x', 'XTYPE1', 'B', '1'])(
    '%j is none',
    (text) => expect(typeFromText(text)).toBeNull(),
  );

  it('the ends of the range are types', () => {
    expect([typeFromText('TYPE0'), typeFromText('type65535')]).toEqual([0, 65535]);
  });
});

describe('rcodes', () => {
  const NAMES = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH';
  it('have their names of RFC 6895, and a number beyond', () => {
    for (const [rcode, name] of `${NAMES} NOTZONE`.split(' ').entries()) {
      expect(rcodeToText(rcode)).toBe(name);
    }
    expect([11, 15, 16, 17].map(rcodeToText)).toEqual(['RCODE11', 'RCODE15', 'BADVERS', 'RCODE17']);
  });
});

describe('names', () => {
  it('every octet of a label survives being text, which is printable ASCII', () => {
    for (let octet = 0; octet < 256; octet++) {
      const wire = Uint8Array.of(3, 97, octet, 98, 2, octet, octet, 0);
      const text = nameToText(wire);
      expect(text).toMatch(/^[!-~]+$/);
      expect(nameToWire(text)).toEqual(wire);
      expect(nameLabels(wire)).toEqual([
        labelToText(wire.subarray(1, 4)),
        labelToText(wire.subarray(5, 7)),
      ]);
      const isPlain = /[A-Za-z0-9_-]/.test(String.fromCharCode(octet));
      if (isPlain)
        expect(text).toBe(
          `a${String.fromCharCode(octet)}b.${String.fromCharCode(octet).repeat(2)}`,
        );
    }
  });

  it('the root is a dot, and a name may begin within other octets', () => {
    expect(nameToText(Uint8Array.of(0))).toBe('.');
    expect(nameToText(Uint8Array.of(9, 9, 1, 97, 0), 2)).toBe('a');
    expect(nameLabels(Uint8Array.of(9, 1, 97, 1, 98, 0), 1)).toEqual(['a', 'b']);
    expect(nameToWire('.')).toEqual(Uint8Array.of(0));
  });
});
