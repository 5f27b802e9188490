/** Retro: when it hunts, in its thread, and against which lists. */

import { expect, it, onTestFinished } from 'vitest';
import type { RetroFound } from '../../src/hunt/retro.ts';
import type { ReputationMemory } from '../../src/reputation/memory.ts';
import { Retro, type RetroPlace } from '../../src/server/retro.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { fixture } from '../history/support/fixture.ts';
import { build, feedOf } from '../reputation/support.ts';

const KEY = { k0: 7, k1: 9 };

interface Ran {
  readonly retro: Retro;
  /** Resolves with the next hunt, or with why it came to no end. */
  next(): Promise<RetroFound | string>;
}

function run(path: string | null, lists: () => { memory: ReputationMemory; text: string }): Ran {
  const waiting: ((found: RetroFound | string) => void)[] = [];
  const tell = (found: RetroFound | string): void => waiting.shift()?.(found);
  const place = (at: string): RetroPlace => {
    const source = { kind: 'inline', entries: lists().text.split('\n') } as const;
    const feeds = [{ ...feedOf({ text: '' }), source }];
    return { path: at, stateDirectory: '/none', key: KEY, feeds };
  };
  const retro = new Retro({
    place: () => (path === null ? null : place(path)),
    lists: () => lists().memory,
    onFound: tell,
    onTrouble: tell,
  });
  onTestFinished(() => retro.stop());
  return { retro, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

function compiled(text: string) {
  setHashKey(KEY.k0, KEY.k1);
  return { text, memory: build([{ text }]).memory };
}

function asked(): string {
  const test = fixture();
  test.put([
    { name: 'one.test', allowed: 1 },
    { name: 'two.test', allowed: 1 },
  ]);
  test.recording.close();
  return test.path;
}

const namesOf = (found: RetroFound | string) =>
  typeof found === 'string' ? found : found.hits.map(({ name }) => name).sort();

it('changes that come close together are hunted as one, from the lists before the first', async () => {
  const steps = ['none.test', 'none.test\none.test', 'none.test\none.test\ntwo.test'];
  const [zero, one, two] = steps.map(compiled) as [Compiled, Compiled, Compiled];
  const { retro, next } = run(asked(), () => two);
  const found = next();
  retro.changed(zero.memory);
  retro.changed(one.memory);
  expect(namesOf(await found)).toEqual(['one.test', 'two.test']);
});

it('what changes during a hunt is hunted after it, and nothing twice', async () => {
  const steps = ['none.test', 'none.test\none.test', 'none.test\none.test\ntwo.test'];
  const [zero, one, two] = steps.map(compiled) as [Compiled, Compiled, Compiled];
  let now = one;
  const { retro, next } = run(asked(), () => now);
  const first = next();
  retro.changed(zero.memory);
  expect(namesOf(await first)).toEqual(['one.test']);
  now = two;
  const second = next();
  retro.changed(one.memory);
  expect(namesOf(await second)).toEqual(['two.test']);
});

it('a history that cannot be read is told, and ends nothing', async () => {
  const [zero, one] = ['none.test', 'one.test'].map(compiled) as [Compiled, Compiled];
  const { retro, next } = run('/none/history.db', () => one);
  const said = next();
  retro.changed(zero.memory);
  expect(await said).toContain('/none/history.db: no such file');
});

type Compiled = ReturnType<typeof compiled>;
