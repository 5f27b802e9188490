/** Tries and match: which query a message answers, if any. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildQuery, PLAIN, QUERY_MAX } from '../../src/upstream/forward.ts';
import { FrameReader } from '../../src/upstream/frames.ts';
import { Inflight } from '../../src/upstream/inflight.ts';
import {
  MATCH_CASE,
  MATCH_OK,
  MATCH_STRAY,
  MATCH_WRONG,
  matchDatagram,
} from '../../src/upstream/match.ts';
import { randomBelow, randomU16 } from '../../src/upstream/random.ts';
import { Tries } from '../../src/upstream/tries.ts';
import { framed } from './fake-server.ts';
import { wireName } from './rig.ts';

/** One flight on the wire, and the response that fits it. */
function onWire(name: string): { tries: Tries; response: Uint8Array } {
  const inflight = new Inflight(4);
  const tries = new Tries(4, 1);
  const flight = inflight.acquire(wireName(name), 1, 0, 0, 0);
  tries.ask(inflight, flight, flight);
  const response = new Uint8Array(QUERY_MAX);
  const length = buildQuery(tries, flight, PLAIN, response, 0);
  const id = tries.open(flight * 2, 7, 0);
  response[0] = id >> 8;
  response[1] = id & 255;
  response[2] = 0x81;
  return { tries, response: response.slice(0, length) };
}

it('any single octet that differs makes it no answer, but for flags and counts behind', () => {
  const { tries, response } = onWire('www.example.com');
  expect(matchDatagram(tries, 7, response, 0, response.length)).toBe(MATCH_OK);
  expect(matchDatagram(tries, 8, response, 0, response.length)).toBe(MATCH_STRAY);
  const seen = new Set<number>();
  for (let at = 0; at < response.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      const other = Uint8Array.from(response);
      other[at] = (other[at] ?? 0) ^ bit;
      const match = matchDatagram(tries, 7, other, 0, other.length);
      seen.add(match);
      const isFree = (at === 2 && (bit & 0x07) !== 0) || at === 3 || (at >= 6 && at < 12);
      expect(match === MATCH_OK, `octet ${at} bit ${bit}`).toBe(isFree);
      if (match === MATCH_CASE) expect(bit).toBe(32);
    }
  }
  expect([...seen].sort()).toEqual([MATCH_STRAY, MATCH_WRONG, MATCH_CASE, MATCH_OK]);
});

it('a message that ends early is never an answer', () => {
  const { tries, response } = onWire('www.example.com');
  for (let end = 0; end < response.length; end++) {
    expect(matchDatagram(tries, 7, response, 0, end)).not.toBe(MATCH_OK);
  }
});

it('random messages are never answers, and never read past their end', () => {
  const { tries, response } = onWire('www.example.com');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
      const forged = Uint8Array.from([...response.subarray(0, 2), ...octets]);
      expect(matchDatagram(tries, 7, forged, 0, forged.length)).not.toBe(MATCH_OK);
    }),
    { seed: 20261123, numRuns: 2000 },
  );
});

it('a try that was dropped is not found; the others are', () => {
  const tries = new Tries(64, 2);
  fc.assert(
    fc.property(
      fc.array(fc.nat(129), { minLength: 50, maxLength: 300, size: 'max' }),
      (toggles) => {
        const open = new Map<number, number>();
        for (const attempt of toggles) {
          const id = open.get(attempt);
          if (id === undefined) open.set(attempt, tries.open(attempt, attempt % 3, 0));
          else tries.drop(attempt);
          if (id !== undefined) open.delete(attempt);
          for (const [other, otherId] of open) expect(tries.find(other % 3, otherId)).toBe(other);
          if (id !== undefined) expect(tries.find(attempt % 3, id)).toBe(-1);
        }
        for (const attempt of open.keys()) tries.drop(attempt);
      },
    ),
    { seed: 20261123, numRuns: 50 },
  );
});

it('case is drawn for letters only, each as often upper as lower', () => {
  const inflight = new Inflight(1);
  const tries = new Tries(1, 0);
  const name = wireName('abcdefgh-1.xn--zz');
  const flight = inflight.acquire(name, 1, 0, 0, 0);
  const upper = new Array<number>(name.length).fill(0);
  for (let i = 0; i < 2000; i++) {
    tries.ask(inflight, flight, 0);
    for (let at = 0; at < name.length; at++) {
      const octet = tries.asked[at] ?? 0;
      const lower = name.octets[at] ?? 0;
      if (octet !== lower) upper[at] = (upper[at] ?? 0) + 1;
      if (octet !== lower) expect(octet).toBe(lower - 32);
    }
  }
  for (let at = 0; at < name.length; at++) {
    const isLetter = /[a-z]/.test(String.fromCharCode(name.octets[at] ?? 0));
    // 1000 expected, standard deviation 22: ten of them.
    if (isLetter) expect(Math.abs((upper[at] ?? 0) - 1000)).toBeLessThan(220);
    else expect(upper[at]).toBe(0);
  }
});

it('random numbers cover their range and do not repeat in order', () => {
  const drawn = Array.from({ length: 20_000 }, () => randomU16());
  expect(new Set(drawn).size).toBeGreaterThan(16_000);
  expect(Math.max(...drawn)).toBeGreaterThan(65_000);
  const below = new Set(Array.from({ length: 1000 }, () => randomBelow(16)));
  expect(below.size).toBe(16);
});

it('frames come out whole however the stream is cut', () => {
  const messages = fc.array(fc.uint8Array({ minLength: 12, maxLength: 600, size: 'max' }), {
    minLength: 1,
    maxLength: 8,
  });
  let cuts = 0;
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 3 }),
      (list, sizes) => {
        const stream = Buffer.concat(list.map((message) => framed(message)));
        const reader = new FrameReader();
        const got: Buffer[] = [];
        let at = 0;
        for (let i = 0; at < stream.length; i++) {
          const size = sizes[i % (sizes.length + 1)] ?? stream.length;
          cuts++;
          const isWhole = reader.push(stream.subarray(at, at + size), (octets, start, end) => {
            got.push(Buffer.from(octets.slice(start, end)));
            return true;
          });
          expect(isWhole).toBe(true);
          at += size;
        }
        expect(got).toEqual(list.map((message) => Buffer.from(message)));
      },
    ),
    { seed: 20261123, numRuns: 300 },
  );
  expect(cuts).toBeGreaterThan(1000);
});

it.each([0, 1, 11])('a frame of %i octets breaks the stream', (size) => {
  const reader = new FrameReader();
  const stream = framed(new Uint8Array(size));
  expect(reader.push(stream, () => true)).toBe(false);
});
