/** Flights: what is the same question, and what is left of one that ended. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflight, KEY_CD, KEY_DO, KEY_NO_RD, NAME_STRIDE } from '../../src/upstream/inflight.ts';
import { WireName } from '../../src/wire/name.ts';
import { wireName } from './rig.ts';

describe('what shares a flight', () => {
  const rows = [
    { name: 'the same question', ask: ['www.example.com', 1, 0, 0], shared: true },
    { name: 'another case', ask: ['WWW.eXample.COM', 1, 0, 0], shared: true },
    { name: 'another name', ask: ['ww.example.com', 1, 0, 0], shared: false },
    { name: 'another type', ask: ['www.example.com', 28, 0, 0], shared: false },
    { name: 'CD', ask: ['www.example.com', 1, KEY_CD, 0], shared: false },
    { name: 'DO', ask: ['www.example.com', 1, KEY_DO, 0], shared: false },
    { name: 'RD clear', ask: ['www.example.com', 1, KEY_NO_RD, 0], shared: false },
    { name: 'another group', ask: ['www.example.com', 1, 0, 1], shared: false },
    { name: 'the dot inside a label', ask: ['www.examplé', 1, 0, 0], shared: false },
  ] as const;

  it.each(rows)('$name: $shared', ({ ask, shared }) => {
    const inflight = new Inflight(8);
    const flight = inflight.acquire(wireName('www.example.com'), 1, 0, 0, 5);
    const [name, qtype, keyFlags, group] = ask;
    expect(inflight.find(wireName(name), qtype, keyFlags, group)).toBe(shared ? flight : -1);
  });
});

it('a full table gives -1, and room again after a release', () => {
  const inflight = new Inflight(2);
  const first = inflight.acquire(wireName('a'), 1, 0, 0, 0);
  inflight.acquire(wireName('b'), 1, 0, 0, 0);
  expect(inflight.acquire(wireName('c'), 1, 0, 0, 0)).toBe(-1);
  inflight.release(first);
  expect(inflight.generation[first]).toBe(1);
  expect(inflight.acquire(wireName('c'), 1, 0, 0, 0)).toBe(first);
});

it('a flight holds its question, with no waiters', () => {
  const inflight = new Inflight(4);
  const name = wireName('www.example.com');
  const flight = inflight.acquire(name, 65, KEY_DO, 3, 77);
  const at = flight * NAME_STRIDE;
  const octets = inflight.nameOctets.slice(at, at + (inflight.nameLength[flight] ?? 0));
  expect(octets).toEqual(name.octets.slice(0, name.length));
  expect([inflight.qtype[flight], inflight.keyFlags[flight], inflight.group[flight]]).toEqual([
    65,
    KEY_DO,
    3,
  ]);
  expect([inflight.firstWaiter[flight], inflight.waiterCount[flight]]).toEqual([-1, 0]);
  expect(inflight.startedMs[flight]).toBe(77);
});

describe('a name read back is as it was, hashes included', () => {
  const rows = [
    { name: 'the root', text: '' },
    { name: 'a few labels', text: 'www.example.com' },
    { name: 'as many labels as are kept', text: 'a.b.c.d.e.f.g' },
    { name: 'one label more', text: 'a.b.c.d.e.f.g.h' },
    { name: 'as many as there can be', text: Array(127).fill('a').join('.') },
  ];
  it.each(rows)('$name', ({ text }) => {
    const inflight = new Inflight(2);
    inflight.acquire(wireName('other.example'), 1, 0, 0, 0);
    const flight = inflight.acquire(wireName(text), 1, 0, 0, 0);
    const [want, got] = [wireName(text), new WireName()];
    inflight.readName(flight, got);
    const { length, labelCount } = want;
    expect([got.length, got.labelCount, got.registrable]).toEqual([length, labelCount, -1]);
    expect(got.octets.slice(0, length)).toEqual(want.octets.slice(0, length));
    for (const part of ['labelAt', 'low', 'high'] as const) {
      expect(got[part].slice(0, labelCount + 1)).toEqual(want[part].slice(0, labelCount + 1));
    }
  });
});

it('a detached flight is not found, and can be released', () => {
  const inflight = new Inflight(4);
  const flights = ['a', 'b', 'c'].map((name) => inflight.acquire(wireName(name), 1, 0, 0, 0));
  inflight.detach(flights[1] ?? -1);
  expect(inflight.find(wireName('b'), 1, 0, 0)).toBe(-1);
  const again = inflight.acquire(wireName('b'), 1, 0, 0, 0);
  inflight.release(flights[1] ?? -1);
  expect(inflight.find(wireName('b'), 1, 0, 0)).toBe(again);
  expect(inflight.count).toBe(3);
});

it('agrees with a Map over random acquires, releases and detaches', () => {
  let full = 0;
  let shared = 0;
  const step = fc.record({
    act: fc.constantFrom('ask', 'ask', 'ask', 'release', 'detach'),
    name: fc.constantFrom('a', 'b', 'c', 'd.e', 'f.g.h', ''),
    qtype: fc.constantFrom(1, 28),
    group: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 200, size: 'max' }), (steps) => {
      const inflight = new Inflight(8);
      const model = new Map<string, number>();
      let hidden = 0;
      for (const { act, name, qtype, group } of steps) {
        const key = `${name}/${qtype}/${group}`;
        const wire = wireName(name);
        const known = model.get(key);
        expect(inflight.find(wire, qtype, 0, group)).toBe(known ?? -1);
        if (known !== undefined) {
          shared++;
          if (act === 'release') inflight.release(known);
          if (act === 'detach') inflight.detach(known);
          if (act === 'detach') hidden++;
          if (act !== 'ask') model.delete(key);
        } else if (act === 'ask') {
          const flight = inflight.acquire(wire, qtype, 0, group, 0);
          if (model.size + hidden === 8) full++;
          expect(flight === -1).toBe(model.size + hidden === 8);
          if (flight !== -1) model.set(key, flight);
        }
        expect(inflight.count).toBe(model.size + hidden);
      }
    }),
    { seed: 20261123, numRuns: 300 },
  );
  expect(full).toBeGreaterThan(100);
  expect(shared).toBeGreaterThan(1000);
});
