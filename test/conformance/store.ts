/** What is kept, for how long, and what is never kept. */

import assert from 'node:assert/strict';
import {
  A,
  AAAA,
  address,
  addresses,
  CNAME,
  NOERROR,
  NXDOMAIN,
  QNAME,
  record,
  response,
  SERVFAIL,
  soa,
  wire,
} from '../support/records.ts';
import { until } from '../support/until.ts';
import type { Handler } from '../upstream/fake-server.ts';
import type { Check } from './check.ts';
import type { Subject } from './subject.ts';

const WEEK = 604_800;

/** Asks `times` times and counts what reached the upstream for it. */
async function fetches(subject: Subject, name: string, type = 'A', times = 3): Promise<number> {
  const before = subject.asked(name).length;
  for (let i = 0; i < times; i++) await subject.ask({ name, type });
  return subject.asked(name).length - before;
}

const missing = (ttl: number, minimum: number): Handler => {
  return (asked) =>
    asked.reply(response(asked, { rcode: NXDOMAIN, authorities: [soa(ttl, minimum)] }));
};

const nodata = (ttl: number, minimum: number): Handler => {
  return (asked) => asked.reply(response(asked, { authorities: [soa(ttl, minimum)] }));
};

async function ttlOf(subject: Subject, script: Handler): Promise<number> {
  const got = await subject.ask({ name: subject.name('ttl', script) });
  return got.answers[0]?.ttl ?? Number.NaN;
}

const positive: Check[] = [
  {
    rfc: 'RFC 1034 5.3.3',
    rule: 'a known answer is not asked for again',
    async run(subject) {
      assert.equal(await fetches(subject, subject.name('kept')), 1);
    },
  },
  {
    rfc: 'RFC 1035 3.2.1',
    rule: 'TTLs count down while the answer is kept',
    async run(subject) {
      const name = subject.name('counts', (asked) =>
        asked.reply(response(asked, { answers: [address(1, 100)] })),
      );
      await subject.ask({ name });
      await until('the TTL counts down', async () => {
        const ttl = (await subject.ask({ name })).answers[0]?.ttl ?? 100;
        return ttl < 100 && ttl > 80 ? true : null;
      });
      assert.equal(subject.asked(name).length, 1);
    },
  },
  {
    rfc: 'RFC 1035 3.2.1',
    rule: 'what has expired is asked for again',
    async run(subject) {
      const name = subject.name('expires', (asked) =>
        asked.reply(response(asked, { answers: [address(1, 1)] })),
      );
      await subject.ask({ name });
      await until('it is asked for again', async () => {
        await subject.ask({ name });
        return subject.asked(name).length > 1 ? true : null;
      });
    },
  },
  {
    rfc: 'RFC 1035 3.2.1',
    rule: 'a TTL of 0 is not kept',
    async run(subject) {
      const name = subject.name('zero', (asked) =>
        asked.reply(response(asked, { answers: [address(1, 0)] })),
      );
      assert.equal(await fetches(subject, name), 3);
    },
  },
  {
    rfc: 'RFC 8767 4',
    rule: 'a TTL beyond a week is capped',
    async run(subject) {
      const ttl = await ttlOf(subject, (asked) =>
        asked.reply(response(asked, { answers: [address(1, 0x7fffffff)] })),
      );
      assert.ok(ttl > 0 && ttl <= WEEK, `TTL ${ttl}`);
    },
  },
  {
    rfc: 'RFC 2181 8',
    rule: 'a TTL with its most significant bit set is none of 68 years',
    async run(subject) {
      const ttl = await ttlOf(subject, (asked) =>
        asked.reply(response(asked, { answers: [address(1, 0xffffffff)] })),
      );
      assert.ok(ttl >= 0 && ttl <= WEEK, `TTL ${ttl}`);
    },
  },
  {
    rfc: 'RFC 2181 5.2',
    rule: 'the records of a set leave the store with one TTL, the lowest',
    async run(subject) {
      const name = subject.name('lowest', (asked) =>
        asked.reply(response(asked, { answers: [address(1, 300), address(2, 60)] })),
      );
      await subject.ask({ name });
      for (const { ttl } of (await subject.ask({ name })).answers)
        assert.ok(ttl <= 60, `TTL ${ttl}`);
    },
  },
  {
    rfc: 'RFC 7766 5',
    rule: 'UDP and TCP are served from one store',
    async run(subject) {
      const name = subject.name('shared');
      await subject.ask({ name });
      assert.equal((await subject.overOther({ name })).answers.length, 1);
      assert.equal(subject.asked(name).length, 1);
    },
  },
  {
    rfc: 'RFC 7766 6.2.1',
    rule: 'UDP and TCP give the same answer',
    async run(subject) {
      const name = subject.name('agree', (asked) => asked.reply(addresses(asked, 3, 1, 2)));
      const own = await subject.ask({ name });
      const other = await subject.overOther({ name });
      const sorted = (got: typeof own): string[] =>
        got.answers.map(({ rdata }) => rdata).toSorted();
      assert.deepEqual(sorted(other), sorted(own));
      assert.equal(other.rcode, own.rcode);
    },
  },
];

