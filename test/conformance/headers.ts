/** The header and the question: what is copied, what is ignored, what is set. */

import assert from 'node:assert/strict';
import { buildQuery, headerOctets, questionOctets } from '../support/message.ts';
import {
  AA,
  AD,
  address,
  CD,
  NOERROR,
  NXDOMAIN,
  QR,
  RA,
  RD,
  response,
  soa,
  TC,
  Z,
} from '../support/records.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

/** Flags of the query, the bits looked at in the response, what they have to be. */
const BITS: readonly (readonly [string, string, number, number, number])[] = [
  ['RFC 1035 4.1.1', 'QR is set in a response', RD, QR, QR],
  ['RFC 1035 4.1.1', 'RD is copied when set', RD, RD, RD],
  ['RFC 1035 4.1.1', 'RD is copied when clear', 0, RD, 0],
  ['RFC 1035 4.1.1', 'RA is set: recursion is available', RD, RA, RA],
  ['RFC 1035 4.1.1', 'AA is clear in what was forwarded', RD, AA, 0],
  ['RFC 4035 3.2.2', 'CD is copied when set', RD | CD, CD, CD],
  ['RFC 4035 3.2.2', 'CD is copied when clear', RD, CD, 0],
  ['RFC 1035 4.1.1', 'Z in a query is zero in the response', RD | Z, Z, 0],
  ['RFC 1035 4.1.1', 'AA in a query is ignored', RD | AA, AA, 0],
  ['RFC 1035 4.1.1', 'TC in a query is ignored', RD | TC, TC, 0],
  ['RFC 1035 4.1.1', 'RA in a query is ignored', RD | RA, RA, RA],
  ['RFC 6840 5.7', 'AD in a query does not make an answer authentic', RD | AD, AD, 0],
  ['RFC 1035 4.1.1', 'an rcode in a query is ignored', RD | 7, 15, NOERROR],
  ['RFC 1035 4.1.1', 'the opcode is copied', RD, 0x7800, 0],
];

const bits: Check[] = BITS.map(([rfc, rule, flags, mask, wanted]) => ({
  rfc,
  rule,
  async run(subject) {
    const name = subject.name('bits');
    for (const from of ['upstream', 'store']) {
      const got = await subject.ask({ name, flags });
      if (flags & RD) assert.equal(got.rcode, NOERROR, from);
      assert.equal(got.flags & mask, wanted, from);
    }
  },
}));

async function questionIsEchoed(subject: Subject, name: string): Promise<void> {
  const got = await subject.ask({ name });
  assert.equal(got.octets.readUInt16BE(4), 1);
  assert.deepEqual(got.question, questionOctets({ name }));
}

const echoes: Check[] = [
  {
    rfc: 'RFC 1034 3.7.1',
    rule: 'the question is echoed octet for octet, case and all',
    run: (subject) => questionIsEchoed(subject, subject.name('MiXeDcAsE')),
  },
  {
    rfc: 'RFC 1034 3.7.1',
    rule: 'the question is echoed in its case from the store, too',
    async run(subject) {
      const name = subject.name('case');
      await subject.ask({ name });
      await questionIsEchoed(subject, name.toUpperCase());
    },
  },
  {
    rfc: 'RFC 1034 3.7.1',
    rule: 'the question is echoed with NXDOMAIN',
    async run(subject) {
      const name = subject.name('NoNe', (asked) =>
        asked.reply(response(asked, { rcode: NXDOMAIN, authorities: [soa(60, 60)] })),
      );
      await questionIsEchoed(subject, name);
    },
  },
  ...[0, 1, 0x7fff, 0xffff].map((id) => ({
    rfc: 'RFC 1035 4.1.1',
    rule: `id ${id} is copied`,
    async run(subject: Subject) {
      const client = await subject.client();
      const response = client.expect(id);
      client.send(buildQuery({ name: subject.name('id'), id }));
      assert.ok((await response) !== null, 'no response with that id');
    },
  })),
];

const silence: Check[] = [
  {
    rfc: 'RFC 9267 2',
    rule: 'a message that is a response is never answered',
    async run(subject) {
      const one = buildQuery({ name: subject.name('qr'), id: 7, flags: QR | RD });
      assert.deepEqual(await subject.unanswered([one, one, one]), []);
    },
  },
  {
    rfc: 'RFC 9267 2',
    rule: 'a response with another opcode is never answered',
    async run(subject) {
      const one = buildQuery({ name: subject.name('qr'), id: 7, flags: QR | (4 << 11) });
      assert.deepEqual(await subject.unanswered([one]), []);
    },
  },
  {
    rfc: 'RFC 8906 3.2',
    rule: 'less than a header is not answered',
    over: 'udp',
    async run(subject) {
      const header = headerOctets(7, RD, [1, 0, 0, 0]);
      const cut = [1, 2, 5, 11].map((size) => header.subarray(0, size));
      assert.deepEqual(await subject.unanswered(cut), []);
    },
  },
  {
    rfc: 'RFC 5452 9.1',
    rule: 'the same question twice gets two responses, one for each id',
    async run(subject) {
      const name = subject.name('twice');
      const both = await Promise.all([subject.ask({ name }), subject.ask({ name })]);
      assert.deepEqual(
        both.map(({ answers }) => answers.length),
        [1, 1],
      );
      assert.notEqual(both[0].id, both[1].id);
    },
  },
  {
    rfc: 'RFC 1035 4.1.1',
    rule: 'TC is clear in what fits',
    async run(subject) {
      const name = subject.name('fits', (asked) =>
        asked.reply(response(asked, { answers: [address(1), address(2)] })),
      );
      assert.equal((await subject.ask({ name })).flags & TC, 0);
    },
  },
];

export const HEADERS: readonly Check[] = [...bits, ...echoes, ...silence];
