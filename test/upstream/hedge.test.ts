/** A second server for slow answers: when, how often, and that nothing else changes by it. */

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PlannedServer } from '../../src/upstream/plan.ts';
import { Tail } from '../../src/upstream/tail.ts';
import { Authority } from '../alerts/pki.ts';
import { type Asked, addressRecord, answerTo, type FakeServer } from './fake-server.ts';
import { BACKENDS, Rig } from './rig.ts';
import { type KeyPair, NAME, planned, TlsFake } from './secure-server.ts';
import { closeAll, good, honest, keep, serve, silent, statsOf, withRcode } from './steps.ts';

afterEach(closeAll);

const answer = { kind: 'answer', rcode: 0 };
const place = ({ address, port }: FakeServer): PlannedServer => ({ address, port, family: 4 });
const lastOctet = (answered: Awaited<ReturnType<Rig['ask']>>) =>
  answered.kind === 'answer' ? answered.octets.at(-1) : null;
const saying = (octet: number) => (asked: Asked) =>
  asked.reply(answerTo(asked, { answers: [addressRecord(octet)] }));

async function open(
  servers: readonly PlannedServer[],
  backend: 'native' | 'dgram' = 'dgram',
  hedge = true,
): Promise<Rig> {
  const rig = await Rig.open({ groups: [{ name: 'group0', servers, hedge }] }, backend, 256);
  return keep(rig);
}

/** Questions that the first server answers at once: its times are known, and credit is there. */
async function warm(rig: Rig, questions = 40): Promise<void> {
  for (let i = 0; i < questions; i++) {
    expect(await rig.ask(`warm${i}.example.com`)).toMatchObject(answer);
  }
}

describe.each(BACKENDS)('hedging on the %s backend', (backend) => {
  it('a slow answer: the second server is asked, and its answer counts', async () => {
    const [first, second] = [await serve(saying(1)), await serve(saying(2))];
    const rig = await open([place(first), place(second)], backend);
    await warm(rig);
    first.handler = silent;
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    rig.pass(19);
    expect(statsOf(rig, 1).hedges).toBe(0);
    rig.pass(1);
    expect(lastOctet(await outcome)).toBe(2);
    expect(statsOf(rig, 1)).toMatchObject({ hedges: 1, hedgesWon: 1 });
    expect(statsOf(rig, 0)).toMatchObject({ hedges: 0, timeouts: 0, state: 'closed' });
  });

  it('the first answers after all: its answer counts, and the other is a stray', async () => {
    const [first, second] = [await serve(saying(1)), await serve(silent)];
    const rig = await open([place(first), place(second)], backend);
    await warm(rig);
    const held: Asked[] = [];
    first.handler = (asked) => held.push(asked);
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    const probes = second.asked.length;
    rig.pass(20);
    await second.received(probes + 1);
    saying(1)(held[0] as Asked);
    expect(lastOctet(await outcome)).toBe(1);
    expect(statsOf(rig, 1)).toMatchObject({ hedges: 1, hedgesWon: 0 });
    expect(statsOf(rig, 0).hedgesWon).toBe(0);
  });

  it('one query in 20, whatever happens', async () => {
    const [first, second] = [await serve(saying(1)), await serve(silent)];
    const rig = await open([place(first), place(second)], backend);
    await warm(rig, 100);
    const probes = second.asked.length;
    first.handler = silent;
    const all = Array.from({ length: 60 }, (_, i) => rig.ask(`slow${i}.example.com`));
    await first.received(160);
    for (let i = 0; i < 10; i++) rig.pass(20);
    await second.received(probes + 8);
    expect(statsOf(rig, 1).hedges).toBe(8);
    rig.close();
    await Promise.all(all);
  });

  it('hedge: false asks one server until its time is over', async () => {
    const [first, second] = [await serve(saying(1)), await serve(saying(2))];
    const rig = await open([place(first), place(second)], backend, false);
    await warm(rig);
    first.handler = silent;
    const before = second.asked.length;
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    for (let i = 0; i < 12; i++) rig.pass(20);
    expect(second.asked).toHaveLength(before);
    rig.pass(20);
    expect(lastOctet(await outcome)).toBe(2);
    expect(statsOf(rig, 0).timeouts).toBe(1);
  });

  it('a server that is ill is no second server', async () => {
    const [first, second] = [await serve(saying(1)), await serve(silent)];
    const rig = await open([place(first), place(second)], backend);
    // Probes that are not answered.
    for (let i = 0; i < 40; i++) {
      rig.nowMs += 1000;
      expect(await rig.ask(`warm${i}.example.com`)).toMatchObject(answer);
    }
    expect(statsOf(rig, 1).state).not.toBe('closed');
    first.handler = silent;
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    rig.pass(20);
    expect(statsOf(rig, 1).hedges).toBe(0);
    rig.close();
    await outcome;
  });

  it('a second server that fails is forgotten: the first has its time', async () => {
    const [first, second] = [await serve(saying(1)), await serve(withRcode(2))];
    const rig = await open([place(first), place(second)], backend);
    await warm(rig);
    const held: Asked[] = [];
    first.handler = (asked) => held.push(asked);
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    const before = statsOf(rig, 1).answered;
    rig.pass(20);
    while (statsOf(rig, 1).answered === before) await new Promise(setImmediate);
    expect(first.asked).toHaveLength(41);
    saying(1)(held[0] as Asked);
    expect(lastOctet(await outcome)).toBe(1);
  });

  it('both silent: each is given its tries, and both are held to it', async () => {
    const [first, second] = [await serve(saying(1)), await serve(silent)];
    const rig = await open([place(first), place(second)], backend);
    await warm(rig);
    first.handler = silent;
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    rig.pass(20);
    rig.pass(250);
    expect([statsOf(rig, 0).timeouts, statsOf(rig, 1).timeouts]).toEqual([1, 1]);
    for (let i = 0; i < 250; i++) rig.pass(20);
    expect(await outcome).toEqual({ kind: 'failure', ede: 22 });
  });
});

