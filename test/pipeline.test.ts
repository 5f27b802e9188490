/** What scenarios cannot say: defects, overload, malformed answers, limits, and what is counted. */

import { beforeEach, describe, expect, it } from 'vitest';
import { FLAG_REPUTATION } from '../src/events/kinds.ts';
import { DROP, FORWARD, RESPOND } from '../src/query.ts';
import { rcodeToText } from '../src/wire/text.ts';
import { drain } from './events/reading.ts';
import { buildQuery, type Message, type QueryShape, readMessage } from './support/message.ts';
import { answerTo } from './support/replay-message.ts';
import { type Asked, compileFiles, Valve } from './support/replay-valve.ts';

const LONG = 'x'.repeat(60);
const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] }, corp: { servers: [192.0.2.54] } }
forward: { .: default, corp.example: corp }
feeds:
  bad: { source: [listed.example], category: malware }
  told: { source: [told.example], category: newly-registered, action: alert }
workloads:
  api: { owner: ${`team-${LONG}`}, sources: [10.1.0.0/16], allow: [.example.com] }
  careless: { sources: [10.2.0.0/16], allow: [.example.com], fail_open: true }
  open: { sources: [10.3.0.0/16], mode: open }
  foreign: { owner: ${'öé€'.repeat(40)}, sources: [10.4.0.0/16] }
