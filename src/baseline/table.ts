/**
 * Baselines in the history database: the hours of each workload, the hours that were watched, and
 * what was told or held. SQL only; one object for each connection.
 */

import type Database from 'better-sqlite3';
import type { Unwritten } from './activity.ts';
import type { BurningIn } from './burn-in.ts';
import type { UnusualKind } from './unusual.ts';
import type { HourRow } from './usual.ts';
import type { WatchedHour } from './watch.ts';

const COLUMNS = `
SELECT hour, queries, denied, failed, nxdomain, domains, fresh, day_domains AS dayDomains,
  learnt_queries AS learntQueries, learnt_fresh AS learntFresh, learnt_nxdomain AS learntNxdomain
FROM activity WHERE workload_id = ? AND hour >= ? AND hour <= ? ORDER BY hour`;

// What is learnt is cut by the whole hour's count, of which this may be a part.
const ADD_HOUR = `
INSERT INTO activity VALUES (@id, @hour, @queries, @denied, @failed, @nxdomain, @domains, @fresh,
  @dayDomains, min(@queries, @capQueries), min(@fresh, @capFresh), min(@nxdomain, @capNxdomain))
ON CONFLICT (workload_id, hour) DO UPDATE SET
  queries = queries + @queries, denied = denied + @denied, failed = failed + @failed,
  nxdomain = nxdomain + @nxdomain, domains = domains + @domains, fresh = fresh + @fresh,
  day_domains = max(day_domains, @dayDomains),
  learnt_queries = min(queries + @queries, @capQueries),
  learnt_fresh = min(fresh + @fresh, @capFresh),
  learnt_nxdomain = min(nxdomain + @nxdomain, @capNxdomain)`;

const ADD_WATCHED = `
INSERT INTO watched VALUES (?, ?)
ON CONFLICT (hour) DO UPDATE SET seconds = seconds + excluded.seconds`;

/** As good as no cap. */
const NO_CAP = Number.MAX_SAFE_INTEGER;

const KINDS: readonly UnusualKind[] = ['queries', 'fresh', 'nxdomain'];
/** Number of a burn-in among the kinds of what was told. */
const BURN_IN = 3;

export interface WorkloadKey {
  readonly id: number;
  readonly firstMs: number;
}

/** An alert that was told, as it is stored. */
export interface ToldRow {
  readonly kind: UnusualKind;
  readonly atMs: number;
  readonly count: number;
}

export class BaselineTable {
  readonly #workload: Database.Statement<[string], WorkloadKey>;
  readonly #after: Database.Statement<[number], number>;
  readonly #hours: Database.Statement<[number, number, number], HourRow>;
  readonly #addHour: Database.Statement<[Record<string, number>]>;
  readonly #forgetHours: Database.Statement<[number, number]>;
  readonly #watched: Database.Statement<[number], [number, number]>;
  readonly #addWatched: Database.Statement<[number, number]>;
  readonly #forgetWatched: Database.Statement<[number]>;
  readonly #toldOf: Database.Statement<[number], [number, number, number]>;
  readonly #tell: Database.Statement<[number, number, number, number]>;
  readonly #burning: Database.Statement<[], BurningIn>;
  readonly #forgetBurning: Database.Statement<[]>;
  readonly #atOnce: Database.Transaction<(work: () => void) => void>;

  constructor(db: Database.Database) {
    this.#workload = db.prepare('SELECT id, first_ms AS firstMs FROM workload WHERE name = ?');
    this.#after = db.prepare<[number], number>('SELECT min(id) FROM workload WHERE id > ?').pluck();
    this.#hours = db.prepare(COLUMNS);
    this.#addHour = db.prepare(ADD_HOUR);
    this.#forgetHours = db.prepare('DELETE FROM activity WHERE workload_id = ? AND hour < ?');
    this.#watched = db
      .prepare<[number], [number, number]>('SELECT hour, seconds FROM watched WHERE hour >= ?')
      .raw();
    this.#addWatched = db.prepare(ADD_WATCHED);
    this.#forgetWatched = db.prepare('DELETE FROM watched WHERE hour < ?');
    this.#toldOf = db
      .prepare<[number], [number, number, number]>(
        `SELECT kind, at_ms, count FROM told WHERE workload_id = ? AND kind < ${BURN_IN}`,
      )
      .raw();
    this.#tell = db.prepare('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)');
    this.#burning = db.prepare(`
SELECT w.name AS workload, t.at_ms AS endMs, t.count AS held
FROM told t JOIN workload w ON w.id = t.workload_id WHERE t.kind = ${BURN_IN}`);
    this.#forgetBurning = db.prepare(`DELETE FROM told WHERE kind = ${BURN_IN}`);
    this.#atOnce = db.transaction((work) => work());
  }

  /** Runs `work` in one transaction. @throws SqliteError, and nothing of it is stored */
  atOnce(work: () => void): void {
    this.#atOnce.immediate(work);
  }

  /** Undefined before the first of its pairs was stored. */
  workload(name: string): WorkloadKey | undefined {
    return this.#workload.get(name);
  }

  /** The workload whose number follows; undefined after the last. */
  workloadAfter(id: number): number | undefined {
    return this.#after.get(id) ?? undefined;
  }

  /** Hours with anything in them, both ends included, oldest first. */
  hours(id: number, from: number, to: number): HourRow[] {
    return this.#hours.all(id, from, to);
  }

  addHour(id: number, { hour, counts, dayDomains, usual }: Unwritten): void {
    const { queries, denied, failed, nxdomain, domains, fresh } = counts;
    this.#addHour.run({
      id,
      hour,
      queries,
      denied,
      failed,
      nxdomain,
      domains,
      fresh,
      dayDomains,
      capQueries: finite(usual?.queries.cap),
      capFresh: finite(usual?.fresh.cap),
      capNxdomain: finite(usual?.nxdomain.cap),
    });
  }

  forgetHours(id: number, before: number): void {
    this.#forgetHours.run(id, before);
  }

  watched(from: number): WatchedHour[] {
    return this.#watched.all(from);
  }

  addWatched([hour, seconds]: WatchedHour): void {
    this.#addWatched.run(hour, Math.round(seconds));
  }

  forgetWatched(before: number): void {
    this.#forgetWatched.run(before);
  }

  told(id: number): ToldRow[] {
    return this.#toldOf.all(id).map(([kind, atMs, count]) => {
      return { kind: KINDS[kind] ?? 'queries', atMs, count };
    });
  }

  tell(id: number, { kind, atMs, count }: ToldRow): void {
    this.#tell.run(id, KINDS.indexOf(kind), Math.floor(atMs), count);
  }

  burning(): BurningIn[] {
    return this.#burning.all();
  }

  /** Replaces all that `burning` gives. */
  writeBurning(rows: readonly BurningIn[]): void {
    this.#forgetBurning.run();
    for (const { workload, endMs, held } of rows) {
      const key = this.workload(workload);
      if (key !== undefined) this.#tell.run(key.id, BURN_IN, Math.floor(endMs), held);
    }
  }
}

function finite(cap: number | undefined): number {
  return cap === undefined || !Number.isFinite(cap) ? NO_CAP : cap;
}
