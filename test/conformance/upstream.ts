/** Towards the upstream: what leaves, what is accepted, and what trouble there costs. */

import assert from 'node:assert/strict';
import { openClient } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';
import {
  AA,
  addresses,
  NOERROR,
  QR,
  RA,
  RD,
  response,
  SERVFAIL,
  TC,
  text,
  Z,
} from '../support/records.ts';
import type { Asked } from '../upstream/fake-server.ts';
import { FORGED_RDATA, MALFORMED, MISMATCHES, type Trick } from '../upstream/tricks.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

const SAMPLES = 100;

async function sample(subject: Subject): Promise<readonly Asked[]> {
  return subject.reaching(async () => {
    for (let i = 0; i < SAMPLES; i++) await subject.ask({ name: subject.name('sample') });
  });
}

const leaving: Check[] = [
  {
    rfc: 'RFC 5452 9.2',
    rule: 'ids towards the upstream cannot be foretold',
    async run(subject) {
      const ids = (await sample(subject)).map(({ id }) => id);
      assert.ok(new Set(ids).size > SAMPLES * 0.95, 'ids come again');
      const steps = new Set(ids.map((id, i) => (id - (ids[i - 1] ?? 0)) & 0xffff));
      assert.ok(steps.size > SAMPLES * 0.9, 'ids follow a rule');
    },
  },
  {
    rfc: 'RFC 5452 9.2',
    rule: 'the id of the client is not used upstream',
    async run(subject) {
      const client = await openClientOf(subject);
      let same = 0;
      for (let i = 0; i < 20; i++) {
        const name = subject.name('own');
        await client.exchange(buildQuery({ name }));
        const own = client.order.at(-1);
        if (subject.asked(name).some(({ id }) => id === own)) same++;
      }
      assert.ok(same < 3, `${same} of 20 ids were those of the client`);
    },
  },
  {
    rfc: 'RFC 6056 3.3',
    rule: 'ports towards the upstream are many',
    async run(subject) {
      const ports = new Set((await sample(subject)).map(({ sourcePort }) => sourcePort));
      assert.ok(ports.size > 8, `${ports.size} ports for ${SAMPLES} queries`);
    },
  },
  {
    rfc: 'RFC 1035 4.1.1',
    rule: 'what leaves has RD and no other bit of the client',
    async run(subject) {
      const name = subject.name('bits');
      await subject.ask({ name, flags: RD | AA | TC | RA | Z });
      for (const { message } of subject.asked(name)) {
        assert.equal(message.readUInt16BE(2) & (QR | AA | TC | RA | Z | 15), 0);
      }
    },
  },
  {
    rfc: 'RFC 5452 9.3',
    rule: 'the case pattern of the client does not leave',
    async run(subject) {
      const name = `AlTeRnAtInGcAsEoFaLoNgLaBeL.${subject.name('case')}`;
      await subject.ask({ name });
      for (const asked of subject.asked(name)) assert.notEqual(asked.name, name);
    },
  },
  {
    rfc: 'RFC 9715 3.2',
    rule: 'the size that is told to the upstream is no more than 1,472',
    async run(subject) {
      const name = subject.name('size');
      await subject.ask({ name, edns: { size: 65_535 } });
      for (const { message, question } of subject.asked(name)) {
        if (message.readUInt16BE(10) === 0) continue;
        const size = message.readUInt16BE(12 + question.length + 3);
        assert.ok(size <= 1472, `size ${size}`);
      }
    },
  },
  {
    rfc: 'RFC 5452 5',
    rule: 'sixty clients with one question make at most two queries, and all are answered',
    async run(subject) {
      const held: Asked[] = [];
      const name = subject.name('birthday', (asked) => {
        held.push(asked);
        // All have asked by the time that two turns of the event loop went by.
        setImmediate(() => setImmediate(() => asked.reply(addresses(asked, 1))));
      });
      const clients = await Promise.all(Array.from({ length: 60 }, () => openClientOf(subject)));
      const all = await Promise.all(clients.map((client) => client.exchange(buildQuery({ name }))));
      for (const client of clients) client.close();
      assert.ok(!all.includes(null), 'not all were answered');
      assert.ok(held.length <= 2, `${held.length} queries`);
    },
  },
];

function openClientOf(subject: Subject): ReturnType<Subject['client']> {
  return openClient(subject.transport, subject.endpoint, subject.from);
}

