/**
 * Towards upstream, from outside: what cannot be guessed, what is shared, and answers that are
 * forged, malformed or too generous. The honest answer that follows is used, and nothing that was
 * not asked for is served later.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient, TRANSPORTS, type Transport, UdpClient } from '../support/client.ts';
import { CD, headerOctets, optOctets, RD, readMessage } from '../support/message.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, answerTo, framed, type Handler } from '../upstream/fake-server.ts';
import { MALFORMED, MISMATCHES, raw } from '../upstream/tricks.ts';
import { FROM, NOERROR, plain, queryFor, Rig, record, u16 } from './rig.ts';

const [A, CNAME] = [1, 5];
const QNAME = Buffer.from([0xc0, 12]);
const HONEST = Buffer.from([8, 8, 4, 4]);
const FORGED = Buffer.from([6, 6, 6, 6]);
const TC = 0x0200;
const WORKERS = 2;
/** RFC 9520 2.1.1: three tries, by each worker; on a busy machine a test may see more than one. */
const TRIES_MAX = 3 * WORKERS;
/** No second try leaves before this. */
const RETRY_MS = 200;

const honest = (asked: Asked): Buffer => answerTo(asked, { answers: [record(QNAME, A, HONEST)] });
const forgedAnswers = [record(QNAME, A, FORGED)];

