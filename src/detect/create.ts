/** Makes the memory that the detectors share. Main's business, once at start. */

import { CHANNEL_CLEAR_WORDS, CHANNEL_WORDS } from './channels.ts';
import { loadNameModel, loadPopular } from './load-models.ts';
import type { DetectMemory } from './memory.ts';
import { createRows } from './rows.ts';
import { createSeen } from './seen.ts';
import { SPREAD_WORDS } from './spread.ts';

/** Rows per workload are small, and few. */
const SPREAD_SHARE = 1 / 64;
/** Of the rest: 4 octets for a name that was asked for, 640 for a (workload, domain). */
const SEEN_SHARE = 1 / 4;

/** @param octets of rows and tags together; models come on top */
export function createDetectMemory(octets: number): DetectMemory {
  const spreads = octets * SPREAD_SHARE;
  const seen = (octets - spreads) * SEEN_SHARE;
  return {
    channels: createRows(octets - spreads - seen, CHANNEL_WORDS, CHANNEL_CLEAR_WORDS),
    spreads: createRows(spreads, SPREAD_WORDS),
    seen: createSeen(seen),
    nameModel: loadNameModel(),
    popular: loadPopular(),
  };
}
