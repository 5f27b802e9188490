/** Makes the memory that the detectors share. Main's business, once at start. */

import { CHANNEL_WORDS } from './channels.ts';
import { GENERATED_WORDS } from './generated-rows.ts';
import { loadSpelling } from './load-models.ts';
import type { DetectMemory } from './memory.ts';
import { createRows } from './rows.ts';

/** The share of the rows that stand for a workload: 2,048 of them in 64 MB. */
const GENERATED_SHARE = 1 / 16;

/** @param octets of all rows together */
export function createDetectMemory(octets: number): DetectMemory {
  return {
    channels: createRows(octets * (1 - GENERATED_SHARE), CHANNEL_WORDS),
    generated: createRows(octets * GENERATED_SHARE, GENERATED_WORDS),
    spelling: loadSpelling(),
  };
}