const negative: Check[] = [
  {
    rfc: 'RFC 2308 5',
    rule: 'NXDOMAIN is kept',
    async run(subject) {
      assert.equal(await fetches(subject, subject.name('none', missing(60, 60))), 1);
    },
  },
  {
    rfc: 'RFC 2308 5',
    rule: 'NXDOMAIN holds for every type',
    async run(subject) {
      const name = subject.name('none', missing(60, 60));
      await subject.ask({ name });
      assert.equal((await subject.ask({ name, type: 'TXT' })).rcode, NXDOMAIN);
      assert.equal(subject.asked(name).length, 1);
    },
  },
  {
    rfc: 'RFC 8020 2',
    rule: 'nothing is asked below a name that does not exist',
    async run(subject) {
      const name = subject.name('cut', missing(60, 60));
      await subject.ask({ name });
      assert.equal((await subject.ask({ name: `below.${name}` })).rcode, NXDOMAIN);
      assert.equal(subject.asked(`below.${name}`).length, 0);
    },
  },
  {
    rfc: 'RFC 2308 5',
    rule: 'NODATA is kept for its type',
    async run(subject) {
      assert.equal(await fetches(subject, subject.name('nodata', nodata(60, 60))), 1);
    },
  },
  {
    rfc: 'RFC 2308 5',
    rule: 'NODATA says nothing about another type',
    async run(subject) {
      const name = subject.name('nodata', (asked) => {
        const isV6 = asked.question.readUInt16BE(asked.question.length - 4) === AAAA;
        if (isV6) nodata(60, 60)(asked, 0);
        else asked.reply(addresses(asked, 1));
      });
      assert.equal((await subject.ask({ name, type: 'AAAA' })).answers.length, 0);
      assert.equal((await subject.ask({ name, type: 'A' })).answers.length, 1);
    },
  },
  ...(
    [
      [60, 30, 30],
      [30, 60, 30],
    ] as const
  ).map(([ttl, minimum, wanted]) => ({
    rfc: 'RFC 2308 5',
    rule: `a SOA of TTL ${ttl} and minimum ${minimum} holds for ${wanted} s`,
    async run(subject: Subject) {
      const name = subject.name('soa', missing(ttl, minimum));
      for (const from of ['upstream', 'store']) {
        const got = await subject.ask({ name });
        const told = got.authorities.find(({ type }) => type === 'SOA')?.ttl ?? 0;
        assert.ok(told > wanted - 10 && told <= wanted, `TTL ${told} from the ${from}`);
      }
    },
  })),
  {
    rfc: 'RFC 2308 5',
    rule: 'NXDOMAIN without a SOA is not kept',
    async run(subject) {
      const name = subject.name('bare', (asked) =>
        asked.reply(response(asked, { rcode: NXDOMAIN })),
      );
      assert.equal(await fetches(subject, name), 3);
    },
  },
  {
    rfc: 'RFC 2308 3',
    rule: 'NXDOMAIN comes with its SOA, from the store too',
    async run(subject) {
      const name = subject.name('none', missing(60, 60));
      for (const from of ['upstream', 'store']) {
        const got = await subject.ask({ name });
        assert.equal(got.authorities.filter(({ type }) => type === 'SOA').length, 1, from);
      }
    },
  },
  {
    rfc: 'RFC 9520 3.2',
    rule: 'a failure is kept for at least a second',
    async run(subject) {
      const name = subject.name('fails', (asked) =>
        asked.reply(response(asked, { rcode: SERVFAIL })),
      );
      assert.equal((await subject.ask({ name })).rcode, SERVFAIL);
      const before = subject.asked(name).length;
      for (let i = 0; i < 3; i++) assert.equal((await subject.ask({ name })).rcode, SERVFAIL);
      assert.equal(subject.asked(name).length, before);
    },
  },
  {
    rfc: 'RFC 9520 3.1',
    rule: 'a silent upstream is tried at most three times, and the client hears SERVFAIL',
    async run(subject) {
      const name = subject.name('silent', () => undefined);
      const got = await subject.ask({ name });
      assert.equal(got.rcode, SERVFAIL);
      assert.ok(subject.asked(name).length <= 3, `${subject.asked(name).length} tries`);
    },
  },
];