describe.each(BACKENDS)('towards upstream with %s sockets', (backend) => {
  let rig: Rig;
  let handler: Handler = (asked) => asked.reply(honest(asked));
  let names = 0;

  beforeAll(async () => {
    rig = await Rig.start(backend, (asked, nth) => handler(asked, nth), WORKERS);
  });

  afterAll(async () => rig?.stop());

  /** A name that was never asked for. */
  function fresh(): string {
    names++;
    return `up${names}.some.allowed.test`;
  }

  function asksFor(name: string): Asked[] {
    return rig.upstream.asked.filter((asked) => asked.name.toLowerCase() === name);
  }

  async function addresses(name: string, transport: Transport = 'udp'): Promise<string[]> {
    const got = await rig.send('strict', transport, queryFor(plain(name), A));
    expect(got.rcode).toBe(NOERROR);
    return got.answers.map(({ rdata }) => rdata);
  }

  it('ids, ports and case cannot be foretold', async () => {
    handler = (asked) => asked.reply(honest(asked));
    const first = names + 1;
    for (let i = 0; i < 400; i++) await addresses(fresh());
    const asked = rig.upstream.asked.filter(
      ({ name }) => Number(/^up(\d+)/i.exec(name)?.[1]) >= first,
    );
    const ids = asked.map(({ id }) => id);
    // Of 400 ids drawn from 65,536, some 1.2 pairs are equal.
    expect(new Set(ids).size).toBeGreaterThan(390);
    const steps = new Set(ids.map((id, index) => (id - (ids[index - 1] ?? 0)) & 0xffff));
    expect(steps.size).toBeGreaterThan(380);
    expect(Math.max(...ids) - Math.min(...ids)).toBeGreaterThan(60_000);
    expect(new Set(asked.map(({ sourcePort }) => sourcePort)).size).toBeGreaterThan(12);
    const tails = new Set(asked.map(({ name }) => name.replace(/^up\d+/i, '')));
    expect(tails.size).toBeGreaterThan(350);
  });

  it.each(TRANSPORTS)(
    'sixty clients with one question in all its spellings over %s: two queries, sixty answers',
    async (transport) => {
      const name = fresh();
      const held: Asked[] = [];
      const heldMs: number[] = [];
      const arrival = Promise.withResolvers<void>();
      handler = (asked) => {
        held.push(asked);
        heldMs.push(performance.now());
        arrival.resolve();
      };
      const clients = await Promise.all(
        Array.from({ length: 60 }, () => openClient(transport, rig.valve, FROM.strict)),
      );
      const waiting = clients.map((client, index) => {
        const response = client.expect(1000 + index);
        client.send(spelling(name, index));
        return response;
      });
      // Two workers, so the question may leave twice. All have it once a later one is answered.
      const fences = clients.map((client) => client.exchange(queryFor(plain('localhost'), A)));
      expect(await Promise.all(fences)).not.toContain(null);
      await arrival.promise;
      const first = heldMs.filter((ms) => ms - (heldMs[0] ?? 0) < RETRY_MS);
      expect(first.length).toBeGreaterThan(0);
      expect(first.length).toBeLessThanOrEqual(WORKERS);
      handler = (asked) => asked.reply(honest(asked));
      for (const asked of held) asked.reply(honest(asked));
      for (const [index, octets] of (await Promise.all(waiting)).entries()) {
        const got = readMessage(octets as Buffer);
        expect([got.id, got.rcode, got.answers.length]).toEqual([1000 + index, NOERROR, 1]);
        const sent = spelling(name, index);
        expect(got.question.equals(sent.subarray(12, 12 + got.question.length))).toBe(true);
        expect(got.opt === null).toBe(index % 4 === 0);
      }
      expect(asksFor(name).length).toBeLessThanOrEqual(TRIES_MAX);
      for (const client of clients) client.close();
    },
  );

  describe.each([
    ['does not match', MISMATCHES],
    ['is malformed', MALFORMED],
  ] as const)(
    'an answer that %s is ignored, and the honest one behind it is used:',
    (_, tricks) => {
      it.each(tricks)('$rule, over UDP', async ({ forge }) => {
        const name = fresh();
        handler = (asked) => {
          asked.reply(forge(asked));
          asked.reply(forge(asked));
          asked.reply(honest(asked));
        };
        for (const transport of TRANSPORTS) {
          expect(await addresses(name, transport)).toEqual([HONEST.toString('hex')]);
        }
        expect(asksFor(name).length).toBeLessThanOrEqual(2);
      });
    },
  );

  it.each(MISMATCHES.slice(0, 1))('$rule is ignored over TCP too', async ({ forge }) => {
    const name = fresh();
    handler = (asked) => {
      if (asked.connection === null) asked.reply(answerTo(asked, { flags: 0x8180 | TC }));
      else for (const octets of [forge(asked), honest(asked)]) asked.reply(octets);
    };
    expect(await addresses(name)).toEqual([HONEST.toString('hex')]);
  });

  it.each([...MISMATCHES.slice(1), ...MALFORMED])(
    '$rule is never believed over TCP, and costs no other query',
    async ({ forge }) => {
      const [bad, good] = [fresh(), fresh()];
      handler = (asked) => {
        if (asked.connection === null) asked.reply(answerTo(asked, { flags: 0x8180 | TC }));
        else asked.reply(asked.name.toLowerCase() === bad ? forge(asked) : honest(asked));
      };
      const waiting = rig.send('strict', 'tcp', queryFor(plain(bad), A));
      expect(await addresses(good)).toEqual([HONEST.toString('hex')]);
      expect((await waiting).answers).toEqual([]);
    },
  );

  it('an answer from another port is not heard', async () => {
    const name = fresh();
    handler = async (asked) => {
      await asked.replyFromElsewhere(answerTo(asked, { answers: forgedAnswers }));
      asked.reply(honest(asked));
    };
    expect(await addresses(name)).toEqual([HONEST.toString('hex')]);
  });

  it('two thousand forgeries cost neither the answer nor the ones after it', async () => {
    const name = fresh();
    handler = (asked) => {
      for (let guess = 0; guess < 2000; guess++) {
        if (guess !== asked.id) asked.reply(answerTo(asked, { id: guess, answers: forgedAnswers }));
      }
      asked.reply(honest(asked));
    };
    expect(await addresses(name)).toEqual([HONEST.toString('hex')]);
    handler = (asked) => asked.reply(honest(asked));
    for (let i = 0; i < 5; i++) expect(await addresses(fresh())).toEqual([HONEST.toString('hex')]);
  });

  it('what an answer volunteers about other names is never served', async () => {
    const [name, victim, target] = [fresh(), fresh(), fresh()];
    const poison = [victim, 'allowed.test', 'ns.allowed.test'];
    handler = (asked) => {
      if (asked.name.toLowerCase() !== name) {
        asked.reply(honest(asked));
        return;
      }
      asked.reply(
        raw(
          asked,
          [1, 3, 2, 2],
          record(QNAME, CNAME, plain(target)),
          record(plain(target), A, FORGED),
          record(plain(victim), A, FORGED),
          record(plain('allowed.test'), 2, plain('ns.allowed.test')),
          record(plain('test'), 2, plain('ns.evil.test')),
          record(plain('ns.allowed.test'), A, FORGED),
          record(plain(victim), A, FORGED),
        ),
      );
    };
    for (const transport of [...TRANSPORTS, ...TRANSPORTS]) {
      const got = await rig.send('strict', transport, queryFor(plain(name), A));
      expect(got.answers.map(({ owner }) => owner.toLowerCase())).toEqual([name, target]);
      expect([got.authorities, got.additionals]).toEqual([[], []]);
    }
    for (const other of [...poison, target]) {
      for (const transport of TRANSPORTS) {
        expect(await addresses(other, transport)).toEqual([HONEST.toString('hex')]);
      }
    }
  });

  it.each([
    ['a loop of two names', 2],
    ['a name that is its own alias', 1],
    ['a chain of a thousand', 1000],
  ])('%s ends: one query, one bounded response', async (_, hops) => {
    const name = fresh();
    handler = (asked) => {
      if (asked.connection === null) asked.reply(answerTo(asked, { flags: 0x8180 | TC }));
      else asked.reply(answerTo(asked, { answers: loop(name, hops) }));
    };
    for (const transport of TRANSPORTS) {
      const got = await rig.send('strict', transport, queryFor(plain(name), A));
      expect(got.answers.length).toBeLessThanOrEqual(20);
    }
    // UDP and the TCP that its TC asks for.
    expect(asksFor(name).length).toBeLessThanOrEqual(2 * TRIES_MAX);
    expect(rig.upstream.asked.some(({ name: asked }) => /^hop/i.test(asked))).toBe(false);
  });

  it.each<readonly [string, (asked: Asked) => void]>([
    ['resets', (asked) => asked.connection?.resetAndDestroy()],
    ['closes', (asked) => asked.connection?.end()],
    [
      'sends half a frame and closes',
      (asked) => asked.connection?.end(honest(asked).subarray(0, 9)),
    ],
    ['sends a length of zero', (asked) => asked.connection?.write(Buffer.alloc(2))],
    ['sends a frame for nobody', (asked) => asked.connection?.end(framed(Buffer.alloc(40, 1)))],
    ['says TC again', (asked) => asked.reply(answerTo(asked, { flags: 0x8180 | TC }))],
  ])('a TCP upstream that %s costs that query and no other', async (_, misbehave) => {
    const bad = fresh();
    handler = (asked) => {
      if (asked.connection === null) asked.reply(answerTo(asked, { flags: 0x8180 | TC }));
      else if (asked.name.toLowerCase() === bad) misbehave(asked);
      else asked.reply(honest(asked));
    };
    const waiting = rig.send('strict', 'tcp', queryFor(plain(bad), A));
    for (let i = 0; i < 5; i++) expect(await addresses(fresh())).toEqual([HONEST.toString('hex')]);
    const got = await waiting;
    expect([got.rcode, got.answers, got.ede]).toEqual([2, [], expect.any(Number)]);
    expect(await addresses(fresh())).toEqual([HONEST.toString('hex')]);
  });

  it('what CD and DO fetched is not given to others', async () => {
    const name = fresh();
    handler = (asked) => {
      const hasCd = (asked.message.readUInt16BE(2) & CD) !== 0;
      const hasDo = readMessage(asked.message).opt?.dnssecOk === true;
      const last = (hasCd ? 1 : 0) + (hasDo ? 2 : 0);
      asked.reply(answerTo(asked, { answers: [record(QNAME, A, Buffer.from([8, 8, 8, last]))] }));
    };
    const client = await UdpClient.open(rig.valve, FROM.strict);
    for (const round of [1, 2]) {
      for (const variant of [1, 3, 2, 0]) {
        const flags = RD | (variant & 1 ? CD : 0);
        const edns = optOctets({ dnssecOk: variant >= 2 });
        const header = headerOctets(0, flags, [1, 0, 0, 1]);
        const query = Buffer.concat([header, plain(name), u16(A, 1), edns]);
        const got = readMessage((await client.exchange(query)) as Buffer);
        expect(got.answers[0]?.rdata, `round ${round}`).toBe(`0808080${variant}`);
        expect([got.opt?.dnssecOk, got.flags & CD]).toEqual([variant >= 2, variant & 1 ? CD : 0]);
      }
    }
    client.close();
  });
});

/** The same question as clients send it: case, EDNS or none, sizes, options. */
function spelling(name: string, index: number): Buffer {
  const own = [...name].map((char, at) => ((index >> (at % 6)) & 1 ? char.toUpperCase() : char));
  const options = [
    { code: 8, data: Buffer.from([0, 1, 24, 0, 10, index, 0]) },
    { code: 10, data: Buffer.alloc(8, index) },
    { code: 12, data: Buffer.alloc(index) },
  ];
  const opt = index % 4 === 0 ? Buffer.alloc(0) : optOctets({ size: 512 + index, options });
  const header = headerOctets(1000 + index, RD, [1, 0, 0, opt.length === 0 ? 0 : 1]);
  return Buffer.concat([header, plain(own.join('')), u16(A, 1), opt]);
}

function loop(name: string, hops: number): Buffer[] {
  const at = (hop: number): string => (hop % hops === 0 ? name : `hop${hop}.allowed.test`);
  return Array.from({ length: hops }, (_, hop) =>
    record(plain(at(hop)), CNAME, plain(at(hop + 1))),
  );
}
