/** The table of TCP connections: who is read, who gets what, who goes. No sockets, no waiting. */

import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../../src/clock.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import type { Memory } from '../../src/memory.ts';
import {
  EV_ENDED,
  EV_FAILED,
  EV_OPENED,
  EV_REFUSED,
  EV_WRITABLE,
  WATCH_READ,
  WATCH_WRITE,
} from '../../src/native/tcp-batch.ts';
import { Forwarder } from '../../src/server/forwarder.ts';
import type { TcpLimits } from '../../src/server/tcp-limits.ts';
import { TcpServer } from '../../src/server/tcp-server.ts';
import { Tables } from '../../src/tables.ts';
import type { Upstreams } from '../../src/upstream/upstreams.ts';
import { framed } from '../support/client.ts';
import { workerMemory } from '../support/memory.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles } from '../support/replay-valve.ts';
import { FakeStreams } from './streams.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
workloads: { api: { sources: [10.1.0.0/16], allow: [.example.com] } }
`;
const LIMITS: TcpLimits = {
  connectionsMax: 4,
  idleMs: 10_000,
  closesPerTurn: 40,
  pendingMax: 3,
  unreadMax: 4096,
  connectionsPerSource: 4,
  octetsPerSource: 4096,
};
const NXDOMAIN = 3;

class StillClock extends Clock {
  override update(): void {}
}

const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);

let clock: StillClock;
let streams: FakeStreams;
let server: TcpServer;
let forwarder: Forwarder;
let memory: Memory;
/** Flights that wait, by the order in which they were asked. */
let asked: number[];

function start(limits: TcpLimits = LIMITS): void {
  clock = new StillClock();
  memory = workerMemory({
    ring: new RingWriter(createRing(1024)),
    storeOctets: 1 << 20,
    namesPerPair: 64,
  });
  server = new TcpServer(memory, clock, limits, (options) => {
    streams = new FakeStreams(options);
    return streams;
  });
  forwarder = new Forwarder(new Tables(snapshot.memory), memory, {
    clock,
    outlet: {
      prepare: (query, channel) => server.prepare(query, -1 - channel),
      commit: (query, channel) => server.commit(query, -1 - channel),
      flush: () => server.flush(),
    },
    onFault: (error) => {
      throw error;
    },
  });
  asked = [];
  const upstreams = { submit: (flight: number) => asked.push(flight), flush: () => {} };
  forwarder.upstreams = upstreams as unknown as Upstreams;
  server.forwarder = forwarder;
}

beforeEach(() => start());

/** A query that is denied, and so answered at once. */
const denied = (id: number): Buffer => framed(buildQuery({ id, name: 'evil.test' }));
/** A query that is asked upstream. */
const fresh = (id: number): Buffer => framed(buildQuery({ id, name: `n${id}.example.com` }));

function open(slot: number, octets: Uint8Array = new Uint8Array(0), from = '10.1.0.7'): void {
  streams.from(slot, from);
  streams.round({ slot, flags: EV_OPENED, octets });
}

const bring = (slot: number, octets: Uint8Array): void => streams.round({ slot, flags: 0, octets });
const idsOf = (slot: number): number[] => streams.messages(slot).map((one) => readMessage(one).id);

/** Answers the question of flight `index` in the order of asking. */
function answer(index: number, id: number): void {
  const name = `n${id}.example.com`;
  const octets = answerTo(name, 'A', { answer: [`${name}. 60 A 192.0.2.1`] });
  forwarder.onAnswer(asked[index] as number, octets, 0, octets.length);
  forwarder.onSettled();
}

describe('frames', () => {
  const queries = Array.from({ length: 40 }, (_, i) => denied(i + 1));
  const all = Buffer.concat(queries);

  it.each([1, 2, 3, 7, 26, 27, 28, 29, 100, 500, 4096])('cut every %i octets', (size) => {
    open(0);
    for (let at = 0; at < all.length; at += size) bring(0, all.subarray(at, at + size));
    expect(idsOf(0)).toEqual(queries.map((_, i) => i + 1));
    expect(streams.messages(0).every((one) => readMessage(one).rcode === NXDOMAIN)).toBe(true);
  });

  it('longer than a block, in pieces', () => {
    start({ ...LIMITS, unreadMax: 1 << 20, octetsPerSource: 1 << 20 });
    const long = buildQuery({ id: 9, name: 'evil.test' });
    const padded = framed(Buffer.concat([long, Buffer.alloc(20_000)]));
    open(0);
    for (let at = 0; at < padded.length; at += 700) bring(0, padded.subarray(at, at + 700));
    bring(0, denied(10));
    expect(idsOf(0)).toEqual([9, 10]);
  });

  it('the answers of a round leave by one call', () => {
    for (const slot of [0, 1, 2]) open(slot);
    const events = [0, 1, 2].map((slot) => ({ slot, flags: 0, octets: denied(slot + 1) }));
    streams.sends = 0;
    streams.round(...events, { slot: 3, flags: EV_OPENED, octets: denied(4) });
    expect(streams.sends).toBe(1);
    expect([0, 1, 2, 3].map(idsOf)).toEqual([[1], [2], [3], [4]]);
  });

  it('shorter than a header end the connection, and what follows is not taken', () => {
    open(0, Buffer.concat([framed(Buffer.alloc(5)), denied(1)]));
    expect(streams.dropped).toEqual([0]);
    expect(idsOf(0)).toEqual([]);
    expect(server.connectionCount).toBe(0);
  });
});

describe('connections', () => {
  it('one too many closes the one that has been idle longest', () => {
    for (const slot of [0, 1, 2, 3]) open(slot);
    bring(0, denied(1));
    open(4, denied(2));
    expect(streams.dropped).toEqual([1]);
    expect(idsOf(4)).toEqual([2]);
    expect(server.connectionCount).toBe(4);
  });

  it('one that is closed to make room has no say later in the round', () => {
    for (const slot of [0, 1, 2, 3]) open(slot);
    streams.from(4, '10.1.0.7');
    streams.round(
      { slot: 4, flags: EV_OPENED, octets: denied(1) },
      { slot: 0, flags: EV_ENDED, octets: denied(2) },
      { slot: 1, flags: 0, octets: denied(3) },
    );
    expect([idsOf(0), idsOf(1), idsOf(4)]).toEqual([[], [3], [1]]);
    expect(streams.dropped).toEqual([0]);
  });

  it('idle for too long, they go; a part of a query is not activity', () => {
    open(0);
    open(1);
    clock.nowMs += 9000;
    bring(0, denied(1));
    bring(1, denied(2).subarray(0, 10));
    clock.nowMs += 1000;
    server.sweep();
    expect(streams.dropped).toEqual([1]);
    clock.nowMs += 9000;
    server.sweep();
    expect(streams.dropped).toEqual([1, 0]);
  });

  it('of many that were idle for too long, a turn closes a few, the oldest first', () => {
    start({ ...LIMITS, closesPerTurn: 2 });
    for (const slot of [0, 1, 2, 3]) open(slot);
    clock.nowMs += 10_000;
    server.sweep();
    expect(streams.dropped).toEqual([0, 1]);
    server.sweep();
    server.sweep();
    expect(streams.dropped).toEqual([0, 1, 2, 3]);
  });

  it('without a descriptor for the next, the oldest makes room; else the sweep tries again', () => {
    streams.round({ slot: -1, flags: EV_REFUSED });
    expect(streams.resumed).toBe(0);
    server.sweep();
    expect(streams.resumed).toBe(1);
    open(0);
    open(1);
    streams.round({ slot: -1, flags: EV_REFUSED });
    expect([streams.dropped, streams.resumed]).toEqual([[0], 2]);
  });

  it('that broke are dropped, and their answers with them', () => {
    open(0, fresh(1));
    streams.round({ slot: 0, flags: EV_FAILED });
    expect(streams.dropped).toEqual([0]);
    open(0);
    answer(0, 1);
    expect(idsOf(0), 'the next one on this slot').toEqual([]);
    bring(0, fresh(1));
    expect(idsOf(0), 'the answer is stored').toEqual([1]);
  });

  it('half-closed, they get what they wait for, then the end', () => {
    open(0);
    streams.round({ slot: 0, flags: EV_ENDED, octets: Buffer.concat([fresh(1), denied(2)]) });
    expect([idsOf(0), streams.finished, streams.watched.get(0)]).toEqual([[2], [], 0]);
    answer(0, 1);
    expect([idsOf(0), streams.finished]).toEqual([[2, 1], [0]]);
    expect(server.connectionCount).toBe(0);
  });

  it('that end without anything to wait for go at once, after their answer', () => {
    open(0);
    streams.round({ slot: 0, flags: EV_ENDED, octets: denied(1) });
    expect([idsOf(0), streams.finished]).toEqual([[1], [0]]);
  });

  it('whose last octets have not left count until they have', () => {
    open(0);
    streams.finishesAtOnce = false;
    streams.round({ slot: 0, flags: EV_ENDED });
    expect([server.connectionCount, streams.finished]).toEqual([1, [0]]);
    streams.round({ slot: 0, flags: EV_FAILED });
    expect([server.connectionCount, streams.dropped]).toEqual([0, [0]]);
  });
});

describe('sources', () => {
  const nothing = new Uint8Array(0);
  const OTHER = '10.1.0.8';

  it('with its share of the connections, a source closes its own that has been idle longest', () => {
    start({ ...LIMITS, connectionsMax: 8, connectionsPerSource: 2 });
    open(0, nothing, OTHER);
    open(1);
    open(2);
    bring(1, denied(1));
    open(3);
    expect(streams.dropped).toEqual([2]);
    open(4);
    expect(streams.dropped).toEqual([2, 1]);
    expect([server.connectionCount, server.sourceCount]).toEqual([3, 2]);
  });

  it('one that cannot have more leaves the others alone, however often it comes', () => {
    start({ ...LIMITS, connectionsMax: 8, connectionsPerSource: 2 });
    open(0, nothing, OTHER);
    for (let turn = 0; turn < 100; turn++) for (let slot = 1; slot <= 4; slot++) open(slot);
    expect(streams.dropped).not.toContain(0);
    bring(0, denied(7));
    expect(idsOf(0)).toEqual([7]);
  });

  it.each([
    ['two IPv4 addresses are two', '10.1.0.8', 2],
    ['addresses of one IPv6 /64 are one', '2001:db8::7', 2],
    ['another IPv6 /64 is another', '2001:db8:0:1::7', 2],
  ])('%s', (_rule, other, count) => {
    open(0, nothing, other.includes(':') ? '2001:db8::1' : '10.1.0.7');
    open(1, nothing, other);
    open(2, nothing, '192.0.2.1');
    expect(server.sourceCount).toBe(other === '2001:db8::7' ? count : count + 1);
  });

  it('what one source leaves unread has a bound below that of all', () => {
    start({ ...LIMITS, unreadMax: 1 << 20, octetsPerSource: 4096 });
    for (const slot of [0, 1]) {
      open(slot, nothing, OTHER);
      streams.room.set(slot, 0);
    }
    open(2);
    streams.room.set(2, 0);
    const many = (count: number): Buffer =>
      Buffer.concat(Array.from({ length: count }, (_, i) => denied(i + 1)));
    bring(0, many(20));
    bring(1, many(200));
    expect(streams.dropped).toEqual([1]);
    bring(2, many(20));
    expect(streams.dropped).toEqual([1]);
  });

  it('frames that never end have one, too', () => {
    const endless = Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(3000)]);
    start({ ...LIMITS, unreadMax: 1 << 20, octetsPerSource: 10_000 });
    open(0, endless);
    open(1, nothing, OTHER);
    bring(0, endless);
    expect(streams.dropped).toEqual([]);
    bring(0, Buffer.alloc(5000));
    expect(streams.dropped).toEqual([0]);
    bring(1, denied(3));
    expect(idsOf(1)).toEqual([3]);
  });
});

describe('clients that wait or do not read', () => {
  it('with too many questions under way they are not read until one is answered', () => {
    open(0, Buffer.concat([1, 2, 3, 4, 5].map(fresh)));
    expect(asked.length).toBe(3);
    expect(streams.watched.get(0)).toBe(0);
    answer(1, 2);
    expect([asked.length, idsOf(0), streams.watched.get(0)]).toEqual([4, [2], 0]);
    answer(0, 1);
    expect([asked.length, streams.watched.get(0)]).toEqual([5, 0]);
    answer(2, 3);
    expect([idsOf(0), streams.watched.get(0)]).toEqual([[2, 1, 3], WATCH_READ]);
  });

  it('what their socket has no room for is kept in order, and they are not read', () => {
    open(0);
    streams.room.set(0, 30);
    bring(0, Buffer.concat([fresh(9), ...[1, 2, 3].map(denied)]));
    expect(streams.watched.get(0)).toBe(WATCH_WRITE);
    // There is room by now, but not ahead of what is kept.
    streams.room.set(0, 50);
    answer(0, 9);
    expect(streams.watched.get(0)).toBe(WATCH_WRITE);
    streams.room.set(0, 50);
    streams.round({ slot: 0, flags: EV_WRITABLE });
    expect(streams.watched.get(0)).toBe(WATCH_WRITE);
    streams.room.delete(0);
    streams.round({ slot: 0, flags: EV_WRITABLE });
    expect([idsOf(0), streams.watched.get(0)]).toEqual([[1, 2, 3, 9], WATCH_READ]);
  });

  it('frames that came while they were busy are taken later', () => {
    start({ ...LIMITS, pendingMax: 1 });
    open(0, Buffer.concat([fresh(1), denied(2), denied(3).subarray(0, 9)]));
    bring(0, denied(3).subarray(9));
    expect(idsOf(0)).toEqual([]);
    answer(0, 1);
    expect(idsOf(0)).toEqual([1, 2, 3]);
  });

  it('together they may leave only so much unread; one more octet closes', () => {
    open(0);
    streams.room.set(0, 0);
    bring(0, Buffer.concat(Array.from({ length: 500 }, (_, i) => denied(i + 1))));
    expect(streams.dropped).toEqual([0]);
    open(1, denied(7));
    expect(idsOf(1)).toEqual([7]);
  });

  it('whose socket is broken are dropped', () => {
    open(0);
    streams.room.set(0, -104);
    bring(0, denied(1));
    expect([streams.dropped, server.connectionCount]).toEqual([[0], 0]);
  });

  it('a full slab is sent on the way, and every answer gets through', () => {
    open(0);
    const queries = Array.from({ length: 3000 }, (_, i) => denied(i + 1));
    for (let at = 0; at < queries.length; at += 1500) {
      bring(0, Buffer.concat(queries.slice(at, at + 1500)));
    }
    expect(idsOf(0)).toEqual(queries.map((_, i) => i + 1));
    expect(streams.sends).toBeGreaterThan(2);
  });
});
