/** Answers that are asked for anew before their end: when, in whose name, and at whose cost. */

import { describe, expect, it, vi } from 'vitest';
import { isWorthRefresh, StoredAnswer, usedOnceMore } from '../../src/cache/entry.ts';
import { Store } from '../../src/cache/store.ts';
import { FINDING_DOWNLOAD } from '../../src/events/kinds.ts';
import { FORWARD, RESPOND } from '../../src/query.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const API = '10.1.0.7';
const STRICT = '10.2.0.7';
const INSPECTED = '10.3.0.7';
const MAIN = `
upstreams: { default: { servers: [192.0.2.53] } }
workloads:
  api: { sources: [10.1.0.0/16], allow: [.lab.example] }
  strict:
    sources: [10.2.0.0/16]
    allow: ["*.lab.example"]
    detect: { tunnel: { threshold: 64, action: deny } }
  inspected: { sources: [10.3.0.0/16], allow: [.lab.example], chain: inspect }
`;
const snapshot = await compileFiles({ 'main.yaml': MAIN }, 1);
const TTL = 10;
const WWW = 'www.lab.example';

function send(valve: Valve, name: string, from = API, type = 'A') {
  return valve.send({ from, octets: buildQuery({ name, type }) });
}

/** Answers the oldest question upstream. */
function reply(valve: Valve, answer: readonly string[]): void {
  const [asked] = valve.asked;
  if (asked === undefined) throw new Error('upstream was asked nothing');
  expect(valve.answer(asked, answerTo(asked.name, asked.type, { answer: [...answer] }))).toBe(true);
}

const address = (name: string, last: number): string => `${name}. ${TTL} A 192.0.2.${last}`;

/** Has an answer stored and given out twice, and turns the clock to its last second. */
function ripen(valve: Valve, name = WWW, from = API, type = 'A', data = address(name, 1)): void {
  expect(send(valve, name, from, type).verdict).toBe(FORWARD);
  reply(valve, [data]);
  for (let i = 0; i < 2; i++) expect(send(valve, name, from, type).verdict).toBe(RESPOND);
  valve.pass(TTL - 1);
}

/** A hit in its last second. */
function hit(valve: Valve, name = WWW, from = API, type = 'A'): void {
  const { verdict, client } = send(valve, name, from, type);
  expect(verdict).toBe(RESPOND);
  const { rcode, answers } = readMessage(valve.response(client) as Buffer);
  expect([rcode, answers.length, answers[0]?.ttl]).toEqual([0, 1, 1]);
}

describe('an entry is worth a refresh', () => {
  const rows: readonly (readonly [string, number, number, number, boolean])[] = [
    ['in the last tenth, used three times', 3, 300, 30, true],
    ['in its last second', 4, 300, 1, true],
    ['not a second before the last tenth', 9, 300, 31, false],
    ['of ten seconds in the last', 3, 10, 1, true],
    ['of ten seconds not before', 3, 10, 2, false],
    ['of nine seconds never', 9, 9, 0, false],
    ['of a week in its last tenth', 3, 604_800, 60_480, true],
    ['not when the use of now is the second', 2, 300, 1, false],
    ['not when it is the first', 1, 300, 1, false],
  ];

  it.each(rows)('%s', (_, times, lifetime, left, isWorth) => {
    let use = 0;
    for (let i = 0; i < times; i++) use = usedOnceMore(use);
    expect(isWorthRefresh(use, lifetime, left)).toBe(isWorth);
    expect(use).toBeLessThan(256);
  });

  it('also when it was moved in the store since', () => {
    const store = new Store(1 << 17);
    const answer = new StoredAnswer();
    answer.octets = new Uint8Array(200);
    answer.length = 200;
    answer.seconds = 1000;
    const put = (text: string): number => store.put(wireName(text), 1 << 8, answer, 0);
    // Larger than the others, so that what comes after it moves.
    put('cold.example');
    answer.length = 100;
    const first = put('hot.example');
    for (let i = 0; i < 3; i++) store.touch(first);
    const at = (): number => store.find(wireName('hot.example'), 0, 1 << 8, 1);
    for (let i = 0; at() === first && i < 3000; i++) put(`n${i}.example`);
    expect(at()).not.toBe(first);
    expect(at()).not.toBe(-1);
    expect(store.isDue(at(), 899)).toBe(false);
    expect(store.isDue(at(), 900)).toBe(true);
    // Moved once, it is not kept for ever by what it was used for before.
    for (let i = 0; at() !== -1 && i < 3000; i++) put(`m${i}.example`);
    expect(at()).toBe(-1);
  });
});

