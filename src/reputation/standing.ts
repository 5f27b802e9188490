/**
 * Standing: the reputation score of a name, 100 for nothing against it, with what took points
 * away. Fast lane.
 *
 * It is the sum of small things, none of which decides alone. A function of the name and the tables
 * and nothing else, so that `explain`, an alert and a verdict say the same. What is about the
 * registrable domain is found once and kept in a small table for the life of these tables: 8,192
 * domains, the newer of two that meet takes the place.
 *
 * Measured (test/reputation/measure-standing.ts, 2-core x86-64, Node 24): see there.
 */

import { registrableLabel } from '../detect/registrable.ts';
import {
  BECAUSE_BAIT,
  BECAUSE_EDIT,
  BECAUSE_FEED,
  BECAUSE_GLYPHS,
  BECAUSE_HOMOGRAPH,
  BECAUSE_LABEL,
  BECAUSE_NEW,
  BECAUSE_PART,
  BECAUSE_SUFFIX,
  BECAUSE_TLD,
  BECAUSE_WHOLE,
  DETAIL_SHIFT,
  POINTS_SHIFT,
  STANDING_PARTS,
} from '../detect/reputation-parts.ts';
import { Fingerprints } from '../fingerprints.ts';
import type { Routes } from '../upstream/routes.ts';
import { equalOctets, type WireName } from '../wire/name.ts';
import { Likeness } from './likeness.ts';
import { LIKE_NOTHING, LIKE_SAME } from './likeness-memory.ts';
import {
  CATEGORY_RISKY_TLD,
  LABEL_MIN,
  LABEL_POINTS,
  LIKE_OWN_POINTS,
  LIKE_POINTS,
  NEW_POINTS,
  SCORE_MAX,
  type StandingMemory,
  TLD_UNSCORED,
  WHOLE_POINTS,
} from './standing-memory.ts';
import type { Reputation } from './vet.ts';

/** BECAUSE_* by LIKE_*. */
const BECAUSE = [
  0,
  BECAUSE_SUFFIX,
  BECAUSE_HOMOGRAPH,
  BECAUSE_GLYPHS,
  BECAUSE_EDIT,
  BECAUSE_BAIT,
  BECAUSE_PART,
] as const;

/**
 * Rows of the memo; words of each: low, high, what is against the domain, what it is like. With
 * 8,192 rows a client that asks for as many domains in turn has most of them scored anew: 1.4 us of
 * a question, 0.5 with these.
 */
const MEMO_ROWS = 65_536;
const MEMO_WORDS = 4;
/** Of the third word: TLD points, 1 when new, LIKE_*, 1 when honest, 1 when there. */
const NEW_SHIFT = 8;
const LIKE_SHIFT = 9;
const HONEST_SHIFT = 12;
const IS_THERE = 1 << 13;
const LIKE_MASK = 7;
const HYPHEN = 45; // '-'

/** The tables beside its own that a score is read from. */
export interface StandingView {
  readonly suffixes: Fingerprints;
  readonly routes: Routes;
  readonly reputation: Reputation;
}

export class Standing {
  /** The last score, 0 to 100, and its parts: words of detect/reputation-parts.ts. */
  score = SCORE_MAX;
  readonly parts = new Int32Array(STANDING_PARTS);
  partCount = 0;
  /** The protected name that the last name is like; -1 for none. */
  name = -1;
  /** Where the registrable domain of the last name starts. */
  label = 0;
  #low = 0;
  #high = 0;
  #feed = 0;
  readonly memory: StandingMemory;
  readonly #view: StandingView;
  readonly #likeness: Likeness;
  readonly #honest: Fingerprints;
  readonly #tlds: Fingerprints;
  readonly #known: Fingerprints | null;
  readonly #memo = new Int32Array(MEMO_ROWS * MEMO_WORDS);

