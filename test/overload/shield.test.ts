/** Which sources the kernel is told to drop, and what share of them still comes through. */

import { describe, expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import { addressToBytes, addressToText } from '../../src/native/addresses.ts';
import { SHIELD_ROW, Shield } from '../../src/overload/shield.ts';

const LOOK_MS = 100;
const RATE = 1000;

class Flood {
  readonly shield = new Shield();
  nowMs = 1000;

  constructor() {
    this.shield.look(this.nowMs);
  }

  /** So many are shed, then it is looked. @returns share of each source in the filter */
  tenth(...sources: readonly (readonly [string, number])[]): Record<string, number> {
    const peer = new Uint8Array(PEER_SIZE);
    for (const [from, times] of sources) {
      addressToBytes(from, peer, 0);
      for (let i = 0; i < times; i++) this.shield.note(peer, 0, RATE);
    }
    this.nowMs += LOOK_MS;
    this.shield.look(this.nowMs);
    return this.shares;
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
  it('is let through as far as a few are still shed', () => {
    const flood = new Flood();
    const { '10.1.0.1': share = 0 } = flood.tenth(['10.1.0.1', 30_000]);
    expect(share).toBeCloseTo((100 + 500) / (100 + 30_000), 3);
    // As many come through as the share says: it stays.
    expect(flood.tenth(['10.1.0.1', 500])).toEqual({ '10.1.0.1': share });
  });

  it('is not filtered for a few', () => {
    expect(new Flood().tenth(['10.1.0.1', 900])).toEqual({});
  });

  it('comes out of the filter when it stops', () => {
    const flood = new Flood();
    flood.tenth(['10.1.0.1', 30_000]);
    for (let i = 0; i < 7; i++) flood.tenth();
    expect(flood.shares).toEqual({});
  });

  it('of IPv4 and of IPv6, each has its row', () => {
    const shares = new Flood().tenth(['10.1.0.1', 10_000], ['2001:db8::1', 10_000]);
    expect(Object.keys(shares).toSorted()).toEqual(['10.1.0.1', '2001:db8::1']);
  });

  it('is filtered at once where many came, and never wholly', () => {
    const flood = new Flood();
    const peer = new Uint8Array(PEER_SIZE);
    addressToBytes('10.1.0.1', peer, 0);
    for (let i = 0; i < 300; i++) flood.shield.note(peer, 0, RATE);
    expect(flood.shield.isUrgent(flood.nowMs)).toBe(true);
    flood.shield.look(flood.nowMs + 1);
    expect(flood.shares['10.1.0.1']).toBeGreaterThan(0);
  });

  it('among thousands of sources, the one that sheds most has its row', () => {
    const flood = new Flood();
    const others = Array.from(
      { length: 2000 },
      (_, i) => [`10.2.${i >>> 8}.${i & 255}`, 1] as const,
    );
    expect(Object.keys(flood.tenth(...others, ['10.1.0.1', 20_000]))).toEqual(['10.1.0.1']);
  });
});