describe('hedging beside encrypted servers', () => {
  let authority: Authority;
  let ca = '';
  let pair: KeyPair;

  beforeAll(() => {
    authority = new Authority();
    ca = readFileSync(authority.ca, 'utf8');
    const { cert, key } = authority.issue('server', `DNS:${NAME}`);
    pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  });

  afterAll(() => authority.remove());

  it('a stall over TLS: the second server answers, and the connection is kept', async () => {
    const first = await new TlsFake(pair, good).start();
    const second = await new TlsFake(pair, good).start();
    const rig = await open([planned(first, ca), planned(second, ca)]);
    await warm(rig);
    const [stalled, other] = first.asked.length > 2 ? [first, second] : [second, first];
    stalled.handler = () => undefined;
    const before = stalled.asked.length;
    const outcome = rig.ask('slow.example.com');
    await stalled.received(before + 1);
    rig.pass(20);
    expect(await outcome).toMatchObject(answer);
    expect(other.asked.length).toBeGreaterThan(0);
    stalled.handler = good;
    expect(await rig.ask('again.example.com')).toMatchObject(answer);
    expect([first.connections, second.connections].every((count) => count <= 1)).toBe(true);
    await first.stop();
    await second.stop();
  });

  it('the answer over TLS counts although a plain server was asked meanwhile', async () => {
    const first = await new TlsFake(pair, good).start();
    const second = await serve(silent);
    const rig = await open([planned(first, ca), place(second)]);
    await warm(rig);
    const held: Asked[] = [];
    first.handler = (asked) => held.push(asked);
    const before = second.asked.length;
    const outcome = rig.ask('slow.example.com');
    await first.received(41);
    rig.pass(20);
    await second.received(before + 1);
    const [asked] = held;
    asked?.reply(honest(asked));
    expect(await outcome).toMatchObject(answer);
    expect(statsOf(rig, 1)).toMatchObject({ hedges: 1, hedgesWon: 0 });
    await first.stop();
  });
});

describe('what is known of the tail', () => {
  it('nothing until 16 answers came', () => {
    const tail = new Tail();
    for (let i = 0; i < 15; i++) tail.add(10);
    expect(tail.ms).toBe(0);
    tail.add(10);
    expect(tail.ms).toBeGreaterThanOrEqual(10);
    expect(tail.ms).toBeLessThan(12.5);
  });

  it('95 of 100 answers came within it, and 5 need not', () => {
    const tail = new Tail();
    for (let i = 0; i < 200; i++) tail.add(i % 25 === 0 ? 900 : 3);
    expect(tail.ms).toBeLessThan(4);
    for (let i = 0; i < 200; i++) tail.add(i % 5 === 0 ? 900 : 3);
    expect(tail.ms).toBeGreaterThanOrEqual(900);
  });

  it('old answers are forgotten', () => {
    const tail = new Tail();
    for (let i = 0; i < 1000; i++) tail.add(400);
    for (let i = 0; i < 2000; i++) tail.add(5);
    expect(tail.ms).toBeLessThan(7);
  });

  it('what takes longer than any bucket is in the last one', () => {
    const tail = new Tail();
    for (let i = 0; i < 16; i++) tail.add(60_000);
    expect(tail.ms).toBeGreaterThan(2000);
  });
});