/** The answer carries a second name's address, where it does not belong. */
function stuffed(where: 'answers' | 'authorities' | 'additionals', victim: string): Handler {
  return (asked) => {
    const planted = record(wire(victim), A, Buffer.from([6, 6, 6, 6]));
    const own = where === 'answers' ? [address(1), planted] : [address(1)];
    asked.reply(
      response(asked, { answers: own, ...(where === 'answers' ? {} : { [where]: [planted] }) }),
    );
  };
}

const bailiwick: Check[] = (['answers', 'authorities', 'additionals'] as const).flatMap((where) => [
  {
    rfc: 'RFC 2181 5.4.1',
    rule: `a stranger's address among the ${where} never answers a later question`,
    async run(subject: Subject) {
      const victim = subject.name('victim');
      await subject.ask({ name: subject.name('stuffed', stuffed(where, victim)), edns: {} });
      const got = await subject.ask({ name: victim });
      assert.ok(!got.answers.some(({ rdata }) => rdata === '06060606'), 'it was poisoned');
    },
  },
]);

const chains: Check[] = [
  {
    rfc: 'RFC 2181 5.4.1',
    rule: "the target's data in the answer for its alias never answers for the target",
    async run(subject) {
      const target = subject.name('target');
      const name = subject.name('alias', (asked) => {
        const planted = record(wire(target), A, Buffer.from([6, 6, 6, 6]));
        asked.reply(response(asked, { answers: [record(QNAME, CNAME, wire(target)), planted] }));
      });
      await subject.ask({ name });
      const got = await subject.ask({ name: target });
      assert.ok(!got.answers.some(({ rdata }) => rdata === '06060606'), 'it was poisoned');
    },
  },
  {
    rfc: 'RFC 1034 5.2.2',
    rule: 'an alias of itself ends in an answer',
    async run(subject) {
      const name = subject.name('loop', (asked) =>
        asked.reply(response(asked, { answers: [record(QNAME, CNAME, QNAME)] })),
      );
      const got = await subject.ask({ name });
      assert.ok([NOERROR, SERVFAIL].includes(got.rcode), `rcode ${got.rcode}`);
      assert.ok(subject.asked(name).length <= 3);
    },
  },
  {
    rfc: 'RFC 1034 3.6.2',
    rule: 'an alias is kept with its target',
    async run(subject) {
      const name = subject.name('alias', (asked) => {
        const hop = wire(`hop.${asked.name.toLowerCase()}`);
        const answers = [record(QNAME, CNAME, hop), record(hop, A, Buffer.from([8, 8, 8, 8]))];
        asked.reply(response(asked, { answers }));
      });
      assert.equal(await fetches(subject, name), 1);
    },
  },
];

export const STORE: readonly Check[] = [...positive, ...negative, ...bailiwick, ...chains];
