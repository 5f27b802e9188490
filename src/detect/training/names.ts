/**
 * Trains the model of ordinary names (model.ts) and writes src/detect/models/names.bin.
 *
 *   node src/detect/training/names.ts top-1m.txt[.gz] ...
 *
 * Each file holds one name a line, by popularity, a rank and a comma before it or not. The file in
 * the repository was trained on the Cisco Umbrella top 100,000 names (published free of charge,
 * without a licence text) and nothing else; its first line says how many, and their SHA-256. Of
 * each name only what stands below its registrable domain counts, each text once.
 *
 * The same input gives the same file. Counts of three symbols, smoothed by those of two, these by
 * those of one (weight 8 each, as in Witten and Bell's interpolation), and 2 % of every context is
 * dealt evenly, so that no symbol costs more than about 11 bits.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'tldts';
import { contextOf, NAME_MODEL_CELLS, PARTS_OF_BIT } from '../model.ts';
import { SYMBOL_DOT, SYMBOL_END, SYMBOL_OF, SYMBOLS } from '../symbols.ts';

const WEIGHT = 8;
const EVEN_SHARE = 0.02;
const OUTPUT = join(import.meta.dirname, '..', 'models', 'names.bin');

/** Texts below the registrable domains of a list. */
export function partsOf(list: string): Set<string> {
  const parts = new Set<string>();
  for (const line of list.split('\n')) {
    const name = line.trim().split(',').at(-1) ?? '';
    const { subdomain } = parse(name, { allowPrivateDomains: true });
    if (subdomain !== null && subdomain !== '') parts.add(subdomain);
  }
  return parts;
}

/** Code lengths of every symbol in every context, 1/16 bit each. */
export function train(parts: Iterable<string>): Uint8Array {
  const ones = new Float64Array(SYMBOLS);
  const twos = new Float64Array(SYMBOLS ** 2);
  const threes = new Float64Array(NAME_MODEL_CELLS);
  for (const part of parts) {
    let second = SYMBOL_END;
    let last = SYMBOL_END;
    for (const symbol of symbolsOf(part)) {
      ones[symbol]!++;
      twos[last * SYMBOLS + symbol]!++;
      threes[contextOf(second, last) + symbol]!++;
      second = last;
      last = symbol;
    }
  }
  return lengthsOf(smoothed(threes, smoothed(twos, smoothed(ones, EVEN))));
}

const EVEN = new Float64Array(SYMBOLS).fill(1 / SYMBOLS);

function symbolsOf(part: string): number[] {
  const symbols = Array.from(Buffer.from(part, 'latin1'), (octet) =>
    octet === 0x2e ? SYMBOL_DOT : (SYMBOL_OF[octet] ?? 0),
  );
  return [...symbols, SYMBOL_END];
}

/** Probabilities in each context of SYMBOLS cells, drawn towards those of the shorter contexts. */
function smoothed(counts: Float64Array, shorter: Float64Array): Float64Array {
  const result = new Float64Array(counts.length);
  for (let context = 0; context < counts.length; context += SYMBOLS) {
    const sum = counts.subarray(context, context + SYMBOLS).reduce((a, b) => a + b, 0);
    const below = context % shorter.length;
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      const share = (counts[context + symbol] ?? 0) + WEIGHT * (shorter[below + symbol] ?? 0);
      result[context + symbol] = share / (sum + WEIGHT);
    }
  }
  return result;
}

function lengthsOf(probabilities: Float64Array): Uint8Array {
  return Uint8Array.from(probabilities, (probability) => {
    const dealt = (1 - EVEN_SHARE) * probability + EVEN_SHARE / SYMBOLS;
    return Math.ceil(-Math.log2(dealt) * PARTS_OF_BIT);
  });
}

function main(files: readonly string[]): void {
  if (files.length === 0) throw new Error('name at least one list: one name a line');
  const parts = new Set<string>();
  const hash = createHash('sha256');
  for (const file of files) {
    const octets = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(octets) : octets).toString('latin1');
    hash.update(text);
    for (const part of partsOf(text)) parts.add(part);
  }
  const header = {
    model: 'names',
    version: 1,
    cells: NAME_MODEL_CELLS,
    parts: parts.size,
    sha256: hash.digest('hex'),
  };
  const lengths = train([...parts].sort());
  writeFileSync(OUTPUT, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), lengths]));
}

if (import.meta.main) main(process.argv.slice(2));
