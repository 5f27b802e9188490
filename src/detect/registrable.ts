/**
 * registrable: where a name's registrable domain starts (RFC 9499: one label below the public
 * suffix).
 */

import type { Fingerprints } from '../fingerprints.ts';
import type { WireName } from '../wire/name.ts';

/** The suffix is a rule of the list. */
export const RULE = 1;
/** Every name one label below is a public suffix (`*.ck`). */
export const WILDCARD = 2;
/** Not a public suffix although a wildcard says so (`!www.ck`). */
export const EXCEPTION = 4;
/** Rules may lie below; without it the walk ends. */
export const TREE = 8;

/**
 * @returns the label index in `name` where its registrable domain starts; 0 when the name is itself
 *   a public suffix, or the root. A name under no rule has its last label as suffix (the rule `*`).
 */
export function registrableLabel(name: WireName, suffixes: Fingerprints): number {
  const count = name.labelCount;
  let suffixLabels = 1;
  for (let depth = 1; depth <= count; depth++) {
    const flags = suffixes.find(name.low[count - depth]!, name.high[count - depth]!);
    if (flags === 0) break;
    if ((flags & EXCEPTION) !== 0) {
      suffixLabels = depth - 1;
      break;
    }
    if ((flags & RULE) !== 0) suffixLabels = depth;
    if ((flags & WILDCARD) !== 0 && count > depth) suffixLabels = depth + 1;
  }
  const label = count - suffixLabels - 1;
  return Math.max(label, 0);
}
