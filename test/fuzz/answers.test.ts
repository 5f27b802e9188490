/** Mutated upstream answers through settle: what is taken reads back, and holds only what belongs. */

import dnsPacket from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { Query } from '../../src/query.ts';
import { settle } from '../../src/settle.ts';
import { readName } from '../../src/wire/name.ts';
import { nameToWire, rcodeToText } from '../../src/wire/text.ts';
import { readMessage } from '../support/message.ts';
import { answerTo, type Sections, typeNumber } from '../support/replay-message.ts';
import { Valve } from '../support/replay-valve.ts';
import { hold, mutate, Random } from './mutate.ts';

const ROUNDS = 200_000;
const SECOND_OPINION = 40;
const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
everyone: { deny: [.banned.example] }
workloads: { open: { sources: [10.0.0.0/8], mode: open } }
`;
const SOA = 'example.com. 900 SOA ns.example.com. host.example.com. 1 2 3 4 300';

interface Seed {
  readonly question: Query;
  readonly octets: Buffer;
}

function seed(name: string, type: string, sections: Sections): Seed {
  const question = new Query();
  const wire = nameToWire(name);
  readName(wire, 0, wire.length, question.name);
  question.qtype = typeNumber(type);
  question.qclass = 1;
  return { question, octets: answerTo(name, type, sections) };
}

const SIGNATURE = 'RRSIG A 8 3 60 20300101000000 20200101000000 1 example.com. AAAA';
const SEEDS: readonly Seed[] = [
  seed('www.example.com', 'A', {
    answer: ['www.example.com. 60 A 192.0.2.1', 'www.example.com. 60 A 192.0.2.2'],
    ede: 3,
  }),
  seed('www.example.com', 'A', {
    answer: [
      'www.example.com. 60 CNAME a.example.com.',
      'a.example.com. 60 CNAME b.example.com.',
      'b.example.com. 60 A 192.0.2.1',
      `www.example.com. 60 ${SIGNATURE}`,
    ],
  }),
  seed('www.example.com', 'A', {
    answer: [
      'example.com. 60 DNAME example.net.',
      'www.example.com. 60 CNAME www.example.net.',
      'www.example.net. 60 A 192.0.2.1',
    ],
  }),
  seed('www.example.com', 'AAAA', { authority: [SOA], ede: null }),
  seed('gone.example.com', 'A', {
    rcode: 'NXDOMAIN',
    authority: [SOA, 'a.example.com. 60 NSEC z.example.com. A NS'],
  }),
  seed('www.example.com', 'HTTPS', {
    answer: [
      'www.example.com. 60 HTTPS 1 svc.example.com. alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db9::1',
    ],
  }),
  seed('www.example.com', 'A', { answer: ['www.example.com. 60 CNAME x.banned.example.'] }),
  seed('www.example.com', 'A', { answer: ['www.example.com. 60 A 10.0.0.1'] }),
  seed('example.com', 'MX', {
    answer: [
      'other.example. 60 A 192.0.2.1',
      'example.com. 60 MX 5 mx.example.com.',
      'example.com. 60 MX 5 mx2.example.com.',
    ],
    authority: ['example.com. 60 NS ns.example.com.'],
    additional: ['ns.example.com. 60 A 192.0.2.3'],
  }),
  seed('x.example.com', 'NAPTR', {
    answer: ['x.example.com. 60 NAPTR 1 2 "u" "e2u" "" r.example.com.'],
  }),
  seed('www.example.com', 'A', { rcode: 'SERVFAIL', ede: 22 }),
];

describe('mutated answers', () => {
  it(`${ROUNDS} of them: no throw, and what is taken reads back`, async () => {
    const valve = await Valve.open({ 'main.yaml': CONFIG });
    const { memory, forwarder } = valve;
    const { clean, inspection } = memory;
    const random = new Random(77);
    const octets = new Uint8Array(2048);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const one = random.pick(SEEDS);
      const questionEnd = 12 + one.question.name.length + 4;
      // The question matched before: changes are to the counts, or behind it.
      const from = random.next(4) === 0 ? 6 : questionEnd;
      const length = mutate(one.octets, from, octets, random);
      octets.set(one.octets.subarray(12, questionEnd), 12);
      if (length < questionEnd) continue;
      one.question.nowSeconds = 1000 + (round >>> 8);
      const keyFlags = random.pick([0, 0, 2, 4]);
      const isTaken = settle(octets, 0, length, one.question, keyFlags, forwarder.tables, memory);
      let outcome = 'malformed';
      if (isTaken && clean.rcode !== 0 && clean.rcode !== 3) outcome = 'failure';
      else if (isTaken) {
        const message = readMessage(Buffer.from(clean.octets.slice(0, clean.length)));
        hold(message.additionals.length === 0, 'no additional records');
        hold(
          message.answers.every(({ rrclass }) => rrclass === 1),
          'class IN',
        );
        hold(clean.answers === message.answers.length, 'the count of answers');
        hold(clean.authorities === message.authorities.length, 'the count of authorities');
        hold(clean.ttlCount === clean.answers + clean.authorities, 'every TTL is known');
        hold(clean.seconds <= forwarder.tables.limits.maxTtlSeconds, 'the cap');
        if (round % SECOND_OPINION === 0) secondOpinion(message.octets);
        outcome = `${rcodeToText(clean.rcode)} ${inspection.reason}`;
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    for (const outcome of [
      'malformed',
      'failure',
      'NOERROR 0',
      'NXDOMAIN 0',
      'NOERROR 10',
      'NOERROR 11',
    ]) {
      expect([outcome, (outcomes.get(outcome) ?? 0) > 500]).toEqual([outcome, true]);
    }
  }, 120_000);
});

/** dns-packet reads RDATA that the valve carries as opaque, so only names and bounds are its word. */
function secondOpinion(octets: Buffer): void {
  const opaque = Buffer.from(octets);
  const message = readMessage(opaque);
  if (
    [...message.answers, ...message.authorities].some(
      ({ type }) => !/^(A|AAAA|CNAME|SOA|MX)$/.test(type),
    )
  )
    return;
  expect(dnsPacket.decode(opaque).answers?.length).toBe(message.answers.length);
}