/** First the trick, then the honest answer: the trick is never believed. */
function never(rfc: string, { rule, forge }: Trick): Check {
  return {
    rfc,
    rule: `${rule} is never believed`,
    async run(subject) {
      const name = subject.name('forged', (asked) => {
        asked.reply(forge(asked));
        asked.reply(addresses(asked, 4));
      });
      const got = await subject.ask({ name, edns: {} });
      assert.ok(!got.answers.some(({ rdata }) => rdata === FORGED_RDATA), 'it was believed');
      const later = await subject.ask({ name, edns: {} });
      assert.ok(!later.answers.some(({ rdata }) => rdata === FORGED_RDATA), 'it was kept');
    },
  };
}

/** The honest answer that comes after it is used. */
function honest({ rule, forge }: Trick): Check {
  return {
    rfc: 'RFC 5452 9.1',
    rule: `after ${rule} the honest answer is still used`,
    async run(subject) {
      const name = subject.name('honest', (asked) => {
        asked.reply(forge(asked));
        asked.reply(addresses(asked, 4));
      });
      const got = await subject.ask({ name, edns: {} });
      assert.deepEqual([got.rcode, got.answers.length], [NOERROR, 1]);
      assert.equal(got.answers[0]?.rdata, '08080804');
    },
  };
}

const trouble: Check[] = [
  {
    rfc: 'RFC 7766 5',
    rule: 'a truncated answer is fetched anew over TCP',
    async run(subject) {
      const name = subject.name('cut', (asked) => {
        if (asked.connection === null) asked.reply(response(asked, { flags: QR | RD | RA | TC }));
        else asked.reply(addresses(asked, 1, 2, 3));
      });
      assert.equal((await subject.ask({ name, edns: {} })).answers.length, 3);
      assert.equal((await subject.ask({ name, edns: {} })).answers.length, 3);
    },
  },
  {
    rfc: 'RFC 6891 7',
    rule: 'an upstream that says FORMERR to EDNS is asked once more without',
    async run(subject) {
      const name = subject.name('noedns', (asked) => {
        if (asked.message.readUInt16BE(10) === 0) asked.reply(addresses(asked, 1));
        else asked.reply(response(asked, { rcode: 1 }));
      });
      assert.equal((await subject.ask({ name, edns: {} })).answers.length, 1);
    },
  },
  {
    rfc: 'RFC 7766 6.2.4',
    rule: 'an upstream that resets its TCP connection costs that query and no other',
    async run(subject) {
      const name = subject.name('reset', (asked) => {
        if (asked.connection === null) asked.reply(response(asked, { flags: QR | RD | RA | TC }));
        else asked.connection.resetAndDestroy();
      });
      const got = await subject.ask({ name, edns: {} });
      assert.ok(got.rcode === SERVFAIL || (got.flags & TC) !== 0, `rcode ${got.rcode}`);
      assert.equal((await subject.ask({ name: subject.name('calm') })).answers.length, 1);
    },
  },
  {
    rfc: 'RFC 2308 7.1',
    rule: 'SERVFAIL of the upstream is SERVFAIL for the client',
    async run(subject) {
      const name = subject.name('fails', (asked) =>
        asked.reply(response(asked, { rcode: SERVFAIL })),
      );
      assert.equal((await subject.ask({ name })).rcode, SERVFAIL);
    },
  },
  {
    rfc: 'RFC 2308 7.2',
    rule: 'a silent name does not keep others from being answered',
    async run(subject) {
      const client = await openClientOf(subject);
      const silent = client.exchange(buildQuery({ name: subject.name('mute', () => undefined) }));
      for (let i = 0; i < 5; i++) {
        assert.equal((await subject.ask({ name: subject.name('others') })).answers.length, 1);
      }
      client.close();
      await silent;
    },
  },
  {
    rfc: 'RFC 8914 4.23',
    rule: 'SERVFAIL for want of an upstream says why, by an extended error',
    async run(subject) {
      const name = subject.name('why', () => undefined);
      const got = await subject.ask({ name, edns: {} });
      assert.equal(got.rcode, SERVFAIL);
      assert.ok([22, 23, 9].includes(got.ede ?? -1), `EDE ${got.ede}`);
    },
  },
  {
    rfc: 'RFC 1035 4.2.1',
    rule: 'an answer of 1,200 octets comes over UDP where it was asked for',
    over: 'udp',
    async run(subject) {
      const name = subject.name('large', (asked) =>
        asked.reply(response(asked, { answers: [text(250), text(250), text(250), text(250)] })),
      );
      const got = await subject.ask({ name, type: 'TXT', edns: { size: 1232 } });
      assert.deepEqual([got.answers.length, got.flags & TC], [4, 0]);
    },
  },
];

export const UPSTREAM: readonly Check[] = [
  ...leaving,
  ...MISMATCHES.map((trick) => never('RFC 5452 9.1', trick)),
  ...MISMATCHES.map(honest),
  ...MALFORMED.map((trick) => never('RFC 9267', trick)),
  ...trouble,
];
