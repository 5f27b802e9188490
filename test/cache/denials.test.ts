/** The bits that spare a look for an NXDOMAIN never hide one, whatever was written and evicted. */

import { expect, it } from 'vitest';
import { EVERY_TYPE, StoredAnswer } from '../../src/cache/entry.ts';
import { Store } from '../../src/cache/store.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const KEY = EVERY_TYPE << 8;
const answer = new StoredAnswer();
answer.octets = new Uint8Array(200);
answer.length = 200;
answer.seconds = 1000;

function nameOf(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

it('an NXDOMAIN that the store holds is never denied by the bits, over many laps of the slab', () => {
  const store = new Store(1 << 17);
  const names = Array.from({ length: 3000 }, (_, i) => nameOf(`n${i}.example`));
  let held = 0;
  for (const [i, name] of names.entries()) {
    store.put(name, i % 3 === 0 ? KEY : 1 << 8, answer, 0);
    // One that is used stays for further laps.
    if (i > 0) store.touch(Math.max(0, store.find(names[0] as WireName, 0, KEY, 0)));
    for (const known of names.slice(Math.max(0, i - 700), i + 1)) {
      if (store.find(known, 0, KEY, 0) === -1) continue;
      held++;
      expect(store.denials.mayHold(known, 0)).toBe(true);
    }
  }
  expect(store.find(names[0] as WireName, 0, KEY, 0)).not.toBe(-1);
  expect(store.evictions).toBeGreaterThan(1000);
  expect(held).toBeGreaterThan(10_000);
});

it('most names that were never denied are known to be so', () => {
  const store = new Store(1 << 20);
  for (let i = 0; i < 500; i++) store.put(nameOf(`n${i}.example`), KEY, answer, 0);
  const others = Array.from({ length: 1000 }, (_, i) => nameOf(`other${i}.example`));
  expect(others.filter((name) => store.denials.mayHold(name, 0)).length).toBeLessThan(200);
});

it('nothing is denied any more once the store is emptied', () => {
  const store = new Store(1 << 17);
  store.put(nameOf('a.example'), KEY, answer, 0);
  store.clear();
  expect(store.denials.mayHold(nameOf('a.example'), 0)).toBe(false);
});