`;

const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
let valve: Valve;

beforeEach(() => {
  valve = new Valve(snapshot);
});

interface From {
  readonly from?: string;
  readonly overTcp?: boolean;
}

function send(shape: QueryShape, { from = '10.1.0.7', overTcp = false }: From = {}) {
  return valve.send({ from, octets: buildQuery(shape), overTcp });
}

function received(client: number): Message {
  const octets = valve.response(client);
  if (octets === null) throw new Error('no response');
  return readMessage(octets);
}

function rcode(client: number): string {
  return rcodeToText(received(client).rcode);
}

function oldest(): Asked {
  const [asked] = valve.asked;
  if (asked === undefined) throw new Error('upstream was asked nothing');
  return asked;
}

const WWW = { name: 'www.example.com', edns: {} };
const A = 'www.example.com. 60 A 192.0.2.1';

describe('a decision that fails by a defect', () => {
  function breakReputation(): void {
    const { reputation } = valve.forwarder.tables;
    const vet = (): never => {
      throw new Error('a defect');
    };
    Object.defineProperty(reputation, 'vet', { value: vet });
  }

  it('refuses, and says so by EDE and counter', () => {
    breakReputation();
    const { verdict, client } = send(WWW);
    expect([verdict, rcode(client), received(client).ede]).toEqual([RESPOND, 'SERVFAIL', 0]);
    expect(valve.asked).toEqual([]);
    expect([valve.counter('faults'), valve.faults.length]).toEqual([1, 1]);
  });

  it('lets through for a workload with fail_open, whatever was decided before it', () => {
    send({ name: 'denied.example' }, { from: '10.2.0.7' });
    breakReputation();
    const { verdict, client } = send(WWW, { from: '10.2.0.7' });
    expect(verdict).toBe(FORWARD);
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer: [A] }));
    expect([rcode(client), received(client).answers.length]).toEqual(['NOERROR', 1]);
  });

  it('never lets a source through that nobody claims', () => {
    breakReputation();
    const { client } = send(WWW, { from: '192.0.2.200' });
    expect([rcode(client), valve.asked.length]).toEqual(['SERVFAIL', 0]);
  });
});

describe('an answer that is malformed', () => {
  it('is as if it never came: the honest one is used', () => {
    const { client } = send(WWW);
    const asked = oldest();
    const wrong = answerTo('www.example.com', 'A', {
      answer: ['www.example.com. 60 A \\# 3 c00002'],
    });
    expect(valve.answer(asked, wrong)).toBe(false);
    expect([valve.response(client), valve.counter('upstream_malformed')]).toEqual([null, 1]);
    expect(valve.answer(asked, answerTo('www.example.com', 'A', { answer: [A] }))).toBe(true);
    expect(rcode(client)).toBe('NOERROR');
    expect(send(WWW).verdict).toBe(RESPOND);
    expect(valve.asked).toEqual([]);
  });
});

describe('overload', () => {
  /** How many clients of one workload may wait. */
  function shareOf(from: string): number {
    const { capacity } = valve.memory.waiters;
    for (let i = 0; i <= capacity; i++) {
      const { client } = send({ name: `n${i}.example.com` }, { from });
      if (valve.response(client) !== null) return i;
    }
    throw new Error('there is no bound');
  }

  it('a workload has its share of the room to wait; others, and hits, are still answered', () => {
    const warm = send(WWW);
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer: [A] }));
    expect(rcode(warm.client)).toBe('NOERROR');
    const share = shareOf('10.1.0.7');
    expect(share).toBeLessThanOrEqual(valve.memory.waiters.capacity / 2);
    expect([valve.asked.length, valve.counter('dropped_overload')]).toEqual([share, 1]);
    const { client } = send({ name: 'one-more.example.com', edns: {} });
    expect([rcode(client), received(client).ede]).toEqual(['SERVFAIL', 0]);
    expect(rcode(send(WWW).client)).toBe('NOERROR');
    expect(valve.response(send({ name: 'new.example' }, { from: '10.3.0.7' }).client)).toBeNull();
    for (const asked of [...valve.asked]) valve.fail(asked, 22);
    expect([valve.memory.inflight.count, valve.memory.waiters.count]).toEqual([0, 0]);
    expect(valve.response(send({ name: 'again.example.com' }).client)).toBeNull();
  });

  it('a flight has room for the whole share, and gives all of it back', () => {
    const share = shareOf('10.1.0.7');
    for (const asked of [...valve.asked]) valve.fail(asked, 22);
    const clients = Array.from({ length: share + 1 }, () => send(WWW).client);
    expect(valve.asked.length).toBe(1);
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer: [A] }));
    const rcodes = clients.map((client) => rcode(client));
    expect(rcodes.filter((text) => text === 'NOERROR').length).toBe(share);
    expect(valve.memory.waiters.count).toBe(0);
  });
});

describe('where a question goes', () => {
  it('the longest suffix of the forward rules says', () => {
    send({ name: 'x.corp.example' }, { from: '10.3.0.7' });
    send({ name: 'x.example' }, { from: '10.3.0.7' });
    expect(valve.asked.map(({ group }) => group)).toEqual([1, 0]);
  });

  it('RD, CD and DO go along, and nothing else of the client', () => {
    send({ ...WWW, flags: 0x0110, edns: { dnssecOk: true } });
    send({ ...WWW, flags: 0x0000 });
    expect(valve.asked.map(({ keyFlags }) => keyFlags)).toEqual([3, 4]);
  });
});

describe('limits of a response', () => {
  it('the EDE text of a denial is cut to what fits 512 octets, and the denial is whole', () => {
    const labels = Array.from({ length: 15 }, () => 'y'.repeat(15)).join('.');
    const { client } = send({ name: labels, edns: { size: 512 } });
    const message = received(client);
    expect(message.octets.length).toBeLessThanOrEqual(512);
    expect([rcodeToText(message.rcode), message.ede, message.authorities.length]).toEqual([
      'NXDOMAIN',
      15,
      1,
    ]);
  });

  it('an EDE text is cut between characters only', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let cut = 0;
    for (let size = 1; size < 60; size++) {
      const name = `${'x'.repeat(size)}.${Array(10).fill('y'.repeat(15)).join('.')}`;
      const { client } = send({ name, edns: { size: 512 } }, { from: '10.4.0.7' });
      const text = received(client).opt?.options[0]?.data.subarray(2);
      expect(() => decoder.decode(text)).not.toThrow();
      if ((text?.length ?? 0) < 226) cut++;
    }
    expect(cut).toBeGreaterThan(5);
  });

  it('an EDE text says who, why and whom to ask, and nothing for want of whom', () => {
    const text = (from: string): string => received(send(WWW, { from }).client).edeText;
    expect(text('192.0.2.200')).toBe('(unmapped): no workload claims this source address');
    expect(text('10.4.0.7')).toMatch(/^foreign: not in its allowlist; ask öé€.*$/);
  });

  it('EDNS comes back exactly when it was sent, with our own size and DO as asked', () => {
    const names = ['denied.example', 'www.example.com', 'listed.example', 'x.onion'];
    for (const name of names) {
      expect(received(send({ name, type: 'ANY' }).client).opt).toBeNull();
      const { opt } = received(
        send({ name, type: 'ANY', edns: { dnssecOk: true, size: 4096 } }).client,
      );
      expect([opt?.size, opt?.version, opt?.dnssecOk]).toEqual([1232, 0, true]);
    }
  });

  it('keepalive is told over TCP to who asked, and to nobody else', () => {
    const edns = { options: [{ code: 11, data: new Uint8Array(0) }] };
    const codes = (shape: QueryShape, overTcp: boolean): number[] =>
      (received(send(shape, { overTcp }).client).opt?.options ?? []).map(({ code }) => code);
    expect(codes({ name: 'denied.example', edns }, true)).toEqual([11, 15]);
    expect(codes({ name: 'denied.example', edns }, false)).toEqual([15]);
    expect(codes({ name: 'denied.example', edns: {} }, true)).toEqual([15]);
  });

  it('an EDNS version that we do not know is BADVERS, before any decision', () => {
    const { client } = send({ name: 'denied.example', edns: { version: 1 } });
    expect([rcode(client), received(client).ede]).toEqual(['BADVERS', null]);
    expect(valve.counter('denied')).toBe(0);
  });
});

describe('what is no question for us', () => {
  const rows: readonly (readonly [string, QueryShape, string | null])[] = [
    ['a response', { ...WWW, flags: 0x8000 }, null],
    ['NOTIFY', { ...WWW, flags: 0x2000 }, 'NOTIMP'],
    ['UPDATE', { ...WWW, flags: 0x2800 }, 'NOTIMP'],
    ['class CH', { name: 'version.bind', type: 'TXT', qclass: 3 }, 'REFUSED'],
    ['class ANY for a denied name', { name: 'denied.example', qclass: 255 }, 'REFUSED'],
    ['class NONE', { ...WWW, qclass: 254 }, 'REFUSED'],
    ['class 0', { ...WWW, qclass: 0 }, 'REFUSED'],
    ['a zone transfer of an allowed name', { ...WWW, type: 'AXFR' }, 'REFUSED'],
  ];
  for (const [what, shape, want] of rows) {
    it(`${what}: ${want ?? 'no reply at all'}, and nothing upstream`, () => {
      const { verdict, client } = send(shape);
      if (want === null) expect([verdict, valve.response(client)]).toEqual([DROP, null]);
      else expect([rcode(client), received(client).answers]).toEqual([want, []]);
      expect(valve.asked).toEqual([]);
    });
  }
});

describe('history', () => {
  function pairs() {
    valve.memory.ledger.flush();
    return drain(valve.ring).filter(({ kind }) => kind === 'pair');
  }

  it('counts what let through, hit, failed and denied', () => {
    send(WWW);
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer: [A] }));
    send(WWW);
    send({ name: 'broken.example.com' });
    valve.fail(oldest(), 22);
    send({ name: 'broken.example.com' });
    send({ name: 'denied.example' });
    const counts = pairs().map(({ registrable, allowed, cached, failed, denied }) => [
      registrable,
      { allowed, cached, failed, denied },
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      'example.com': { allowed: 2, cached: 1, failed: 2, denied: 0 },
      'denied.example': { allowed: 0, cached: 0, failed: 0, denied: 1 },
    });
  });

  it('counts an NXDOMAIN of an upstream, for who waited and who hit; not the one of a denial', () => {
    const none = { name: 'none.example.com' };
    send(none);
    const authority = ['example.com. 300 SOA ns.example.com. h.example.com. 1 2 3 4 300'];
    valve.answer(oldest(), answerTo(none.name, 'A', { rcode: 'NXDOMAIN', authority }));
    send(none);
    send({ name: 'denied.example' });
    const counts = pairs().map(({ registrable, allowed, cached, nxdomain }) => [
      registrable,
      { allowed, cached, nxdomain },
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      'example.com': { allowed: 2, cached: 1, nxdomain: 2 },
      'denied.example': { allowed: 0, cached: 0, nxdomain: 0 },
    });
  });

  it('counts nothing of what is no query', () => {
    send({ ...WWW, flags: 0x2800 });
    send({ ...WWW, qclass: 3 });
    send({ ...WWW, edns: { version: 1 } });
    expect(pairs()).toEqual([]);
  });

  it('names the refused address of a rebinding', () => {
    send(WWW);
    const answer = ['www.example.com. 60 A 192.0.2.1', 'www.example.com. 60 A 169.254.169.254'];
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer }));
    expect(pairs()).toMatchObject([{ denied: 1, allowed: 0, addresses: ['169.254.169.254'] }]);
  });

  it('tells of a target that a feed alerts of, to each workload, cold and warm', () => {
    send(WWW);
    const answer = ['www.example.com. 60 CNAME told.example.', 'told.example. 60 A 192.0.2.1'];
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer }));
    send(WWW, { from: '10.3.0.7' });
    const flagged = pairs().map(({ workload, flags }) => [workload, flags & FLAG_REPUTATION]);
    expect(flagged.sort()).toEqual([
      [1, FLAG_REPUTATION],
      [3, FLAG_REPUTATION],
    ]);
    expect(valve.counter('cached')).toBe(1);
  });

  it('tells the first addresses that a domain had', () => {
    send(WWW);
    valve.answer(oldest(), answerTo('www.example.com', 'A', { answer: [A] }));
    valve.memory.ledger.flush();
    const answers = drain(valve.ring).filter(({ kind }) => kind === 'answer');
    expect(answers).toMatchObject([{ addresses: ['192.0.2.1'], registrable: 'example.com' }]);
  });
});
