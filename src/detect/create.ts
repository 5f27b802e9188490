/** Makes the memory that the detectors share. Main's business, once at start. */

import { CHANNEL_WORDS } from './channels.ts';
import type { DetectMemory } from './memory.ts';
import { createRows } from './rows.ts';

/** @param octets of all rows together */
export function createDetectMemory(octets: number): DetectMemory {
  return { channels: createRows(octets, CHANNEL_WORDS) };
}