function wireName(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

describe('a refresh', () => {
  it('counts as no query and as no miss', () => {
    const valve = new Valve(snapshot);
    ripen(valve);
    hit(valve);
    const before = [...valve.meter];
    const counted = (['allowed', 'forwarded', 'coalesced', 'cached', 'failed'] as const).map(
      (name) => valve.counter(name),
    );
    reply(valve, [address(WWW, 2)]);
    expect([...valve.meter]).toEqual(before);
    expect(counted).toEqual([4, 1, 0, 3, 0]);
    expect(valve.counter('prefetches')).toBe(1);
    expect(valve.outlet.sent.size).toBe(4);
    expect(valve.memory.waiters.count + valve.memory.inflight.count).toBe(0);
  });

  it('asks with the flags of the query, and with our own case and RD', () => {
    const valve = new Valve(snapshot);
    const octets = buildQuery({ name: WWW, edns: { dnssecOk: true }, flags: 0x0110 });
    valve.send({ from: API, octets });
    reply(valve, [address(WWW, 1)]);
    for (let i = 0; i < 2; i++) valve.send({ from: API, octets });
    valve.pass(TTL - 1);
    valve.send({ from: API, octets });
    expect(valve.asked.map(({ name, keyFlags }) => [name, keyFlags])).toEqual([[WWW, 3]]);
  });

  it('keeps the addresses of its answer for the workload', () => {
    const valve = new Valve(snapshot);
    ripen(valve);
    valve.memory.ledger.flush();
    hit(valve);
    const add = vi.spyOn(valve.memory.ledger, 'addAnswers');
    vi.spyOn(valve.memory.ledger, 'wantsAnswers').mockReturnValue(true);
    reply(valve, [address(WWW, 77)]);
    expect(add).toHaveBeenCalledOnce();
    const [pair, addresses, count] = add.mock.calls[0] as [number, Uint8Array, number];
    expect([pair >= 0, addresses[15], count]).toEqual([true, 77, 1]);
  });

  it('is charged for the data that it brings in', () => {
    const valve = new Valve(snapshot);
    const tell = vi.spyOn(valve.memory.findings, 'tell');
    const text = (n: number): string => {
      const data = Array.from({ length: 50 }, (_, i) => (n * 7919 + i * 104_729).toString(16));
      return `t.lab.example. ${TTL} TXT ${data.join('').slice(0, 200)}`;
    };
    const told = (): boolean => tell.mock.calls.some((call) => call[2] === FINDING_DOWNLOAD);
    ripen(valve, 't.lab.example', API, 'TXT', text(0));
    let refreshes = 0;
    for (; refreshes < 100 && !told(); refreshes++) {
      hit(valve, 't.lab.example', API, 'TXT');
      reply(valve, [text(refreshes + 1)]);
      for (let i = 0; i < 2; i++) send(valve, 't.lab.example', API, 'TXT');
      valve.pass(TTL - 1);
    }
    expect(refreshes).toBeGreaterThan(5);
    expect(refreshes).toBeLessThan(30);
  });

  it('does not leave when a detector would not let the query leave', () => {
    const valve = new Valve(snapshot);
    ripen(valve, WWW, STRICT);
    let denied = false;
    for (let i = 0; i < 60 && !denied; i++) {
      const name = `${(0x9e3779b1 * (i + 1)).toString(36)}x${i * 7919}.lab.example`;
      denied = send(valve, name, STRICT).verdict === RESPOND;
      if (!denied) reply(valve, [`${name}. 0 A 192.0.2.9`]);
    }
    expect(denied).toBe(true);
    hit(valve, WWW, STRICT);
    expect(valve.asked).toEqual([]);
    // It was judged once, and is not again.
    hit(valve, WWW, API);
    expect(valve.asked).toEqual([]);
    expect(valve.counter('prefetches')).toBe(0);
  });

  it('is no more than the workload may ask upstream, and refuses nobody', async () => {
    const limited = MAIN.replace(
      'allow: [.lab',
      'rate_limit: { misses: 1, burst: 1s }, allow: [.lab',
    );
    const valve = new Valve(await compileFiles({ 'main.yaml': limited }, 1));
    ripen(valve);
    send(valve, 'other.lab.example');
    if (valve.asked.length > 0) reply(valve, [`other.lab.example. 0 A 192.0.2.9`]);
    const refused = valve.counter('rate_misses');
    send(valve, 'more.lab.example');
    expect(valve.counter('rate_misses')).toBe(refused + 1);
    hit(valve);
    expect(valve.counter('prefetches')).toBe(0);
    expect(valve.counter('rate_misses')).toBe(refused + 1);
  });

  it('does not come once half of the places of its workload are taken', () => {
    for (const [waiting, asked] of [
      [1023, 1],
      [1024, 0],
    ] as const) {
      const valve = new Valve(snapshot);
      ripen(valve);
      for (let i = 0; i < waiting; i++) send(valve, `n${i}.lab.example`);
      expect(valve.asked.length).toBe(waiting);
      hit(valve);
      expect(valve.counter('prefetches')).toBe(asked);
    }
  });

  it('does not come once more than half of the questions upstream are taken', () => {
    for (const [count, asked] of [
      [4096, 1],
      [4097, 0],
    ] as const) {
      const valve = new Valve(snapshot);
      ripen(valve);
      const { inflight } = valve.memory;
      for (let i = 0; i < count; i++) inflight.acquire(wireName(`n${i}.test`), 1, 0, 0, 0);
      hit(valve);
      expect(valve.counter('prefetches')).toBe(asked);
    }
  });

  it('whose place is needed gives way, and is told to nobody', () => {
    const valve = new Valve(snapshot);
    ripen(valve);
    hit(valve);
    const { inflight, waiters } = valve.memory;
    for (let i = 0; inflight.count < inflight.capacity; i++) {
      inflight.acquire(wireName(`n${i}.test`), 1, 0, 0, valve.clock.nowMs);
    }
    vi.spyOn(inflight, 'victim').mockReturnValue(valve.asked[0]?.flight ?? -1);
    const { verdict, client } = send(valve, 'new.lab.example');
    expect([verdict, valve.response(client)]).toEqual([FORWARD, null]);
    expect([valve.counter('yielded'), valve.counter('failed'), waiters.count]).toEqual([1, 0, 1]);
  });
});

describe('an answer to a refresh, under another policy', () => {
  it('is charged to nobody where the workload may not have the name any more', async () => {
    const valve = new Valve(snapshot);
    ripen(valve);
    hit(valve);
    const closed = MAIN.replace('allow: [.lab.example] }', 'allow: [other.example] }');
    valve.swap(await compileFiles({ 'main.yaml': closed }, 2));
    const add = vi.spyOn(valve.memory.ledger, 'addAnswers');
    vi.spyOn(valve.memory.ledger, 'wantsAnswers').mockReturnValue(true);
    reply(valve, [address(WWW, 2)]);
    expect(add).not.toHaveBeenCalled();
    expect(valve.counter('denied')).toBe(0);
    expect(readMessage(valve.response(send(valve, WWW).client) as Buffer).rcode).toBe(3);
  });

  it('is charged to nobody where a target of it is denied to the workload', () => {
    const valve = new Valve(snapshot);
    ripen(valve, WWW, INSPECTED);
    hit(valve, WWW, INSPECTED);
    const add = vi.spyOn(valve.memory.ledger, 'addAnswers');
    vi.spyOn(valve.memory.ledger, 'wantsAnswers').mockReturnValue(true);
    reply(valve, [`${WWW}. ${TTL} CNAME cdn.test.`, `cdn.test. ${TTL} A 192.0.2.3`]);
    expect(add).not.toHaveBeenCalled();
    expect(valve.counter('chain_denied')).toBe(0);
    const { client } = send(valve, WWW, INSPECTED);
    expect(readMessage(valve.response(client) as Buffer).rcode).toBe(3);
    expect(valve.counter('chain_denied')).toBe(1);
  });

  it('is not stored when names are asked of other servers since', () => {
    const valve = new Valve(snapshot);
    ripen(valve);
    hit(valve);
    valve.swap(snapshot, true);
    reply(valve, [address(WWW, 2)]);
    expect(valve.memory.store.count).toBe(0);
  });
});