  constructor(memory: StandingMemory, view: StandingView) {
    this.memory = memory;
    this.#view = view;
    this.#likeness = new Likeness(memory.likeness);
    this.#honest = new Fingerprints(memory.honest.words, memory.honest.count);
    this.#tlds = new Fingerprints(memory.tlds.words, memory.tlds.count);
    const domains = memory.known?.domains ?? null;
    this.#known = domains === null ? null : new Fingerprints(domains.words, domains.count);
  }

  /**
   * Scores a name.
   *
   * @param feed the decision's: not 0 when a feed lists the name
   * @returns `score`
   */
  judge(name: WireName, feed: number): number {
    this.score = SCORE_MAX;
    this.partCount = 0;
    this.name = -1;
    this.label = 0;
    this.#low = name.low[0]!;
    this.#high = name.high[0]!;
    this.#feed = feed;
    if (name.labelCount < 2) return SCORE_MAX;
    const label = registrableLabel(name, this.#view.suffixes);
    this.label = label;
    const row = this.#recall(name, label);
    const facts = this.#memo[row + 2]!;
    const tld = facts & 0xff;
    if (tld === TLD_UNSCORED) return SCORE_MAX;
    if (tld !== 0) this.accuse(BECAUSE_TLD, tld, 0);
    if (feed !== 0) this.#addFeeds(name, tld);
    this.#addNew(facts);
    if (((facts >>> HONEST_SHIFT) & 1) === 0) this.#addLikeness(name, label, row);
    if (this.partCount !== 0 && this.#isInternal(name)) {
      this.score = SCORE_MAX;
      this.partCount = 0;
    }
    return this.score;
  }

  /** What `judge` said, with all that was added since, when this was the last name. */
  again(name: WireName, feed: number): number {
    const isLast = this.#low === name.low[0] && this.#high === name.high[0] && this.#feed === feed;
    return isLast ? this.score : this.judge(name, feed);
  }

  /** Takes points away; `detail` goes with the reason. Also for what is not read from tables. */
  accuse(code: number, points: number, detail: number): void {
    if (points === 0 || this.partCount === STANDING_PARTS) return;
    const taken = Math.min(points, SCORE_MAX);
    this.score = Math.max(0, this.score - taken);
    this.parts[this.partCount++] =
      code | (taken << POINTS_SHIFT) | (Math.min(detail, 0xffff) << DETAIL_SHIFT);
  }

  /** Names with servers of their own are the network's: nobody registered them. */
  #isInternal(name: WireName): boolean {
    const { routes } = this.#view;
    routes.find(name);
    return routes.internal === 1;
  }

