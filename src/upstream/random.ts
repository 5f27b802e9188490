/**
 * Unpredictable numbers for ids, socket choice and the case of names.
 *
 * Octets of the system's CSPRNG, drawn in blocks: `Math.random` is a linear generator whose state
 * can be solved from its output (the defect of CVE-2025-40780), and a call to the CSPRNG per number
 * would cost more than the query. This is not a source of keys.
 */

import { randomFillSync } from 'node:crypto';

/** Numbers of one block: 8 KiB, refilled in about 10 microseconds. */
const BLOCK = 4096;

const block = new Uint16Array(BLOCK);
let used = BLOCK;

/** @returns 0..65535, each equally likely */
export function randomU16(): number {
  if (used === BLOCK) {
    randomFillSync(block);
    used = 0;
  }
  const value = block[used]!;
  // A number that was given out is of no use to whoever reads this memory later.
  block[used++] = 0;
  return value;
}

/** @returns 0..`count`-1, for `count` up to 65,536; biased by less than count/65536 */
export function randomBelow(count: number): number {
  return randomU16() % count;
}
