/**
 * Likeness: which protected name a label can be taken for. Fast lane.
 *
 * No comparison with every name: all that is like one was hashed when the tables were compiled
 * (its folding, the foldings with bait words, and its spellings with one or two letters missing,
 * after SymSpell), so a label is looked up by its own foldings and spellings. Two labels within
 * `d` edits have a spelling in common when up to `d` letters are taken out of both; what is found
 * is measured (edits.ts). A test holds this and a comparison with every name together.
 *
 * Measured over the registrable domains of a list of popular names, Node 24, 2-core x86-64: see
 * test/reputation/measure-standing.ts.
 */

import { Fingerprints } from '../fingerprints.ts';
import { equalOctets } from '../wire/name.ts';
import { editsBetween } from './edits.ts';
import { Folding } from './folding.ts';
import {
  FILTER_BITS,
  LIKE_BAIT,
  LIKE_EDIT,
  LIKE_GLYPHS,
  LIKE_HOMOGRAPH,
  LIKE_NOTHING,
  LIKE_PART,
  LIKE_SAME,
  type LikenessMemory,
  WORD_BAIT,
  WORD_JOINED,
  WORD_KIND_BITS,
  WORD_NAME,
} from './likeness-memory.ts';
import { Misspellings } from './misspellings.ts';
import { isALabel } from './punycode.ts';

const HYPHEN = 45; // '-'
/** Parts between hyphens that are looked at; an honest name has three or four. */
const PARTS_MAX = 8;
const WORD_KIND_MASK = (1 << WORD_KIND_BITS) - 1;
/** A shorter name is a word of other names too: alone between hyphens it tells nothing. */
const PART_MIN = 5;
/** Shorter labels have too many neighbours: with digits for letters, and with single mistakes. */
const GLYPHS_MIN = 4;
const EDIT_MIN = 5;
/** From this length on two mistakes count, below it one. */
const TWO_EDITS_FROM = 9;

/** How many mistakes a name of `length` letters may be written with; 0 for none. */
export function editsAllowed(length: number): number {
  if (length < EDIT_MIN) return 0;
  return length < TWO_EDITS_FROM ? 1 : 2;
}

export class Likeness {
  /** LIKE_* of the last `find`. */
  kind = LIKE_NOTHING;
  /** The name that it is like. */
  name = 0;
  readonly memory: LikenessMemory;
  readonly #words: Fingerprints;
  readonly #deletes: Fingerprints;
  readonly #folding: Folding;
  readonly #spelling = new Misspellings();
  /** Where the parts between hyphens start in the folded label; one more at the end. */
  readonly #parts = new Int32Array(PARTS_MAX + 1);
  /** Octets of the longest protected label. */
  #longest = 0;
  #hasBait = false;
  #fewest = 0;

  constructor(memory: LikenessMemory) {
    this.memory = memory;
    this.#words = new Fingerprints(memory.words.words, memory.words.count);
    this.#deletes = new Fingerprints(memory.deletes.words, memory.deletes.count);
    this.#folding = new Folding(memory.confusables);
    const { wires, wireAt } = memory;
    for (let name = 0; name + 1 < wireAt.length; name++) {
      this.#longest = Math.max(this.#longest, wires[wireAt[name]!]!);
    }
  }

