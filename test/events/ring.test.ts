import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORD_SIZE } from '../../src/events/kinds.ts';
import { createRing, RingReader, RingWriter } from '../../src/events/ring.ts';

describe('ring', () => {
  for (const capacity of [0, 1, 3, 6, 1000]) {
    it(`does not take a capacity of ${capacity}`, () => {
      expect(() => createRing(capacity)).toThrow(/power of two/);
    });
  }

  it('a writer that starts anew goes on where the last one stopped', () => {
    const memory = createRing(4);
    const first = new RingWriter(memory);
    first.claim();
    first.publish();
    const second = new RingWriter(memory);
    expect(second.claim()).toBe(RECORD_SIZE);
  });

  it('counts what was given up', () => {
    const memory = createRing(2);
    new RingWriter(memory).shed(3);
    new RingWriter(memory).shed(4);
    expect(new RingReader(memory).shedCount).toBe(7);
  });

  it('gives every record once, in order, and none when full, also where the counters wrap', () => {
    let full = 0;
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 50, maxLength: 300 }),
        fc.constantFrom(0, 0x7ffffff0, -8),
        (steps, start) => {
          const memory = createRing(8);
          memory.control.fill(start, 0, 2);
          const writer = new RingWriter(memory);
          const reader = new RingReader(memory);
          const model: number[] = [];
          let next = 0;
          for (const isWrite of steps) {
            if (isWrite) {
              const at = writer.claim();
              expect(at === -1).toBe(model.length === 8);
              if (at === -1) full++;
              else {
                writer.view.setUint32(at, next);
                model.push(next++);
                writer.publish();
              }
            } else {
              const at = reader.peek();
              const want = model.shift();
              expect(at === -1 ? undefined : reader.view.getUint32(at)).toBe(want);
              if (at !== -1) reader.release();
            }
          }
        },
      ),
      { numRuns: 500, seed: 8 },
    );
    expect(full).toBeGreaterThan(100);
  });
});
