/**
 * Suspects: domains that nobody should allow without a look. What was seen may be what the valve is
 * there to stop, and a list that is learnt would let it out for ever.
 */

import type Database from 'better-sqlite3';
import { detectorOf } from '../detect/detectors.ts';
import { textOfReversed } from '../history/names.ts';
import type { Engine } from './engine.ts';
import type { SeenName, SeenWindow } from './seen.ts';

/** Where a workload takes any score, what is looked at is what alerts are told of by default. */
const LOOKED_AT_BELOW = 40;

const FOUND = `
SELECT f.name_rev AS nameRev, f.type, max(f.last_ms) AS lastMs FROM finding f
JOIN workload w ON w.id = f.workload_id
WHERE w.name = ? AND f.last_ms >= ? AND f.first_ms < ? GROUP BY f.name_rev, f.type`;

interface Found {
  readonly nameRev: string;
  readonly type: number;
  readonly lastMs: number;
}

export class Suspects {
  readonly #engine: Engine;
  readonly #byDomain = new Map<string, string>();
  /** Detectors that found something in all that the workload asked for, and in no one domain. */
  readonly ofWorkload: readonly string[];

  constructor(db: Database.Database, workload: string, window: SeenWindow, engine: Engine) {
    this.#engine = engine;
    const until = window.untilMs ?? Number.MAX_SAFE_INTEGER;
    const rows = db.prepare<[string, number, number], Found>(FOUND);
    const others = new Set<string>();
    for (const { nameRev, type, lastMs } of rows.iterate(workload, window.sinceMs, until)) {
      const { name, scope } = detectorOf(type);
      if (scope === 'workload') others.add(name);
      if (scope !== 'domain') continue;
      const text = `detector "${name}" found something, last on ${dateOf(lastMs)}`;
      this.#byDomain.set(textOfReversed(nameRev), text);
    }
    this.ofWorkload = [...others].sort();
  }

  /** What is to be said against it; '' for nothing. */
  against({ name, domain }: SeenName): string {
    const found = this.#byDomain.get(domain);
    if (found !== undefined) return found;
    const { score, alert_below, parts } = this.#engine.score(name);
    if (score >= (alert_below === 0 ? LOOKED_AT_BELOW : alert_below)) return '';
    const worst = parts.map(({ text }) => text).join(', ');
    return `reputation ${score} of 100: ${worst}`;
  }
}

export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** `1 query`, `2 queries`. */
export function queriesText(count: number): string {
  return `${count} ${count === 1 ? 'query' : 'queries'}`;
}
