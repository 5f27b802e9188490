/**
 * Which of very many indicators the history can know anything of: its domains are walked once, in
 * the order of their index, and each is looked up among the indicators. To ask for each indicator
 * would seek in every stretch of the index, times the names above it.
 */

import type Database from 'better-sqlite3';
import { PAIR_SHIFT } from '../history/migrations.ts';
import { ancestorsOf } from '../history/names.ts';
import { COVER } from '../history/queries-pairs.ts';
import type { Indicators } from './indicators.ts';

/** Indicators that are a domain of the history, or lie above or below one. */
export function candidates(db: Database.Database, indicators: Indicators): Set<string> {
  const below = byAncestor(indicators);
  const found = new Set<string>();
  for (const domain of domainsOf(db)) {
    for (const name of below.get(domain) ?? []) found.add(name);
    // A dot that is escaped ends no label, but no indicator has an escape before a dot.
    for (let end = domain.indexOf('.'); end >= 0; end = domain.indexOf('.', end + 1)) {
      const above = domain.slice(0, end + 1);
      if (indicators.has(above)) found.add(above);
    }
  }
  return found;
}

function byAncestor(indicators: Indicators): Map<string, string[]> {
  const below = new Map<string, string[]>();
  for (const name of indicators.keys()) {
    for (const above of ancestorsOf(name).slice(1)) {
      const names = below.get(above);
      if (names === undefined) below.set(above, [name]);
      else names.push(name);
    }
  }
  return below;
}

/** Registrable domains; one comes again for each run and stretch of the index that it is in. */
export function domainsOf(db: Database.Database): Iterable<string> {
  const walk = db.prepare<[], string>(`${COVER}
SELECT d.name_rev FROM whole CROSS JOIN domain d ON d.run = whole.number
UNION ALL
SELECT p.name_rev FROM stretch CROSS JOIN pair p INDEXED BY pair_by_name
  ON (p.id >> ${PAIR_SHIFT}) = stretch.number`);
  return walk.pluck().iterate();
}
