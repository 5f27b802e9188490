import { describe, expect, it } from 'vitest';
import {
  type Frame,
  RECENT_MS,
  SETTLE_MS,
  WINDOW_OCTETS,
  Window,
} from '../../../src/alerts/sinks/window.ts';

function frame(takenMs: number, octets = 1): Frame {
  return { octets: new Uint8Array(octets), writtenMs: takenMs, takenMs, isCounted: true };
}

describe('what a broken connection may have swallowed', () => {
  it('is what went lately, oldest first', () => {
    const window = new Window();
    const frames = [0, 5, RECENT_MS, RECENT_MS + 1].map((ms) => frame(ms));
    for (const one of frames) window.add(one);
    expect(window.take(RECENT_MS + 4)).toEqual(frames.slice(1));
    expect(window.confirmed(RECENT_MS + 4)).toBe(1);
    expect(window.take(RECENT_MS + 4)).toEqual([]);
  });

  it('is nothing after a connection that was quiet for long enough', () => {
    const window = new Window();
    window.add(frame(0));
    expect(window.confirmed(RECENT_MS - 1)).toBe(0);
    expect(window.confirmed(RECENT_MS)).toBe(1);
    expect(window.take(RECENT_MS)).toEqual([]);
  });

  it('does not get certain by age while the peer is not reading', () => {
    const window = new Window();
    window.add(frame(0));
    window.stalled(RECENT_MS - 1);
    expect(window.confirmed(2 * RECENT_MS - 2)).toBe(0);
    expect(window.confirmed(2 * RECENT_MS - 1)).toBe(1);
  });

  it('is bounded in octets, whatever their number', () => {
    const window = new Window();
    const size = WINDOW_OCTETS / 4;
    for (let n = 0; n < 6; n++) window.add(frame(n, size));
    expect(window.take(6).map(({ takenMs }) => takenMs)).toEqual([2, 3, 4, 5]);
  });

  it('is what the peer has read for as long as its disk may take', () => {
    const window = new Window();
    const frames = [frame(0), frame(5)];
    for (const one of frames) window.add(one);
    window.stalled(5);
    window.acknowledged(10);
    expect(window.confirmed(9 + SETTLE_MS)).toBe(0);
    window.add(frame(20));
    expect(window.confirmed(10 + SETTLE_MS)).toBe(2);
    expect(window.take(10 + SETTLE_MS)).toHaveLength(1);
  });

  it('is nothing once the peer has closed after us', () => {
    const window = new Window();
    for (let n = 0; n < 3000; n++) window.add(frame(n));
    window.clear();
    expect(window.confirmed(3000)).toBe(3000);
    expect(window.take(3000)).toEqual([]);
  });
});
