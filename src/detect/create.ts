/** Makes the memory that the detectors share. Main's business, once at start. */

import { sharedMsNow } from '../clock.ts';
import { ROW_WORDS } from './account-row.ts';
import { ACCOUNTS_MAX, type AccountsMemory } from './accounts.ts';
import { CHANNEL_CLEAR_WORDS, CHANNEL_WORDS } from './channels.ts';
import { GENERATED_WORDS } from './generated-rows.ts';
import { loadNameModel, loadPopular, loadSpelling } from './load-models.ts';
import type { DetectMemory } from './memory.ts';
import { createRows } from './rows.ts';
import { createSeen } from './seen.ts';
import { SPREAD_WORDS } from './spread.ts';

/** Rows per workload are small, and few. */
const SPREAD_SHARE = 1 / 64;
/** Rows per workload about names that do not exist: 2,048 in 64 MB. */
const GENERATED_SHARE = 1 / 16;
/** Of the rest: 4 octets for a name that was asked for, 640 for a (workload, domain). */
const SEEN_SHARE = 1 / 4;

/** @param octets of rows and tags together; models and accounts come on top */
export function createDetectMemory(octets: number): DetectMemory {
  const spreads = octets * SPREAD_SHARE;
  const generated = octets * GENERATED_SHARE;
  const rest = octets - spreads - generated;
  const seen = rest * SEEN_SHARE;
  return {
    channels: createRows(rest - seen, CHANNEL_WORDS, CHANNEL_CLEAR_WORDS),
    spreads: createRows(spreads, SPREAD_WORDS),
    generated: createRows(generated, GENERATED_WORDS),
    seen: createSeen(seen),
    nameModel: loadNameModel(),
    popular: loadPopular(),
    accounts: createAccounts(),
    spelling: loadSpelling(),
  };
}

export function createAccounts(): AccountsMemory {
  const octets = ACCOUNTS_MAX * ROW_WORDS * Int32Array.BYTES_PER_ELEMENT;
  return { words: new Int32Array(new SharedArrayBuffer(octets)), startMs: sharedMsNow() };
}
