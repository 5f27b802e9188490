/**
 * Seeding: ledgers of earlier runs put back into the shared rows, before any worker listens.
 *
 * With a ledger come the names that it was charged for, as far as the history holds them: a start
 * empties the answer store, so each would be asked for again, and charged again as if it were new.
 */

import { Importer, type LedgerMemory, type LedgerOwner } from '../detect/carry.ts';
import { Seen } from '../detect/seen.ts';
import { workloadKey } from '../identity/workload-key.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import type { LedgerRows, StoredLedger } from './ledger-rows.ts';

/** A number that no worker has. */
const THREAD = 0x7fff;

/** Ledgers put back at most, and those of them, the worthiest, that bring names: 0.3 s in all. */
const LEDGERS_MAX = 65_536;
const NAMED_MAX = 1000;
const NAMES_MAX = 50_000;
/** Of one domain; what has more is a tunnel or a farm of hosts, and its ledger says enough. */
const NAMES_OF_DOMAIN = 1000;

/**
 * @param nowMs wall clock
 * @returns how many were put back
 * @throws SqliteError
 */
export function seedLedgers(rows: LedgerRows, memory: LedgerMemory, nowMs: number): number {
  const now = Math.floor(nowMs / 1000);
  const importer = new Importer(memory, THREAD);
  const seen = new Seen(memory.seen);
  let [count, named, names] = [0, 0, 0];
  for (const ledger of rows.read(now, LEDGERS_MAX)) {
    const owner = ownerOf(ledger);
    if (owner === null || !importer.put(ledger, owner, now)) continue;
    count += 1;
    if (ledger.domain === null || named >= NAMED_MAX || names >= NAMES_MAX) continue;
    named += 1;
    for (const text of rows.names(ledger, NAMES_OF_DOMAIN)) {
      const name = hashOf(text);
      if (name === null) continue;
      seen.add(owner.workloadLow ^ name.low, owner.workloadHigh ^ name.high);
      names += 1;
    }
  }
  return count;
}

function ownerOf({ workload, domain }: StoredLedger): LedgerOwner | null {
  const { low: workloadLow, high: workloadHigh } = workloadKey(workload);
  const hash = domain === null ? NONE : hashOf(domain);
  if (hash === null) return null;
  return { workloadLow, workloadHigh, domainLow: hash.low, domainHigh: hash.high };
}

const NONE = { low: 0, high: 0 };
const scratch = new WireName();

/** The keyed hash of a name, as workers make it; null for what is no name: it spoils no start. */
function hashOf(text: string): { readonly low: number; readonly high: number } | null {
  let wire: Uint8Array;
  try {
    wire = nameToWire(text);
  } catch {
    return null;
  }
  if (readName(wire, 0, wire.length, scratch) === -1) return null;
  return { low: (scratch.low[0] ?? 0) | 0, high: (scratch.high[0] ?? 0) | 0 };
}
