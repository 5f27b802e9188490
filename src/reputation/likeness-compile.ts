/**
 * Protected names to the tables of likeness.ts. Runs in the control plane, once per load: some
 * 20,000 spellings of the names that are shipped take about 20 ms.
 */

import { FingerprintsBuilder } from '../fingerprints.ts';
import { packTexts } from '../policy/rules.ts';
import { nameToWire } from '../wire/text.ts';
import { confusableTable } from './confusables.ts';
import { Folding } from './folding.ts';
import { editsAllowed } from './likeness.ts';
import {
  FILTER_BITS,
  type LikenessMemory,
  WORD_BAIT,
  WORD_JOINED,
  WORD_KIND_BITS,
  WORD_NAME,
} from './likeness-memory.ts';
import { Misspellings } from './misspellings.ts';

const LABEL_MAX = 63;
/** Letters taken out at most, of either side. */
const DELETES_MAX = 2;

/** @param own,known domains in normal form; of one that is in both, the first counts */
export function compileLikeness(
  own: readonly string[],
  known: readonly string[],
  baitWords: readonly string[],
): LikenessMemory {
  const ownNames = [...new Set(own)];
  const names = [...ownNames, ...known.filter((name) => !ownNames.includes(name))];
  const wires = names.map((name) => nameToWire(name).slice(0, -1));
  const labels = names.map((name) => name.slice(0, name.indexOf('.')));
  const confusables = confusableTable();
  return {
    words: compileWords(labels, baitWords, new Folding(confusables)),
    ...compileDeletes(labels),
    reach: reachOf(labels),
    ...packWires(wires),
    ownCount: ownNames.length,
    names: packTexts(['', ...names]),
    confusables,
  };
}

function compileWords(labels: readonly string[], baitWords: readonly string[], folding: Folding) {
  const builder = new FingerprintsBuilder(labels.length * (1 + 2 * baitWords.length) + 64);
  const spelling = new Misspellings();
  const add = (text: string, kind: number, number: number): void => {
    const octets = Buffer.from(text, 'latin1');
    if (octets.length > LABEL_MAX) return;
    folding.fold(octets, 0, octets.length);
    spelling.read(folding.octets, 0, folding.length);
    spelling.part(0, folding.length);
    if (builder.get(spelling.low, spelling.high) !== 0) return;
    builder.set(spelling.low, spelling.high, kind | (number << WORD_KIND_BITS));
  };
  for (const [number, label] of labels.entries()) add(label, WORD_NAME, number);
  for (const word of baitWords) add(word, WORD_BAIT, 0);
  for (const [number, label] of labels.entries()) {
    for (const word of baitWords) {
      add(label + word, WORD_JOINED, number);
      add(word + label, WORD_JOINED, number);
    }
  }
  return builder.finish();
}

function compileDeletes(
  labels: readonly string[],
): Pick<LikenessMemory, 'deletes' | 'lists' | 'filter'> {
  const byHash = new Map<string, { low: number; high: number; names: number[] }>();
  for (const [number, label] of labels.entries()) {
    for (const { low, high } of spellings(label, editsAllowed(label.length))) {
      const key = `${low} ${high}`;
      const there = byHash.get(key);
      if (there === undefined) byHash.set(key, { low, high, names: [number] });
      else if (!there.names.includes(number)) there.names.push(number);
    }
  }
  const builder = new FingerprintsBuilder(byHash.size);
  const filter = shared(FILTER_BITS / 32);
  const lists: number[] = [];
  for (const { low, high, names } of byHash.values()) {
    builder.set(low, high, lists.length + 1);
    lists.push(names.length, ...names);
    const bit = low & (FILTER_BITS - 1);
    filter[bit >>> 5] = (filter[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
  return { deletes: builder.finish(), lists: shared(lists.length, lists), filter };
}

/** Hashes of a label with up to `most` letters taken out; none for a label that has no edits. */
function spellings(label: string, most: number): { low: number; high: number }[] {
  if (most === 0) return [];
  const spelling = new Misspellings();
  const octets = Buffer.from(label, 'latin1');
  spelling.read(octets, 0, octets.length);
  spelling.part(0, octets.length);
  const found = [{ low: spelling.low, high: spelling.high }];
  for (let i = 0; i < octets.length; i++) {
    spelling.without(i);
    found.push({ low: spelling.low, high: spelling.high });
    for (let j = i + 1; most === DELETES_MAX && j < octets.length; j++) {
      spelling.withoutTwo(i, j);
      found.push({ low: spelling.low, high: spelling.high });
    }
  }
  return found;
}

function reachOf(labels: readonly string[]): Uint8Array {
  const reach = new Uint8Array(new SharedArrayBuffer(LABEL_MAX + 1));
  for (const { length } of labels) {
    const edits = editsAllowed(length);
    for (let other = length - edits; other <= length + edits; other++) {
      reach[other] = Math.max(reach[other] ?? 0, edits);
    }
  }
  return reach;
}

function packWires(wires: readonly Uint8Array[]): Pick<LikenessMemory, 'wires' | 'wireAt'> {
  const size = wires.reduce((sum, { length }) => sum + length, 0);
  const octets = new Uint8Array(new SharedArrayBuffer(size));
  const wireAt = shared(wires.length + 1);
  let at = 0;
  for (const [number, wire] of wires.entries()) {
    wireAt[number] = at;
    octets.set(wire, at);
    at += wire.length;
  }
  wireAt[wires.length] = at;
  return { wires: octets, wireAt };
}

function shared(length: number, values: readonly number[] = []): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  array.set(values);
  return array;
}
