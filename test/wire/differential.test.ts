/** A second decoder must read the same from every valid message. */

import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Query } from '../../src/query.ts';
import { expandName, WireName } from '../../src/wire/name.ts';
import { PARSE_OK, parse } from '../../src/wire/parse.ts';
import { RecordPlace, readRecord } from '../../src/wire/records.ts';
import { nameToText, typeToText } from '../../src/wire/text.ts';

/** Letters, digits and hyphens only: dns-packet tells no dot in a label from one between two. */
const label = fc.stringMatching(/^[A-Za-z0-9-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
const types = ['A', 'AAAA', 'TXT', 'MX', 'SOA', 'SRV', 'CAA', 'NAPTR'] as const;

function parsed(octets: Uint8Array): Query {
  const query = new Query();
  query.octets = octets;
  query.end = octets.length;
  expect(parse(query)).toBe(PARSE_OK);
  return query;
}

describe('queries', () => {
  it('read as dns-packet wrote them', () => {
    let edns = 0;
    fc.assert(
      fc.property(
        name,
        fc.constantFrom(...types),
        fc.nat(0xffff),
        fc.option(fc.integer({ min: 512, max: 1232 })),
        fc.boolean(),
        (qname, type, id, size, isDo) => {
          const additionals: dnsPacket.OptAnswer[] =
            size === null
              ? []
              : [
                  {
                    type: 'OPT',
                    name: '.',
                    udpPayloadSize: size,
                    flags: isDo ? dnsPacket.DNSSEC_OK : 0,
                    extendedRcode: 0,
                    ednsVersion: 0,
                    flag_do: isDo,
                    options: [{ code: 'PADDING', length: 5 }],
                  } as unknown as dnsPacket.OptAnswer,
                ];
          const octets = dnsPacket.encode({
            type: 'query',
            id,
            flags: dnsPacket.RECURSION_DESIRED,
            questions: [{ type, name: qname }],
            additionals,
          });
          const query = parsed(octets);
          if (size !== null) edns++;
          expect(nameToText(query.name.octets)).toBe(qname.toLowerCase());
          expect(typeToText(query.qtype)).toBe(type);
          expect([query.id, query.flags, query.qclass]).toEqual([id, 0x0100, 1]);
          expect(query.hasEdns).toBe(size === null ? 0 : 1);
          expect(query.udpSize).toBe(size ?? 512);
          expect(query.dnssecOk).toBe(size !== null && isDo ? 1 : 0);
        },
      ),
      { numRuns: 2000, seed: 11 },
    );
    expect(edns).toBeGreaterThan(500);
  });
});

describe('records', () => {
  it('are where dns-packet sees them, with its owners, types and TTLs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.nat(0x7fffffff), fc.constantFrom('A', 'CNAME', 'TXT', 'MX')), {
          minLength: 1,
          maxLength: 8,
        }),
        (rows) => {
          const answers = rows.map(([owner, ttl, type]): dnsPacket.Answer => {
            if (type === 'A') return { type, name: owner, ttl, data: '192.0.2.1' };
            if (type === 'CNAME') return { type, name: owner, ttl, data: 'x.example' };
            if (type === 'TXT') return { type, name: owner, ttl, data: 'text' };
            return { type: 'MX', name: owner, ttl, data: { preference: 5, exchange: 'm.example' } };
          });
          const octets = dnsPacket.encode({
            type: 'response',
            id: 1,
            flags: 0,
            questions: [],
            answers,
          });
          const place = new RecordPlace();
          const owner = new WireName();
          const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
          let at = 12;
          for (const [text, ttl, type] of rows) {
            expect(expandName(octets, 0, at, octets.length, owner)).not.toBe(-1);
            at = readRecord(octets, at, octets.length, place);
            expect(nameToText(owner.octets)).toBe(text.toLowerCase());
            expect(typeToText(place.type)).toBe(type);
            expect(view.getUint32(place.ttlAt)).toBe(ttl);
          }
          expect(at).toBe(octets.length);
        },
      ),
      { numRuns: 1000, seed: 12 },
    );
  });
});
