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

/** Domains that are read with one statement: a step of it for each takes twice as long. */
const AT_ONCE = 10_000;

const OF_RUN = `
SELECT name_rev FROM domain WHERE run = @number AND name_rev > @last
ORDER BY name_rev LIMIT ${AT_ONCE}`;
const OF_STRETCH = `
SELECT DISTINCT name_rev FROM pair INDEXED BY pair_by_name
WHERE (id >> ${PAIR_SHIFT}) = @number AND name_rev > @last ORDER BY name_rev LIMIT ${AT_ONCE}`;

/**
 * Registrable domains, without the root; one comes again for each run and stretch that it is in.
 */
export function* domainsOf(db: Database.Database): Generator<string> {
  const numbers = (table: 'whole' | 'stretch'): number[] =>
    db.prepare<[], number>(`${COVER} SELECT number FROM ${table}`).pluck().all();
  for (const number of numbers('whole')) yield* walk(db, OF_RUN, number);
  for (const number of numbers('stretch')) yield* walk(db, OF_STRETCH, number);
}

function* walk(db: Database.Database, sql: string, number: number): Generator<string> {
  const statement = db.prepare<[{ number: number; last: string }], string>(sql).pluck();
  for (let last = ''; ; ) {
    const domains = statement.all({ number, last });
    yield* domains;
    const end = domains.at(-1);
    if (end === undefined || domains.length < AT_ONCE) return;
    last = end;
  }
}
