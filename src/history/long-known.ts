/**
 * Long known: the registrable domains that anybody in this network asked for before some time, as a
 * table for the workers. Read-only, in a thread of its own (long-known-worker.ts).
 *
 * Exact or not at all: where the history does not reach back that far (a new installation knows
 * nothing, and everything would be new), or where it holds more domains than the table may, there
 * is none, and nothing counts as new.
 */

import type Database from 'better-sqlite3';
import { FingerprintsBuilder } from '../fingerprints.ts';
import type { KnownDomains } from '../reputation/standing-memory.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import { undoneFrom } from './debuts.ts';
import { textOfReversed } from './names.ts';
import { KNOWN_BEFORE } from './queries-network.ts';

/** Domains at most: 15 octets each, 30 MB. */
export const LONG_KNOWN_MAX = 2_000_000;
const DAY_MS = 86_400_000;

const BEFORE = `
SELECT name_rev FROM debut WHERE first_ms < @beforeMs
UNION ALL SELECT name_rev FROM pair WHERE id >= @undoneFrom AND first_ms < @beforeMs`;

/**
 * Every domain with a first sight before `nowMs` less `days`.
 *
 * @returns null when the history is younger than that, or holds more than `most` domains
 */
export function longKnown(
  db: Database.Database,
  days: number,
  nowMs: number,
  most = LONG_KNOWN_MAX,
): KnownDomains | null {
  const beforeMs = nowMs - days * DAY_MS;
  if (days === 0 || !reachesBack(db, beforeMs)) return null;
  const names = new Set<string>();
  const values = { beforeMs, undoneFrom: undoneFrom(db) };
  for (const reversed of db.prepare<[typeof values], string>(BEFORE).pluck().iterate(values)) {
    names.add(reversed);
    if (names.size > most) return null;
  }
  return { domains: tableOf(names), days };
}

/** The same for one domain, for a command that asks about one: by the index, not a walk. */
export function longKnownOne(
  db: Database.Database,
  reversed: string,
  days: number,
  nowMs: number,
): KnownDomains | null {
  const beforeMs = nowMs - days * DAY_MS;
  if (days === 0 || !reachesBack(db, beforeMs)) return null;
  const isKnown = db.prepare<[Record<string, string | number>], number>(KNOWN_BEFORE).pluck();
  const known = isKnown.get({ domain: reversed, sinceMs: beforeMs }) === 1 ? [reversed] : [];
  return { domains: tableOf(new Set(known)), days };
}

function reachesBack(db: Database.Database, beforeMs: number): boolean {
  const oldest = db.prepare('SELECT min(first_ms) FROM workload').pluck().get();
  return typeof oldest === 'number' && oldest < beforeMs;
}

function tableOf(names: ReadonlySet<string>): KnownDomains['domains'] {
  const builder = new FingerprintsBuilder(names.size);
  const name = new WireName();
  for (const reversed of names) {
    const wire = nameToWire(textOfReversed(reversed));
    readName(wire, 0, wire.length, name);
    builder.set(name.low[0] ?? 0, name.high[0] ?? 0, 1);
  }
  return builder.finish();
}
