/** What the history knows of one name, as the tables of the running resolver would have it. */

import { existsSync } from 'node:fs';
import { registrableLabel } from '../detect/registrable.ts';
import { messageOf } from '../errors.ts';
import { longKnownOne } from '../history/long-known.ts';
import { reversedName } from '../history/names.ts';
import { openForReading } from '../history/reader.ts';
import { type Snapshot, withKnown } from '../server/snapshot.ts';
import { Tables } from '../tables.ts';
import type { WireName } from '../wire/name.ts';

/**
 * The snapshot with what the history says about the domain of `name`. Without a history, or one
 * that cannot be read, nothing counts as new, and that is said.
 */
export function knownHere(snapshot: Snapshot, name: WireName): Snapshot {
  const { history, detect } = snapshot.config;
  if (detect.reputation.newDays === 0 || !existsSync(history.path)) return snapshot;
  try {
    const db = openForReading(history.path);
    try {
      const reversed = reversedName(domainOf(snapshot, name));
      const days = detect.reputation.newDays;
      return withKnown(snapshot, longKnownOne(db, reversed, days, Date.now()));
    } finally {
      db.close();
    }
  } catch (error) {
    process.stderr.write(`${messageOf(error)}; nothing counts as new\n`);
    return snapshot;
  }
}

/** The registrable domain's octets, a character each. */
function domainOf(snapshot: Snapshot, name: WireName): string {
  const label = registrableLabel(name, new Tables(snapshot.memory).suffixes);
  const at = name.labelAt[label] ?? 0;
  return Buffer.from(name.octets.buffer, at, name.length - at).toString('latin1');
}
