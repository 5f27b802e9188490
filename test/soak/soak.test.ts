/** A short soak on each backend; `npm run soak -- --minutes 30` is the long one. */

import { describe, expect, it, vi } from 'vitest';
import { buildQuery } from '../support/message.ts';
import { lacks } from '../support/processes.ts';
import { A, QNAME, record } from '../support/records.ts';
import { BACKENDS } from '../support/valve.ts';
import type { Asked } from '../upstream/fake-server.ts';
import { PatternReader } from './pattern.ts';
import { Soak } from './soak.ts';
import { Ticks } from './ticks.ts';

const SECONDS = 12;
const PER_SECOND = 400;
const TEST_MS = 120_000;

describe.skipIf(lacks('knotd', 'unbound')).each(BACKENDS)('%s sockets', (backend) => {
  it(
    'give what Unbound gives while upstreams freeze and die and the configuration changes',
    async () => {
      const shape = { seconds: SECONDS, perSecond: PER_SECOND, seed: 3, workers: 2, backend };
      const report = await new Soak(shape).run();
      expect(report.examples).toEqual([]);
      expect([report.wrong, report.doubts, report.status]).toEqual([0, [], 0]);
      // Guards against a vacuous pass.
      expect(report.counts.answers).toBeGreaterThan((SECONDS * PER_SECOND) / 2);
      expect(report.counts.denied).toBeGreaterThan(100);
      expect(report.counts.ticks).toBeGreaterThan(30);
      expect(report.ticks.aged).toBeGreaterThan(10);
      expect(report.counts.readApart).toBeLessThan(report.counts.answers);
      expect(report.oracleAsked).toBeGreaterThan(5);
      expect(Object.keys(report.events).length).toBeGreaterThan(0);
    },
    TEST_MS,
  );
});

function answer(ttl: number, last: number): Buffer {
  const flags = { id: 0x1234, name: 'a.example', flags: 0x8180 };
  const message = Buffer.concat([
    buildQuery(flags),
    record(QNAME, A, Buffer.from([8, 0, 0, last]), ttl),
  ]);
  message.writeUInt16BE(1, 6);
  return message;
}

describe('the pattern of a response', () => {
  const reader = new PatternReader();

  it('is the same whatever the id and the TTLs, and the highest TTL is told', () => {
    const other = answer(7, 1);
    other.writeUInt16BE(9, 0);
    const pattern = reader.read(answer(300, 1));
    expect(reader.highestTtl).toBe(300);
    expect(reader.read(other)).toBe(pattern);
    expect(reader.highestTtl).toBe(7);
  });

  it('is another one for another address, and none for what is cut off or too long', () => {
    const whole = answer(300, 1);
    const pattern = reader.read(whole);
    expect(pattern).not.toBeNull();
    expect(reader.read(answer(300, 2))).not.toBe(pattern);
    for (let size = 0; size < whole.length; size++) {
      expect(reader.read(whole.subarray(0, size))).not.toBe(pattern);
    }
    expect(reader.read(Buffer.concat([whole, Buffer.from([0])]))).toBeNull();
  });
});

describe('the ticks', () => {
  /** The resolver had it at 1,000 ms at the latest. */
  const rows = [
    { ttl: 4, sentMs: 1999, wrong: false },
    { ttl: 4, sentMs: 2000, wrong: true },
    { ttl: 3, sentMs: 2999, wrong: false },
    { ttl: 0, sentMs: 5999, wrong: false },
    { ttl: 0, sentMs: 6000, wrong: true },
    { ttl: 5, sentMs: 900, wrong: true },
    { ttl: 4, sentMs: 900, wrong: false },
  ];

  it.each(rows)('TTL $ttl asked at $sentMs ms is wrong: $wrong', ({ ttl, sentMs, wrong }) => {
    vi.useFakeTimers({ now: 800, toFake: ['Date'] });
    try {
      const ticks = new Ticks();
      let rdata = '';
      const question = Buffer.from('016100', 'hex');
      ticks.answer({
        name: 'A.ticks.example',
        question,
        id: 0,
        reply: (octets: Buffer) => {
          rdata = octets.subarray(-4).toString('hex');
        },
      } as unknown as Asked);
      vi.setSystemTime(1000);
      expect(ticks.check('a.ticks.example', { rdata, ttl: 4 }, 850)).toBeNull();
      const problem = ticks.check('a.ticks.example', { rdata, ttl }, sentMs);
      expect(problem === null).toBe(!wrong);
      expect(ticks.check('b.ticks.example', { rdata, ttl: 1 }, sentMs)).toContain('nobody gave');
    } finally {
      vi.useRealTimers();
    }
  });
});
