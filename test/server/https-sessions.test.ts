/** What sessions over HTTPS may take, each and each source: without connections, by numbers. */

import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { PEER_PORT, PEER_SIZE } from '../../src/batch.ts';
import { COUNTERS, TCP_SOURCE_CLOSED } from '../../src/counters.ts';
import { HttpsSessions } from '../../src/server/https-sessions.ts';

const LIMITS = {
  connectionsMax: 5,
  idleMs: 1000,
  closesPerTurn: 40,
  pendingMax: 1,
  unreadMax: 100,
  connectionsPerSource: 2,
  octetsPerSource: 40,
};

class Session extends EventEmitter {
  readonly socket = { bytesRead: 0 };
  isOver = false;

  destroy(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.emit('close');
  }
}

class Rig {
  readonly counters = new Float64Array(COUNTERS.length);
  readonly sessions = new HttpsSessions(LIMITS, this.counters);

  open(last: number, nowMs = 0, isShared = false): Session {
    const session = new Session();
    const record = new Uint8Array(PEER_SIZE);
    record[PEER_PORT - 1] = last;
    // Another port is no other source.
    record[PEER_PORT] = this.sessions.size;
    const socket = session.socket as unknown as TLSSocket;
    this.sessions.open(of(session), socket, record, isShared, nowMs);
    return session;
  }

  get closedOfSource(): number {
    return this.counters[TCP_SOURCE_CLOSED] ?? 0;
  }
}

const of = (session: Session): ServerHttp2Session => session as unknown as ServerHttp2Session;
const over = (list: readonly Session[]): boolean[] => list.map(({ isOver }) => isOver);

describe('sessions', () => {
  it('of one source: one more closes its own that is idle longest', () => {
    const rig = new Rig();
    const [other, first, second] = [rig.open(9), rig.open(1), rig.open(1)];
    rig.sessions.touch(of(first), 5);
    const third = rig.open(1);
    expect(over([other, first, second, third])).toEqual([false, false, true, false]);
    expect([rig.sessions.size, rig.closedOfSource]).toEqual([3, 1]);
    first.destroy();
    rig.open(1);
    expect(over([third])).toEqual([false]);
  });

  it('of a trusted forwarder are those of many', () => {
    const rig = new Rig();
    const list = [1, 1, 1, 1].map((last) => rig.open(last, 0, true));
    expect(over(list)).toEqual([false, false, false, false]);
  });

  it('of all: one more closes the one that is idle longest', () => {
    const rig = new Rig();
    const list = [1, 2, 3, 4, 5].map((last) => rig.open(last));
    rig.sessions.touch(of(list[0]!), 1);
    rig.open(6);
    expect(over(list)).toEqual([false, true, false, false, false]);
    expect([rig.sessions.size, rig.closedOfSource]).toEqual([5, 0]);
  });

  it('without a query for too long are closed, whatever else they send', () => {
    const rig = new Rig();
    const [first, second] = [rig.open(1), rig.open(2)];
    rig.sessions.touch(of(second), 1);
    rig.sessions.sweep(999);
    expect(over([first, second])).toEqual([false, false]);
    rig.sessions.sweep(1000);
    expect(over([first, second])).toEqual([true, false]);
  });

  it('may send a megabyte that is no query, and eight kilobytes with each', () => {
    const rig = new Rig();
    const [quiet, busy] = [rig.open(1), rig.open(2)];
    for (let i = 0; i < 2; i++) rig.sessions.touch(of(busy), 0);
    let nowMs = -10_000;
    const sweep = (octets: number): boolean[] => {
      for (const { socket } of [quiet, busy]) socket.bytesRead = octets;
      nowMs += 1000;
      rig.sessions.sweep(nowMs);
      return over([quiet, busy]);
    };
    expect(sweep(1 << 20)).toEqual([false, false]);
    expect(sweep((1 << 20) + 1)).toEqual([true, false]);
    expect(sweep((1 << 20) + 16_384)).toEqual([true, false]);
    expect(sweep((1 << 20) + 16_385)).toEqual([true, true]);
  });
});

describe('octets that are kept', () => {
  it('of one source have a bound, and are given back', () => {
    const rig = new Rig();
    const [first, second] = [rig.open(1), rig.open(1)];
    const release = rig.sessions.keep(of(first), 30);
    expect(release).not.toBe(null);
    expect(rig.sessions.keep(of(second), 10)).not.toBe(null);
    release?.();
    expect(rig.sessions.keep(of(first), 30)).not.toBe(null);
    expect(rig.sessions.keep(of(second), 1)).toBe(null);
    expect(over([first, second])).toEqual([false, true]);
    expect(rig.closedOfSource).toBe(1);
  });

  it('of all have a bound', () => {
    const rig = new Rig();
    const list = [1, 2, 3].map((last) => rig.open(last));
    expect(list.map((one) => rig.sessions.keep(of(one), 40) !== null)).toEqual([true, true, false]);
    expect(over(list)).toEqual([false, false, true]);
    expect(rig.closedOfSource).toBe(0);
  });

  it('are for nobody whose session is over', () => {
    const rig = new Rig();
    const session = rig.open(1);
    session.destroy();
    expect(rig.sessions.keep(of(session), 1)).toBe(null);
  });
});
