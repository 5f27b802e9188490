/** Which sources the kernel is told to drop, and what share of them still comes through. */

import { describe, expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import { addressToBytes, addressToText } from '../../src/native/addresses.ts';
import { SHIELD_ROW, SHIELD_ROWS, Shield } from '../../src/overload/shield.ts';
import { Random } from '../detect/random.ts';

/** A turn of the worker's clock. */
const TURN_MS = 20;
const RATE = 20_000;
const NOISY = '10.1.0.1';
/** What starts a filter, beyond the limit, a second; what is let through there, twice at most. */
const BEYOND = 10_000;
const kept = (rate: number): number => Math.max(1000, 2 * Math.sqrt((rate * TURN_MS) / 1000) * 50);

/** The kernel and a worker of which `RATE` a second are admitted: a ms at a time. */
class Machine {
  readonly shield = new Shield();
  nowMs = 1000;
  /** Datagrams of each source that reached the worker. */
  readonly received = new Map<string, number>();
  readonly #rest = new Map<string, number>();

  constructor() {
    this.shield.look(this.nowMs);
  }

  /** @param sources what each sends in a ms */
  pass(ms: number, sources: Readonly<Record<string, number>>): void {
    for (let i = 0; i < ms; i++) {
      this.nowMs++;
      for (const [from, perMs] of Object.entries(sources)) this.#send(from, perMs);
      if (this.nowMs % TURN_MS === 0) this.shield.look(this.nowMs);
      else if (this.shield.isUrgent) this.shield.lookAtNew(this.nowMs);
    }
  }

  #send(from: string, perMs: number): void {
    const exact = perMs * (this.shares[from] ?? 1) + (this.#rest.get(from) ?? 0);
    const count = Math.floor(exact);
    this.#rest.set(from, exact - count);
    this.received.set(from, (this.received.get(from) ?? 0) + count);
    const peer = new Uint8Array(PEER_SIZE);
    addressToBytes(from, peer, 0);
    for (let n = RATE / 1000; n < count; n++) this.shield.note(peer, 0, RATE, this.nowMs);
  }

  get shares(): Record<string, number> {
    const { rows, count } = this.shield;
    const view = new DataView(rows.buffer);
    return Object.fromEntries(
      Array.from({ length: count }, (_, i) => {
        const at = i * SHIELD_ROW;
        return [addressToText(rows, at), view.getUint32(at + 16) / 2 ** 32];
      }),
    );
  }
}

describe('a source that floods', () => {
  it.each([40, 50, 100, 200, 330, 1000, 4000])(
    'of %i a ms so many reach the worker in a second as it may ask, and a few more',
    (perMs) => {
      const machine = new Machine();
      machine.pass(1000, { [NOISY]: perMs });
      const first = machine.received.get(NOISY) ?? 0;
      expect(first).toBeGreaterThan(RATE * 0.8);
      // What comes before the filter, and until its share is found, is in the first second.
      expect(first).toBeLessThan(RATE + 1.5 * BEYOND + perMs * TURN_MS);
      machine.pass(1000, { [NOISY]: perMs });
      const second = (machine.received.get(NOISY) ?? 0) - first;
      expect(second).toBeGreaterThan(RATE);
      expect(second).toBeLessThanOrEqual(RATE + 2 * kept(RATE));
    },
  );

  describe.each([1000, 5000, 20_000, 100_000])('where %i a second are admitted', (rate) => {
    it.each([2, 5, 20, 100])(
      'and the kernel draws lots: of %i times as many a few more than those come through',
      (times) => {
        const shield = new Shield();
        const random = new Random(times * rate);
        const peer = new Uint8Array(PEER_SIZE);
        addressToBytes(NOISY, peer, 0);
        const perMs = (rate * times + BEYOND) / 1000;
        let [tokens, received] = [0, 0];
        for (let nowMs = 1001; nowMs <= 6000; nowMs++) {
          const share = shield.count === 0 ? 1 : new DataView(shield.rows.buffer).getUint32(16);
          tokens = Math.min(rate, tokens + rate / 1000);
          for (let i = 0; i < perMs; i++) {
            if (share !== 1 && random.next() >= share) continue;
            if (nowMs > 2000) received++;
            if (tokens >= 1) tokens--;
            else shield.note(peer, 0, rate, nowMs);
          }
          if (nowMs % TURN_MS === 0) shield.look(nowMs);
          else if (shield.isUrgent) shield.lookAtNew(nowMs);
        }
        expect(received / 4).toBeGreaterThan(rate * 0.95);
        expect(received / 4).toBeLessThan(rate + 2 * kept(rate));
      },
    );
  });

  it('is filtered within a ms of the limit, and never wholly', () => {
    const machine = new Machine();
    machine.pass(1, { [NOISY]: 330 });
    expect(machine.shares[NOISY]).toBeGreaterThan(0);
    expect(machine.shares[NOISY]).toBeLessThan(0.1);
  });

  it('stays in the filter as long as it floods', () => {
    const machine = new Machine();
    for (let turn = 0; turn < 500; turn++) {
      machine.pass(TURN_MS, { [NOISY]: 330 });
      expect(machine.shares[NOISY]).toBeLessThan(0.25);
    }
  });

  it('stays in it while it pauses for a moment, time and again', () => {
    const machine = new Machine();
    machine.pass(500, { [NOISY]: 330 });
    const before = machine.received.get(NOISY) ?? 0;
    for (let i = 0; i < 10; i++) {
      machine.pass(50, {});
      machine.pass(50, { [NOISY]: 330 });
    }
    const received = (machine.received.get(NOISY) ?? 0) - before;
    // Of 165,000.
    expect(received).toBeLessThan(RATE + 2 * BEYOND);
  });

  it('comes out of the filter within a second after it stopped, also at its limit', () => {
    const machine = new Machine();
    machine.pass(1000, { [NOISY]: 330 });
    machine.pass(1000, { [NOISY]: RATE / 1000 });
    expect(machine.shares).toEqual({});
    const before = machine.received.get(NOISY) ?? 0;
    machine.pass(1000, { [NOISY]: RATE / 1000 });
    expect((machine.received.get(NOISY) ?? 0) - before).toBe(RATE);
  });

  it('is not filtered for a few beyond its limit', () => {
    const machine = new Machine();
    for (let i = 0; i < 50; i++) {
      machine.pass(TURN_MS, { [NOISY]: RATE / 1000 + 5 });
      expect(machine.shares).toEqual({});
    }
  });

  it('is filtered at once though another one is already', () => {
    const machine = new Machine();
    machine.pass(TURN_MS + 1, { [NOISY]: 330 });
    machine.pass(1, { [NOISY]: 330, '10.1.0.2': 330 });
    expect(Object.keys(machine.shares).toSorted()).toEqual([NOISY, '10.1.0.2']);
  });

  it('of IPv4 and of IPv6, each has its row', () => {
    const machine = new Machine();
    machine.pass(5, { [NOISY]: 100, '2001:db8::1': 100 });
    expect(Object.keys(machine.shares).toSorted()).toEqual([NOISY, '2001:db8::1']);
  });

  it('of an IPv6 /64 all addresses are one source', () => {
    const machine = new Machine();
    const many = Array.from({ length: 10 }, (_, i) => [`2001:db8::${i + 1}`, 50] as const);
    machine.pass(5, Object.fromEntries(many));
    expect(machine.shield.count).toBe(1);
  });

  it('has a row though as many others flood as there are rows', () => {
    const machine = new Machine();
    const many = Array.from({ length: SHIELD_ROWS }, (_, i) => [`10.1.0.${i + 1}`, 100] as const);
    machine.pass(20, Object.fromEntries(many));
    expect(machine.shield.count).toBe(SHIELD_ROWS);
  });

  it('among thousands of sources, the one that sheds most has its row', () => {
    const machine = new Machine();
    const few = RATE / 1000 + 1;
    const many = Array.from({ length: 2000 }, (_, i) => [`10.2.${i >>> 8}.${i & 255}`, few]);
    machine.pass(TURN_MS, { ...Object.fromEntries(many), [NOISY]: 4000 });
    expect(Object.keys(machine.shares)).toEqual([NOISY]);
  });
});

describe('the burst of a workload', () => {
  const TURN_MAX = 1000;

  /** Has so many admitted from a burst, a source's in a row. */
  function admit(shield: Shield, from: string, times: number, nowMs: number, rate = RATE): void {
    const peer = new Uint8Array(PEER_SIZE);
    addressToBytes(from, peer, 0);
    for (let i = 0; i < times; i++) {
      shield.noteBurst(peer, 0, rate, nowMs);
      if (shield.isUrgent) shield.lookAtNew(nowMs);
    }
  }

  it('is for many sources', () => {
    const { shield } = new Machine();
    for (let i = 0; i < 300; i++) admit(shield, `10.3.${i >>> 8}.${i & 255}`, 100, 1001);
    expect(shield.count).toBe(0);
  });

  it('of one source is the beginning of a flood', () => {
    const { shield } = new Machine();
    admit(shield, NOISY, TURN_MAX, 1001);
    expect(shield.count).toBe(0);
    admit(shield, NOISY, 1, 1001);
    expect(shield.count).toBe(1);
  });

  it('of one source is counted by turns of the clock', () => {
    const { shield } = new Machine();
    for (let turn = 1; turn < 10; turn++) {
      admit(shield, NOISY, TURN_MAX, 1000 + turn * TURN_MS);
      shield.look(1000 + turn * TURN_MS);
    }
    expect(shield.count).toBe(0);
  });

  it('of a source that may ask much is as much larger', () => {
    const { shield } = new Machine();
    admit(shield, NOISY, 20_000, 1001, 500_000);
    expect(shield.count).toBe(0);
    admit(shield, NOISY, 1, 1001, 500_000);
    expect(shield.count).toBe(1);
  });
});
