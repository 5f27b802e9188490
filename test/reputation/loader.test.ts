/** Compiling in another thread gives the same tables as here, in shared memory, under one hash key. */

import { afterEach, describe, expect, it } from 'vitest';
import { Rules } from '../../src/policy/rules.ts';
import { loadReputation } from '../../src/reputation/loader.ts';
import { Reputation, VET_DENY, VET_NOTHING } from '../../src/reputation/vet.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { build, inputOf, vet } from './support.ts';

const KEY = { k0: 0x01020304, k1: -5 };
/** What hash.ts starts with. */
const DEFAULT_KEY = { k0: 0x243f6a88, k1: 0x85a308d3 };

const FEEDS = [
  { text: 'bad.test\n*.worse.test\nno name', name: 'one' },
  { text: 'bad.test A 192.0.2.1\nok.test CNAME rpz-passthru.', name: 'two', format: 'rpz' },
] as const;

describe('loadReputation', () => {
  afterEach(() => setHashKey(DEFAULT_KEY.k0, DEFAULT_KEY.k1));

  it('gives the tables and reports that compiling in this thread gives', async () => {
    const rules = new Rules();
    const loaded = await loadReputation(FEEDS.map(inputOf), rules, DEFAULT_KEY);
    const here = build(FEEDS);
    expect(loaded.memory).toEqual(here.memory);
    const timeless = here.reports.map((report) => ({ ...report, loadMs: expect.any(Number) }));
    expect(loaded.reports).toEqual(timeless);
    expect(rules.text(2)).toBe('feed two (category malware)');
  });

  it('gives shared memory', async () => {
    const { memory } = await loadReputation(FEEDS.map(inputOf), new Rules(), DEFAULT_KEY);
    const arrays = [memory.table.words, memory.filter, memory.statements, memory.data];
    for (const array of arrays) expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.feeds.rules.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('builds for the key that it is given', async () => {
    const { memory } = await loadReputation(FEEDS.map(inputOf), new Rules(), KEY);
    const reputation = new Reputation(memory);
    expect(vet(reputation, 'bad.test').result).toBe(VET_NOTHING);
    setHashKey(KEY.k0, KEY.k1);
    expect(vet(reputation, 'bad.test').result).toBe(VET_DENY);
  });

  it('refuses more feeds than an event record can number', async () => {
    const inputs = Array.from({ length: 256 }, () => inputOf({ text: '' }));
    await expect(loadReputation(inputs, new Rules(), KEY)).rejects.toThrow('at most 255');
  });
});
