/** The addon's C under sanitizers, briefly; `node test/sanitise/sanitise.ts` makes it longer. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../support/processes.ts';
import { attackSanitised, fuzzNative, sanitised, withFolder } from './sanitise.ts';

const NATIVE = join(import.meta.dirname, '../../src/native');
const SEED = 20261126;
const RUNS = 60_000;
const [UDP, TCP] = [20_000, 2_000];

/** Bounds of the C whose absence must be noticed: file, what stands there, what instead. */
const PLANTED: readonly (readonly [string, string, string, string])[] = [
  ['a peer beyond the batch', 'packets.c', 'index < slab->capacity ? index : 0', 'index'],
  ['more answers than slots', 'packets.c', 'if (count > slab->capacity) count', 'if (0) count'],
  ['a segment beyond its slab', 'streams.c', 'start + length > streams->tx_size', 'false'],
  ['a slot beyond the table', 'streams.c', 'slot < streams->capacity && streams', 'streams'],
  [
    'a descriptor that is not closed',
    'streams.c',
    'close(streams->table[slot].fd);\n  streams',
    ';\n  streams',
  ],
];

describe.skipIf(lacks('clang'))(
  'the C of the addon by itself, under libFuzzer and sanitizers',
  () => {
    it(`${RUNS} inputs: no bound is left, no descriptor lost`, () => {
      expect(withFolder((folder) => fuzzNative(folder, RUNS, SEED))).toContain(`Done ${RUNS} runs`);
    }, 120_000);

    it.each(PLANTED)(
      '%s would be found',
      (_, file, there, instead) => {
        withFolder((folder) => {
          cpSync(NATIVE, join(folder, 'native'), { recursive: true });
          const path = join(folder, 'native', file);
          const text = readFileSync(path, 'utf8');
          expect(text).toContain(there);
          writeFileSync(path, text.replace(there, instead));
          expect(() => fuzzNative(folder, RUNS, SEED, join(folder, 'native'))).toThrow(
            /AddressSanitizer|UndefinedBehaviorSanitizer|deadly signal/,
          );
        });
      },
      120_000,
    );
  },
);

describe.skipIf(lacks('gcc'))('a valve whose addon has AddressSanitizer in it', () => {
  it(`${UDP} hostile messages over UDP and ${TCP} over TCP: silent`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-sanitise-'));
    try {
      const counts = { udp: UDP, tcp: TCP, seed: SEED };
      expect((await attackSanitised(sanitised(folder), counts)).broken).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 180_000);
});