  /** Looks a label up: `length` octets at `at`, without its length octet. Sets `kind`, `name`. */
  find(octets: Uint8Array, at: number, length: number): void {
    this.kind = LIKE_NOTHING;
    this.#folding.fold(octets, at, length);
    this.#spelling.read(this.#folding.octets, 0, this.#folding.length);
    if (this.#findWhole(octets, at, length)) return;
    if (this.#findParts()) return;
    if (!isALabel(octets, at, length)) this.#findEdit(octets, at, length);
  }

  /** The name that a label below a domain is, as it is written or reads; -1 for none. */
  nameOf(octets: Uint8Array, at: number, length: number): number {
    // Signs fold by two into one at most, unless they are encoded. Names of four labels of 48
    // octets, as tunnels have: 4.9 us with their folding, 1.1 without.
    if (length > this.#longest * 2 && !isALabel(octets, at, length)) return -1;
    this.#folding.fold(octets, at, length);
    this.#spelling.read(this.#folding.octets, 0, this.#folding.length);
    const word = this.#wordOf(0, this.#folding.length);
    return (word & WORD_KIND_MASK) === WORD_NAME ? word >> WORD_KIND_BITS : -1;
  }

  isOwn(name: number): boolean {
    return name < this.memory.ownCount;
  }

  #wordOf(from: number, end: number): number {
    this.#spelling.part(from, end);
    return this.#words.find(this.#spelling.low, this.#spelling.high);
  }

  #findWhole(octets: Uint8Array, at: number, length: number): boolean {
    const word = this.#wordOf(0, this.#folding.length);
    const kind = word & WORD_KIND_MASK;
    if (kind !== WORD_NAME && kind !== WORD_JOINED) return false;
    this.name = word >> WORD_KIND_BITS;
    const foreign = this.#folding.isForeign === 1;
    if (kind === WORD_JOINED) this.kind = foreign ? LIKE_HOMOGRAPH : LIKE_BAIT;
    else if (this.#isLabelOf(this.name, octets, at, length)) this.kind = LIKE_SAME;
    else if (foreign) this.kind = LIKE_HOMOGRAPH;
    else if (this.#labelLength(this.name) >= GLYPHS_MIN) this.kind = LIKE_GLYPHS;
    return true;
  }

  #isLabelOf(name: number, octets: Uint8Array, at: number, length: number): boolean {
    const { wires, wireAt } = this.memory;
    const start = wireAt[name]!;
    return wires[start] === length && equalOctets(wires, start + 1, octets, at, length);
  }

  #labelLength(name: number): number {
    return this.memory.wires[this.memory.wireAt[name]!]!;
  }

  /** Every run of parts between hyphens: a name may hold hyphens of its own. */
  #findParts(): boolean {
    const count = this.#split();
    if (count === 1) return false;
    let name = -1;
    this.#hasBait = false;
    for (let from = 0; from < count; from++) {
      for (let to = from + 1; to <= count; to++) {
        if (to - from === count) continue; // the whole label was looked at
        const word = this.#wordOf(this.#parts[from]!, this.#parts[to]! - 1);
        const kind = word & WORD_KIND_MASK;
        if (kind === WORD_BAIT || kind === WORD_JOINED) this.#hasBait = true;
        if (kind !== WORD_NAME && kind !== WORD_JOINED) continue;
        // The first one, or one of our own.
        const found = word >> WORD_KIND_BITS;
        if (name === -1 || this.isOwn(found)) name = found;
      }
    }
    if (name === -1 || !this.#isTelling(name)) return false;
    this.name = name;
    this.kind = this.#hasBait ? LIKE_BAIT : LIKE_PART;
    if (this.#folding.isForeign === 1) this.kind = LIKE_HOMOGRAPH;
    return true;
  }

  #isTelling(name: number): boolean {
    return this.#hasBait || this.#labelLength(name) >= PART_MIN;
  }

  /** Sets where the parts start; what is beyond PARTS_MAX belongs to the last. Returns how many. */
  #split(): number {
    const { octets, length } = this.#folding;
    const parts = this.#parts;
    let count = 1;
    parts[0] = 0;
    for (let i = 0; i < length && count < PARTS_MAX; i++) {
      if (octets[i] === HYPHEN) parts[count++] = i + 1;
    }
    parts[count] = length + 1;
    return count;
  }

  #findEdit(octets: Uint8Array, at: number, length: number): void {
    const reach = this.memory.reach[length]!;
    if (reach === 0) return;
    const spelling = this.#spelling;
    this.#fewest = reach + 1;
    spelling.read(octets, at, length);
    spelling.part(0, length);
    this.#tryNames(octets, at, length);
    for (let i = 0; i < length; i++) {
      spelling.without(i);
      this.#tryNames(octets, at, length);
      if (reach === 1) continue;
      for (let j = i + 1; j < length; j++) {
        if (!this.#mayHold(spelling.lowWithoutTwo(i, j))) continue;
        spelling.withoutTwo(i, j);
        this.#tryNames(octets, at, length);
      }
    }
  }

  #mayHold(low: number): boolean {
    const bit = low & (FILTER_BITS - 1);
    return ((this.memory.filter[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }

  /** Measures the names that have the spelling in hand too; keeps the nearest, of two the first. */
  #tryNames(octets: Uint8Array, at: number, length: number): void {
    const { low, high } = this.#spelling;
    const { lists, wires, wireAt } = this.memory;
    if (!this.#mayHold(low)) return;
    const found = this.#deletes.find(low, high);
    if (found === 0) return;
    const end = found + lists[found - 1]!;
    for (let i = found; i < end; i++) {
      const name = lists[i]!;
      const start = wireAt[name]!;
      const size = wires[start]!;
      const edits = editsBetween(octets, at, length, wires, start + 1, size);
      if (edits > editsAllowed(size) || edits === 0) continue;
      if (edits > this.#fewest || (edits === this.#fewest && name >= this.name)) continue;
      this.kind = LIKE_EDIT;
      this.name = name;
      this.#fewest = edits;
    }
  }
}
