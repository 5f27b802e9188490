import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { operationalAlert } from '../../src/alerts/alert.ts';
import { type JournalRecord, lineOf, recordsIn, segmentName } from '../../src/alerts/record.ts';
import { Segments } from '../../src/alerts/segments.ts';
import { deniedAlert, T0 } from './sample.ts';

const BOUNDS = { sizeBytes: 64e6, ageMs: 86_400_000 };

function record(sequence: number): JournalRecord {
  return { sequence, at: T0, alert: deniedAlert(sequence) };
}

async function append(segments: Segments, from: number, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => record(from + n));
  if (count > 0) await segments.append(records.map(lineOf).join(''), records);
}

/** What a crash may leave of the newest file: cut anywhere, and then octets of nothing. */
function crash(path: string, keep: number, zeros: number): void {
  const { length } = readFileSync(path);
  truncateSync(path, Math.floor(length * keep));
  appendFileSync(path, new Uint8Array(zeros));
}

it('what a crash leaves is a prefix of what was written, and the next run goes on behind it', async () => {
  const run = fc.record({
    counts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    zeros: fc.nat(64),
  });
  let torn = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 5 }), async (runs) => {
      const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-segments-'));
      try {
        let expected: number[] = [];
        for (const { counts, keep, zeros } of runs) {
          const segments = new Segments(folder, BOUNDS);
          segments.find();
          const last = segments.all.at(-1)?.last ?? 0;
          // Nothing is invented, and what stayed is the beginning.
          const found = await allOf(segments);
          expect(found).toEqual(expected.slice(0, found.length));
          expect(last).toBe(found.at(-1) ?? 0);
          torn += expected.length - found.length;
          expected = found;
          for (const count of counts) {
            await append(segments, (expected.at(-1) ?? 0) + 1, count);
            for (let n = 0; n < count; n++) expected.push((expected.at(-1) ?? 0) + 1);
          }
          await segments.close();
          const newest = segments.all.at(-1);
          if (newest !== undefined) crash(join(folder, segmentName(newest.first)), keep, zeros);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
    { seed: 20_261_125, numRuns: 150 },
  );
  expect(torn).toBeGreaterThan(300); // guard against a vacuous pass
});

async function allOf(segments: Segments): Promise<number[]> {
  const lists = await Promise.all(segments.all.map((segment) => segments.read(segment)));
  return lists.flat().map(({ sequence }) => sequence);
}

it('reads any octets as records or as none, and never a number twice or backwards', () => {
  const good = [1, 2, 3].map((n) => lineOf(record(n))).join('');
  const change = fc.record({ at: fc.nat(good.length - 1), text: fc.string({ maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
      let text = good;
      for (const { at, text: put } of changes) text = text.slice(0, at) + put + text.slice(at + 1);
      const sequences = recordsIn(text + good).map(({ sequence }) => sequence);
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    }),
    { seed: 20_261_125, numRuns: 300 },
  );
});

it('leaves files of others in its folder alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-segments-'));
  try {
    writeFileSync(join(folder, 'notes.jsonl'), 'x');
    writeFileSync(join(folder, '17.jsonl'), 'x');
    const segments = new Segments(folder, BOUNDS);
    segments.find();
    expect(segments.all).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a record from before there were examples has the name of its last query as one', () => {
  const { examples: _, ...old } = deniedAlert(1);
  const told = operationalAlert('upstream-down', 'corp', { reason: 'down', atMs: T0 });
  const lines = [
    { ...record(1), alert: old },
    { ...record(2), alert: told },
  ];
  const read = recordsIn(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect(read.map(({ alert }) => alert.examples)).toEqual([['www.d1.example'], []]);
});
