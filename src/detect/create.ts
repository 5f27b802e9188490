/** Makes the memory that the detectors share. Main's business, once at start. */

import { sharedMsNow } from '../clock.ts';
import { ROW_WORDS } from './account-row.ts';
import { ACCOUNTS_MAX, type AccountsMemory } from './accounts.ts';
import { CHANNEL_WORDS } from './channels.ts';
import { loadNameModel } from './load-models.ts';
import type { DetectMemory } from './memory.ts';
import { createRows } from './rows.ts';

/** @param octets of all rows together, without the accounts */
export function createDetectMemory(octets: number): DetectMemory {
  return {
    channels: createRows(octets, CHANNEL_WORDS),
    accounts: createAccounts(),
    names: loadNameModel(),
  };
}

export function createAccounts(): AccountsMemory {
  const octets = ACCOUNTS_MAX * ROW_WORDS * Int32Array.BYTES_PER_ELEMENT;
  return { words: new Int32Array(new SharedArrayBuffer(octets)), startMs: sharedMsNow() };
}