  #addFeeds(name: WireName, tld: number): void {
    const { reputation } = this.#view;
    const { feedPoints, feedCategory } = this.memory;
    const count = reputation.listing(name);
    for (let i = 0; i < count; i++) {
      const feed = reputation.listedBy[i]!;
      const isSame = feedCategory[feed] === CATEGORY_RISKY_TLD && tld !== 0;
      if (!isSame) this.accuse(BECAUSE_FEED, feedPoints[feed]!, feedCategory[feed]!);
    }
  }

  #addNew(facts: number): void {
    if (((facts >>> NEW_SHIFT) & 1) === 0) return;
    this.accuse(BECAUSE_NEW, NEW_POINTS, this.memory.known?.days ?? 0);
  }

  /** What the domain's label is like, and what stands below it. */
  #addLikeness(name: WireName, label: number, row: number): void {
    const kind = (this.#memo[row + 2]! >>> LIKE_SHIFT) & LIKE_MASK;
    const like = this.#memo[row + 3]!;
    // The very label elsewhere is nothing by itself: owners register it under many suffixes.
    const isExcused = kind === LIKE_SAME && (this.#memo[row + 2]! & 0xff) === 0;
    if (kind !== LIKE_NOTHING && !isExcused) {
      const points = this.#likeness.isOwn(like) ? LIKE_OWN_POINTS : LIKE_POINTS;
      this.name = like;
      this.accuse(BECAUSE[kind]!, points[kind]!, 0);
    }
    if (kind !== LIKE_SAME) this.#addBelow(name, label);
  }

  /** The labels below the domain: the worst of them counts. */
  #addBelow(name: WireName, label: number): void {
    const { octets, labelAt } = name;
    let worst = 0;
    let like = -1;
    for (let i = 0; i < label; i++) {
      const at = labelAt[i]!;
      // `www` before the domain: only `com-` and the like behind a short label could make it one.
      const isShort = octets[at]! < LABEL_MIN;
      if (isShort && i + 1 === label && !isHyphened(octets, labelAt[label]!)) continue;
      const found = this.#likeness.nameOf(octets, at + 1, octets[at]!);
      if (found === -1) continue;
      const isWhole = this.#isWhole(name, i, found);
      const points = isWhole ? WHOLE_POINTS : isShort ? 0 : LABEL_POINTS;
      if (points <= worst) continue;
      worst = points;
      like = found;
    }
    if (worst === 0) return;
    if (this.name === -1) this.name = like;
    this.accuse(worst === WHOLE_POINTS ? BECAUSE_WHOLE : BECAUSE_LABEL, worst, 0);
  }

  /** Whether a protected domain starts at label `i`: `paypal.com.`, or `paypal.com-`. */
  #isWhole(name: WireName, i: number, found: number): boolean {
    const { wires, wireAt } = this.#likeness.memory;
    const { octets, labelAt } = name;
    // Its label may be folded; what follows it is compared as it is.
    let at = labelAt[i + 1]!;
    const end = wireAt[found + 1]!;
    for (let from = wireAt[found]! + 1 + wires[wireAt[found]!]!; from < end; ) {
      const size = wires[from]!;
      if (octets[at]! < size || !equalOctets(octets, at + 1, wires, from + 1, size)) return false;
      const isCut = octets[at]! > size;
      if (isCut) return octets[at + 1 + size] === HYPHEN;
      at += 1 + size;
      from += 1 + size;
    }
    return at < name.length - 1;
  }

  /** The memo's row of the domain, filled. */
  #recall(name: WireName, label: number): number {
    const memo = this.#memo;
    const low = name.low[label]!;
    const high = name.high[label]!;
    const row = (low & (MEMO_ROWS - 1)) * MEMO_WORDS;
    const isKnown = memo[row] === low && memo[row + 1] === high;
    if (isKnown && (memo[row + 2]! & IS_THERE) !== 0) return row;
    memo[row] = low;
    memo[row + 1] = high;
    memo[row + 2] = this.#learn(name, label) | IS_THERE;
    memo[row + 3] = this.#likeness.name;
    return row;
  }

  #learn(name: WireName, label: number): number {
    const last = name.labelCount - 1;
    const low = name.low[label]!;
    const high = name.high[label]!;
    const tld = this.#tlds.find(name.low[last]!, name.high[last]!);
    const isNew = this.#known !== null && this.#known.find(low, high) === 0 ? 1 : 0;
    const isHonest = this.#isHonest(name, label) ? 1 : 0;
    const at = name.labelAt[label]!;
    this.#likeness.find(name.octets, at + 1, name.octets[at]!);
    const { kind } = this.#likeness;
    return tld | (isNew << NEW_SHIFT) | (kind << LIKE_SHIFT) | (isHonest << HONEST_SHIFT);
  }

  /** The domain, or what it stands under: a content network may be a public suffix. */
  #isHonest(name: WireName, label: number): boolean {
    for (let i = label; i < name.labelCount - 1; i++) {
      if (this.#honest.find(name.low[i]!, name.high[i]!) !== 0) return true;
    }
    return false;
  }
}

/** Whether a hyphen follows two to four letters, as behind a suffix. */
function isHyphened(octets: Uint8Array, at: number): boolean {
  return octets[at + 3] === HYPHEN || octets[at + 4] === HYPHEN || octets[at + 5] === HYPHEN;
}
