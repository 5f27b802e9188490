/** DNS cookies (RFC 7873, RFC 9018) of a server that answers them and requires none. */

import assert from 'node:assert/strict';
import { headerOctets, type Message, optOctets } from '../support/message.ts';
import { A, COOKIE, NOERROR, RD, record, response } from '../support/records.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

const MINE = Buffer.from('8 octets');
const BADCOOKIE = 23;

function crumb(...cookies: readonly Uint8Array[]) {
  return { options: cookies.map((data) => ({ code: COOKIE, data })) };
}

function cookiesOf({ opt }: Message): Buffer[] {
  return (opt?.options ?? []).filter(({ code }) => code === COOKIE).map(({ data }) => data);
}

async function learn(subject: Subject): Promise<Buffer> {
  const got = await subject.ask({ name: subject.name('crumb'), edns: crumb(MINE) });
  const [cookie] = cookiesOf(got);
  assert.ok(cookie !== undefined, 'no cookie');
  return cookie;
}

function alone(cookie: Uint8Array): Buffer {
  return Buffer.concat([headerOctets(0, RD, [0, 0, 0, 1]), optOctets(crumb(cookie))]);
}

export const COOKIES: readonly Check[] = [
  {
    rfc: 'RFC 7873 5.2.3',
    rule: 'a client cookie is answered with itself and a server cookie, from the store too',
    async run(subject) {
      const name = subject.name('crumb');
      for (const from of ['upstream', 'store']) {
        const cookies = cookiesOf(await subject.ask({ name, edns: crumb(MINE) }));
        assert.equal(cookies.length, 1, from);
        assert.deepEqual(cookies[0]?.subarray(0, 8), MINE, from);
        const size = cookies[0]?.length ?? 0;
        assert.ok(size >= 16 && size <= 40, `${size} octets from the ${from}`);
      }
    },
  },
  {
    rfc: 'RFC 9018 4',
    rule: 'the server cookie has version 1, zero reserved octets and 16 octets in all',
    async run(subject) {
      const cookie = await learn(subject);
      assert.equal(cookie.length, 24);
      assert.deepEqual(cookie.subarray(8, 12), Buffer.from([1, 0, 0, 0]));
    },
  },
  {
    rfc: 'RFC 7873 5.2.5',
    rule: 'a valid server cookie is taken, and answered with a cookie',
    async run(subject) {
      const cookie = await learn(subject);
      const got = await subject.ask({ name: subject.name('crumb'), edns: crumb(cookie) });
      assert.deepEqual([got.rcode, got.answers.length], [NOERROR, 1]);
      assert.equal(cookiesOf(got).length, 1);
    },
  },
  {
    rfc: 'RFC 7873 5.2.4',
    rule: 'a wrong server cookie does not keep the answer away, and gets a right one',
    async run(subject) {
      const edns = crumb(Buffer.concat([MINE, Buffer.alloc(16, 3)]));
      const got = await subject.ask({ name: subject.name('crumb'), edns });
      assert.deepEqual([got.rcode, got.answers.length], [NOERROR, 1]);
      const [cookie] = cookiesOf(got);
      assert.deepEqual(cookie?.subarray(0, 8), MINE);
      assert.notDeepEqual(cookie?.subarray(8), Buffer.alloc(16, 3));
    },
  },
  {
    rfc: 'RFC 7873 5.2',
    rule: 'of two cookies the first counts',
    async run(subject) {
      const edns = crumb(MINE, Buffer.alloc(8, 9));
      const cookies = cookiesOf(await subject.ask({ name: subject.name('crumb'), edns }));
      assert.deepEqual(
        cookies.map((cookie) => cookie.subarray(0, 8)),
        [MINE],
      );
    },
  },
  {
    rfc: 'RFC 7873 5.1',
    rule: 'no cookie in the query, none in the response',
    async run(subject) {
      const got = await subject.ask({ name: subject.name('crumb'), edns: {} });
      assert.deepEqual(cookiesOf(got), []);
    },
  },
  {
    rfc: 'RFC 7873 5.4',
    rule: 'a cookie without a question gets NOERROR and a server cookie',
    async run(subject) {
      const got = await subject.send(alone(MINE));
      assert.deepEqual([got.rcode, got.question.length, got.answers.length], [NOERROR, 0, 0]);
      assert.deepEqual(cookiesOf(got)[0]?.subarray(0, 8), MINE);
    },
  },
  {
    rfc: 'RFC 7873 5.4',
    rule: 'a wrong server cookie without a question gets BADCOOKIE',
    async run(subject) {
      const got = await subject.send(alone(Buffer.concat([MINE, Buffer.alloc(16, 3)])));
      assert.equal(got.rcode, BADCOOKIE);
    },
  },
  {
    rfc: 'RFC 7873 5.2',
    rule: 'a cookie does not make a response longer than 512 octets for who takes no more',
    over: 'udp',
    async run(subject) {
      for (let count = 24; count < 32; count++) {
        const name = subject.name('crumb', (asked) => {
          const answers = Array.from({ length: count }, (_, i) =>
            record(Buffer.from([0xc0, 12]), A, Buffer.from([8, 8, 8, i])),
          );
          asked.reply(response(asked, { answers }));
        });
        const got = await subject.ask({ name, edns: { ...crumb(MINE), size: 512 } });
        assert.ok(got.octets.length <= 512, `${got.octets.length} octets`);
      }
    },
  },
];
