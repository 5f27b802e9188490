/** Trains the weights by which a name's spelling is judged. The same lists give the same octets. */

import { BIT, Spelling } from '../spelling.ts';
import {
  AT_SUFFIXES,
  hashOctets,
  SEED,
  SPELLING_CELLS,
  SpellingModel,
  SUFFIX_WORDS,
  SUFFIXES,
  TRIGRAMS,
} from '../spelling-model.ts';
import type { Domain, DomainReader } from './lists.ts';
import { Trigrams } from './ngrams.ts';
import { mulberry32 } from './random.ts';

export interface Lists {
  readonly benign: readonly Domain[];
  readonly generated: readonly Domain[];
  readonly words: readonly string[];
}

/** Names of two to four words that are made of the list of words. */
const PHRASES = 200_000;
const PHRASE_LENGTH_MAX = 28;
/** So many of them have hyphens between the words. */
const HYPHEN_SHARE = 0.15;
/** Each family weighs as much as any other, however many names of it there are. */
const FAMILY_WEIGHT = 1000;
/** A suffix needs so many names to be judged by them, and may be so full of names of machines. */
const SUFFIX_NAMES_MIN = 20;
const SUFFIXES_MAX = 700;
const LOOKS_GENERATED = 8 * BIT;
const MACHINE_SHARE = 0.5;
/** 40 bits: no spelling under such a suffix says anything. */
const MACHINE_OFFSET = -640;

/** @returns SPELLING_CELLS octets */
export function train(lists: Lists, reader: DomainReader): Uint8Array {
  const cells = new Uint8Array(SPELLING_CELLS);
  cells.set(benignCosts(lists.benign), 0);
  cells.set(phraseCosts(lists.words), TRIGRAMS);
  cells.set(learntCosts(lists.generated), 2 * TRIGRAMS);
  fillSuffixes(cells, lists.benign, reader);
  return cells;
}

function benignCosts(benign: readonly Domain[]): Uint8Array {
  const trigrams = new Trigrams();
  for (const { label } of benign) trigrams.add(label);
  return trigrams.costs();
}

function learntCosts(generated: readonly Domain[]): Uint8Array {
  const trigrams = new Trigrams();
  const families = Map.groupBy(generated, ({ family }) => family);
  for (const list of families.values()) {
    for (const { label } of list) trigrams.add(label, FAMILY_WEIGHT / list.length);
  }
  return trigrams.costs();
}

/** Every word alike: what people register prefers some words by far, a generator does not. */
function phraseCosts(words: readonly string[]): Uint8Array {
  const trigrams = new Trigrams();
  const random = mulberry32(1);
  for (let i = 0; i < PHRASES && words.length > 0; i++) {
    const count = 2 + Math.floor(random() * 2.2);
    const phrase = Array.from({ length: count }, () => words[Math.floor(random() * words.length)]);
    const label = phrase.join(random() < HYPHEN_SHARE ? '-' : '');
    if (label.length <= PHRASE_LENGTH_MAX) trigrams.add(label);
  }
  return trigrams.costs();
}

interface SuffixCount {
  names: number;
  /** Of these, how many look generated although somebody asks for them. */
  odd: number;
}

/** By the spelling as judged without suffixes: the table is empty until this fills it. */
function fillSuffixes(cells: Uint8Array, benign: readonly Domain[], reader: DomainReader): void {
  const spelling = new Spelling(new SpellingModel(cells));
  const counts = new Map<number, SuffixCount>();
  const all: SuffixCount = { names: 0, odd: 0 };
  for (const { domain } of benign) {
    if (!reader.read(domain)) continue;
    spelling.judge(reader.name, reader.label);
    const { octets, labelAt, length } = reader.name;
    const hash = hashOctets(octets, labelAt[reader.label + 1] ?? 0, length, SEED);
    const count = counts.get(hash) ?? { names: 0, odd: 0 };
    counts.set(hash, count);
    for (const sum of [count, all]) {
      sum.names++;
      if (spelling.uncut >= LOOKS_GENERATED) sum.odd++;
    }
  }
  const slots = new Int32Array(cells.buffer, AT_SUFFIXES, SUFFIXES * SUFFIX_WORDS);
  const model = new SpellingModel(cells);
  const kept = [...counts].filter(([, { names }]) => names >= SUFFIX_NAMES_MIN);
  kept.sort(([a, { names }], [b, other]) => other.names - names || a - b);
  for (const [hash, count] of kept.slice(0, SUFFIXES_MAX)) {
    const at = model.slotOf(hash) * SUFFIX_WORDS;
    const rarity = Math.min(Math.round(-16 * Math.log2(count.names / all.names)), 0xffff);
    slots[at] = hash;
    slots[at + 1] = (offsetOf(count, all) << 16) | rarity;
  }
}

/** -log2 of how much commoner odd names are under the suffix than elsewhere, 1/16 bit. */
function offsetOf(count: SuffixCount, all: SuffixCount): number {
  if (count.odd / count.names > MACHINE_SHARE) return MACHINE_OFFSET;
  const base = all.odd / all.names;
  const share = (count.odd + SUFFIX_NAMES_MIN * base) / (count.names + SUFFIX_NAMES_MIN);
  return Math.max(-96, Math.min(Math.round(-16 * Math.log2(share / base)), 16));
}
