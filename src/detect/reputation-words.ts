/**
 * The parts of a reputation score in words: one place for alerts, `explain` and everybody else.
 * Slow lane.
 */

import { PARTS } from '../events/kinds.ts';
import { CATEGORIES } from '../reputation/categories.ts';
import {
  BECAUSE_BAIT,
  BECAUSE_EDIT,
  BECAUSE_FEED,
  BECAUSE_FLUX,
  BECAUSE_GENERATED,
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
  STANDING_NAME,
  STANDING_NAME_OCTETS,
  STANDING_PARTS,
} from './reputation-parts.ts';

export interface StandingPart {
  /** A word that stays the same from version to version. */
  readonly name: string;
  /** Points that it took away. */
  readonly value: number;
  readonly text: string;
}

interface Words {
  readonly name: string;
  readonly say: (detail: number, like: string) => string;
}

const WORDS = new Map<number, Words>([
  [BECAUSE_FEED, { name: 'feed', say: (category) => `listed by a feed${ofCategory(category)}` }],
  [BECAUSE_TLD, { name: 'tld', say: () => 'its top-level domain has much abuse' }],
  [
    BECAUSE_NEW,
    { name: 'newly-observed', say: (days) => `nobody here asked for it before the last ${days} d` },
  ],
  [
    BECAUSE_GENERATED,
    { name: 'generated', say: (bits) => `spelled like a generated name (${bits} bits)` },
  ],
  [
    BECAUSE_HOMOGRAPH,
    { name: 'homograph', say: (_, like) => `reads like ${like} in letters of another script` },
  ],
  [BECAUSE_GLYPHS, { name: 'glyphs', say: (_, like) => `reads like ${like} with other signs` }],
  [BECAUSE_EDIT, { name: 'typo', say: (_, like) => `spelled almost like ${like}` }],
  [
    BECAUSE_BAIT,
    { name: 'bait', say: (_, like) => `puts a word of log-in pages beside the name of ${like}` },
  ],
  [BECAUSE_PART, { name: 'name-part', say: (_, like) => `holds the name of ${like}` }],
  [
    BECAUSE_SUFFIX,
    {
      name: 'other-suffix',
      say: (_, like) => `the name of ${like} under a top-level domain with much abuse`,
    },
  ],
  [
    BECAUSE_WHOLE,
    { name: 'domain-below', say: (_, like) => `has the whole of ${like} below a domain of others` },
  ],
  [
    BECAUSE_LABEL,
    { name: 'name-below', say: (_, like) => `has the name of ${like} below a domain of others` },
  ],
  [
    BECAUSE_FLUX,
    { name: 'fast-flux', say: (networks) => `its addresses moved between ${networks} networks` },
  ],
]);

/** @param parts words of reputation-parts.ts */
export function standingParts(parts: ArrayLike<number>): StandingPart[] {
  const like = likeOf(parts);
  const found: StandingPart[] = [];
  for (let i = 0; i < STANDING_PARTS; i++) {
    const word = parts[i] ?? 0;
    const words = WORDS.get(word & 0xff);
    if (words === undefined) continue;
    const text = words.say(word >>> DETAIL_SHIFT, like);
    found.push({ name: words.name, value: (word >>> POINTS_SHIFT) & 0xff, text });
  }
  return found;
}

/** The same for who has the numbers of a finding, with what was found. */
export function standingWording(numbers: { part(index: number): number }): {
  readonly summary: string;
  readonly parts: readonly StandingPart[];
} {
  const parts = Array.from({ length: PARTS }, (_, index) => numbers.part(index));
  return { summary: 'the reputation of the name', parts: standingParts(parts) };
}

function ofCategory(number: number): string {
  const name = CATEGORIES[number]?.[0] ?? '';
  return name === '' ? '' : ` of category ${name}`;
}

/** Only octets of names come in, but records are octets: anything else shows as `?`. */
function likeOf(parts: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < STANDING_NAME_OCTETS; i++) {
    const octet = ((parts[STANDING_NAME + (i >> 2)] ?? 0) >>> ((i & 3) * 8)) & 0xff;
    if (octet === 0) break;
    text += octet > 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '?';
  }
  return text === '' ? 'a protected name' : text;
}
