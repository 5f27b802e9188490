/** The ring of records of any length: nothing is lost, torn or taken twice, and what is shed counts. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ByteRingReader,
  ByteRingWriter,
  createByteRing,
  shedOf,
} from '../../src/events/byte-ring.ts';

const SIZE = 256;

/** Writes a record that is filled with `mark` behind its size. */
function write(ring: ByteRingWriter, size: number, mark: number): boolean {
  const at = ring.claim(size);
  if (at === -1) return false;
  ring.octets.fill(mark, at + 4, at + size);
  ring.publish(size);
  return true;
}

/** Size and mark of the next record. */
function read(ring: ByteRingReader): readonly [number, number] | null {
  const at = ring.peek();
  if (at === -1) return null;
  const size = ring.view.getInt32(at, true);
  const marks = new Set(ring.octets.subarray(at + 4, at + size));
  if (marks.size !== 1) throw new Error('a record of two');
  const [mark = -1] = marks;
  ring.release(at);
  return [size, mark];
}

describe('the byte ring', () => {
  it('gives records in their order, whole, or counts them as shed', () => {
    const step = fc.oneof(
      fc.integer({ min: 1, max: SIZE / 8 + 2 }).map((words) => words * 8),
      fc.constant(0),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const memory = createByteRing(SIZE);
        // Where the counters of octets wrap, nothing may change.
        memory.control[0] = memory.control[1] = -SIZE;
        const writer = new ByteRingWriter(memory);
        const reader = new ByteRingReader(memory);
        const expected: (readonly [number, number])[] = [];
        let shed = 0;
        for (const [index, size] of steps.entries()) {
          const mark = index & 255;
          if (size === 0) expect(read(reader)).toEqual(expected.shift() ?? null);
          else if (write(writer, size, mark)) expected.push([size, mark]);
          else shed++;
        }
        for (const record of expected) expect(read(reader)).toEqual(record);
        expect(read(reader)).toBeNull();
        expect(shedOf(memory)).toBe(shed);
      }),
    );
  });

  it('sheds only what does not fit: an empty one takes a record of its whole size', () => {
    const memory = createByteRing(SIZE);
    const writer = new ByteRingWriter(memory);
    expect(write(writer, SIZE, 1)).toBe(true);
    expect(write(writer, 8, 2)).toBe(false);
    expect(read(new ByteRingReader(memory))).toEqual([SIZE, 1]);
    expect(write(writer, 8, 3)).toBe(true);
  });

  it.each([0, 8, 100, 2 ** 31])('is not made with %i octets', (size) => {
    expect(() => createByteRing(size)).toThrow(RangeError);
  });
});
