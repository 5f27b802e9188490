/** What query types say about a tunnel. Fast lane. */

import {
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_HTTPS,
  TYPE_KEY,
  TYPE_MX,
  TYPE_NS,
  TYPE_NULL,
  TYPE_PRIVATE_FIRST,
  TYPE_PTR,
  TYPE_SRV,
  TYPE_SVCB,
  TYPE_TXT,
} from '../wire/constants.ts';

/** Weights are integers: tenths. */
export const FULL_WEIGHT = 10;
/** By type number: what a byte of a name counts with this type. */
const WEIGHTS = new Uint8Array(256).fill(FULL_WEIGHT);
const IS_ODD = new Uint8Array(256).fill(1);
// Those that ordinary programs ask for.
for (const type of [TYPE_A, TYPE_AAAA, TYPE_HTTPS, TYPE_SVCB, TYPE_PTR]) IS_ODD[type] = 0;
// Types without a use of today, whose answers hold what one likes.
for (const type of [TYPE_NULL, TYPE_KEY]) WEIGHTS[type] = 20;
// Types whose answers hold much, and that programs seldom ask for by new names.
for (const type of [TYPE_TXT, TYPE_MX, TYPE_CNAME, TYPE_NS]) WEIGHTS[type] = 15;
WEIGHTS[TYPE_SRV] = 12;
const PRIVATE_WEIGHT = 20;

export function weightOf(qtype: number): number {
  if (qtype < 256) return WEIGHTS[qtype]!;
  return qtype >= TYPE_PRIVATE_FIRST ? PRIVATE_WEIGHT : FULL_WEIGHT;
}

/** Whether the type is none that ordinary programs ask for. */
export function isOdd(qtype: number): boolean {
  return qtype >= 256 || IS_ODD[qtype]! === 1;
}
