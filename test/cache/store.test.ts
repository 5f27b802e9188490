import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoredAnswer } from '../../src/cache/entry.ts';
import { Store } from '../../src/cache/store.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

function wireName(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

function answer(fill: number, length: number, seconds: number): StoredAnswer {
  const stored = new StoredAnswer();
  stored.octets = new Uint8Array(length).fill(fill);
  stored.length = length;
  stored.seconds = seconds;
  stored.ttlOffsets[0] = 7;
  stored.ttlCount = 1;
  return stored;
}

const KEY_A = 1 << 8;

describe('answer store', () => {
  it('gives back the octets, the TTL offsets and the age of what was put', () => {
    const store = new Store(1 << 17);
    const name = wireName('www.example.com');
    store.put(name, KEY_A, answer(9, 50, 60), 1000);
    const entry = store.find(name, 0, KEY_A, 1010);
    const at = store.messageAt(entry);
    expect(store.octets.slice(at, at + store.messageLength(entry))).toEqual(
      new Uint8Array(50).fill(9),
    );
    expect(store.ttlCount(entry)).toBe(1);
    expect(store.octets[store.ttlsAt(entry)]).toBe(7);
    expect(store.age(entry, 1010)).toBe(10);
  });

  it('finds nothing for another name, type or flag, nor after expiry', () => {
    const store = new Store(1 << 17);
    store.put(wireName('a.example'), KEY_A, answer(1, 20, 30), 0);
    expect(store.find(wireName('b.example'), 0, KEY_A, 1)).toBe(-1);
    expect(store.find(wireName('a.example'), 0, KEY_A | 1, 1)).toBe(-1);
    expect(store.find(wireName('a.example'), 0, 28 << 8, 1)).toBe(-1);
    expect(store.find(wireName('a.example'), 0, KEY_A, 29)).not.toBe(-1);
    expect(store.find(wireName('a.example'), 0, KEY_A, 30)).toBe(-1);
  });

  it('finds an entry through a name below it', () => {
    const store = new Store(1 << 17);
    store.put(wireName('example.com'), 0, answer(1, 20, 30), 0);
    expect(store.find(wireName('a.b.example.com'), 2, 0, 1)).not.toBe(-1);
    expect(store.find(wireName('a.b.example.com'), 1, 0, 1)).toBe(-1);
  });

  it('replaces an entry of the same key', () => {
    const store = new Store(1 << 17);
    const name = wireName('a.example');
    store.put(name, KEY_A, answer(1, 20, 30), 0);
    store.put(name, KEY_A, answer(2, 40, 30), 0);
    expect(store.count).toBe(1);
    expect(store.octets[store.messageAt(store.find(name, 0, KEY_A, 1))]).toBe(2);
  });

  it('keeps what is used and gives up what is not when it is full', () => {
    const store = new Store(1 << 17);
    const hot = wireName('hot.example');
    store.put(hot, KEY_A, answer(1, 100, 1000), 0);
    for (let i = 0; i < 3000; i++) {
      store.put(wireName(`n${i}.example`), KEY_A, answer(2, 100, 1000), 0);
      const entry = store.find(hot, 0, KEY_A, 1);
      expect(entry).not.toBe(-1);
      store.touch(entry);
    }
    expect(store.find(wireName('n1.example'), 0, KEY_A, 1)).toBe(-1);
    expect(store.find(wireName('n2999.example'), 0, KEY_A, 1)).not.toBe(-1);
    expect(store.evictions).toBeGreaterThan(1000);
  });

  it('goes on when it is full of the smallest entries: its index never fills up', () => {
    const store = new Store(1 << 17);
    const root = wireName('.');
    const failure = answer(0, 12, 1000);
    failure.ttlCount = 0;
    for (let key = 0; key < 10_000; key++) store.put(root, key << 8, failure, 0);
    expect(store.find(root, 0, 9999 << 8, 1)).not.toBe(-1);
    expect(store.find(root, 0, 10_000 << 8, 1)).toBe(-1);
    expect(store.count).toBeLessThanOrEqual((1 << 17) / 128);
  });

  it('never gives an answer of another name, whatever is put, touched and evicted', () => {
    let hits = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            id: fc.nat(400),
            length: fc.integer({ min: 12, max: 9000 }),
            touch: fc.boolean(),
            seconds: fc.integer({ min: 1, max: 40 }),
          }),
          { minLength: 100, maxLength: 400 },
        ),
        (steps) => {
          const store = new Store(1 << 17);
          const lengths = new Map<number, number>();
          steps.forEach((step, now) => {
            const name = wireName(`n${step.id}.example`);
            const entry = store.find(name, 0, KEY_A, now);
            if (entry !== -1) {
              hits++;
              const at = store.messageAt(entry);
              const length = store.messageLength(entry);
              expect(length).toBe(lengths.get(step.id));
              expect(store.octets[at]).toBe(step.id & 255);
              expect(store.octets[at + length - 1]).toBe(step.id & 255);
              if (step.touch) store.touch(entry);
            } else {
              store.put(name, KEY_A, answer(step.id & 255, step.length, step.seconds), now);
              lengths.set(step.id, step.length);
            }
          });
          expect(store.usedOctets).toBeLessThanOrEqual(1 << 17);
        },
      ),
      { numRuns: 60, seed: 20261123 },
    );
    expect(hits).toBeGreaterThan(500);
  });
});
