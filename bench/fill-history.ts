/**
 * A history as it is after 400 days with so many workloads, written into its tables at once: the
 * recorder would take a quarter of an hour. As after such a time its runs are whole.
 */

import type Database from 'better-sqlite3';
import { BLOCK_SHIFT } from '../src/history/block-schema.ts';
import type { BusyEntry } from '../src/history/busy.ts';
import { packDays } from '../src/history/day-counts.ts';
import { DaySettling } from '../src/history/day-settling.ts';
import { KIND_PAIRS, Numbers } from '../src/history/numbers.ts';
import { packIds } from '../src/history/packed-ids.ts';
import { Settling } from '../src/history/settling.ts';
import { WorkloadDays } from '../src/history/workload-days.ts';

/** The pairs that are there already were first seen over this time. */
export const FILL_DAYS = 400;
export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Share of the pairs already there that were asked for again in the last 24 h. */
const ALIVE = 0.05;
/** Workloads that ask for each domain. */
const SHARERS = 5;
/** Every so-manieth pair was denied, failed, has several names. */
const DENIED = 47;
const FAILED = 501;
const DETAILED = 40;
const NAMES = 8;
/** Hours that `busy` keeps. */
const BUSY_HOURS = 744;
const BUSY_DOMAINS = 250;

/**
 * In the order of first sight. Every workload has a pair in each round of all of them, and five
 * workloads share a domain; three in five names are below `com`, as in the world, one in fifty below
 * `io`, one in five hundred below `dk`.
 */
const FILL_PAIRS = `
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < @pairs - 1),
r AS (
  SELECT i + 1 AS id, 1 + (i * 7919) % @workloads AS w, i / @workloads AS k,
    CAST(@from + @span * (i * 1.0 / @pairs) AS INTEGER) AS at,
    (i * 2654435761) % 65536 / 65536.0 AS y FROM n),
d AS (SELECT id, w, at, y, k * @shared + w % @shared AS d, id % ${DENIED} = 0 AS denied,
    id % ${FAILED} = 0 AS failed FROM r),
t AS (SELECT id, w, d, at, denied, failed,
  CASE WHEN y < ${ALIVE} THEN CAST(max(at, @now - ${DAY_MS} * y / ${ALIVE}) AS INTEGER) ELSE at END
    AS last FROM d)
INSERT INTO pair (id, workload_id, name_rev, first_ms, last_ms, last_day, allowed, denied, failed,
  cached, unusual, names, first_name, first, days)
SELECT id, w, CASE WHEN d % 500 = 499 THEN 'dk.' WHEN d % 50 = 48 THEN 'io.'
  WHEN d % 5 < 3 THEN 'com.' WHEN d % 5 = 3 THEN 'net.' ELSE 'org.' END
  || printf('%x%x', (d * 2654435761) % 4294967296, d) || '.',
  at, last, last / ${DAY_MS}, 13, denied, failed, 1, denied | (failed << 2),
  CASE WHEN id % ${DETAILED} = 0 THEN ${NAMES} ELSE -1 END, 'www.',
  x'00000000000000000000ffff0a0000010001010000000100000000',
  CASE WHEN last > at AND at / ${DAY_MS} < @today - 10 THEN @days END FROM t`;

const FILL_BLOCKS = `
INSERT INTO block SELECT id >> ${BLOCK_SHIFT}, min(first_ms) FROM pair GROUP BY 1`;
const FILL_HEARD =
  'INSERT INTO heard SELECT workload_id, first_ms, id, NULL FROM pair ORDER BY 1, 2, 3';

/** Those that were asked for on each of the ten days before today. */
const WOKEN = 'SELECT workload_id, id FROM pair WHERE days IS NOT NULL ORDER BY id';

const FILL_NAMES = `
INSERT INTO name (pair_id, name_rev, first_ms, last_ms, allowed, denied, would_deny, failed)
SELECT p.id, CASE i.value WHEN 0 THEN 'www.' ELSE 'h' || i.value || '.' END,
  p.first_ms, p.last_ms, 1, 0, 0, 0
FROM pair p CROSS JOIN json_each(@each) i WHERE p.id % ${DETAILED} = 0`;

export interface Filled {
  readonly pairs: number;
  /** More than one, and no multiple of 7919. */
  readonly workloads: number;
  readonly nowMs: number;
}

/** Fills the tables under their indexes, which are made anew afterwards. */
export function fill(db: Database.Database, filled: Filled): void {
  const { pairs, workloads, nowMs } = filled;
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    )
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const span = FILL_DAYS * DAY_MS;
  const today = Math.floor(nowMs / DAY_MS);
  db.transaction(() => {
    const add = db.prepare(
      'INSERT INTO workload (id, name, first_ms, last_ms, domains) VALUES (?, ?, ?, ?, ?)',
    );
    const each = Math.ceil(pairs / workloads);
    for (let i = 1; i <= workloads; i++) add.run(i, `w${i}`, nowMs - span, nowMs, each);
    db.prepare('INSERT INTO policy (id, revision, loaded_ms) VALUES (1, 1, ?)').run(nowMs - span);
    const days = tenDays(today);
    db.prepare(FILL_PAIRS).run({
      pairs,
      workloads,
      shared: Math.ceil(workloads / SHARERS),
      from: nowMs - span,
      span,
      now: nowMs,
      days,
      today,
    });
    db.prepare(FILL_NAMES).run({ each: JSON.stringify([...Array(NAMES).keys()]) });
    for (const { sql } of indexes) db.exec(sql);
    db.exec(FILL_HEARD);
    db.exec(FILL_BLOCKS);
    fillWoken(db, today);
    fillBusy(db, filled);
  })();
  // Makes the filters, as the first start after a migration does.
  new Numbers(db, KIND_PAIRS);
  const settling = new Settling(db);
  while (settling.step());
  const days = new DaySettling(db, new WorkloadDays(db));
  while (days.step(nowMs));
}

function fillWoken(db: Database.Database, today: number): void {
  const add = db.prepare('INSERT INTO woken (workload_id, day, ids) VALUES (?, ?, ?)');
  const workloads = db.prepare<[], number>('SELECT id FROM workload').pluck().all();
  const byWorkload = new Map(workloads.map((id) => [id, [] as number[]]));
  const pairs = db.prepare<[], [number, number]>(WOKEN).raw();
  for (const [workloadId, id] of pairs.iterate()) byWorkload.get(workloadId)?.push(id);
  for (const [workloadId, ids] of byWorkload) {
    const packed = packIds(ids);
    for (let day = today - 10; day <= today; day++) add.run(workloadId, day, packed);
  }
}

/** Counts of the ten days before today, one query each. */
function tenDays(today: number): Buffer {
  let days: Buffer | null = null;
  for (let day = today - 10; day < today; day++) {
    const count = day - (today - 10) + 1;
    const counts = [count, 0, 0, 0] as const;
    days = packDays({ firstDay: today - 10, lastDay: day, counts, days });
  }
  return days ?? Buffer.alloc(0);
}

function fillBusy(db: Database.Database, filled: Filled): void {
  const add = db.prepare(
    'INSERT INTO busy (hour, workloads, domains, missed) VALUES (?, ?, ?, 1000)',
  );
  const thisHour = Math.floor(filled.nowMs / HOUR_MS);
  for (let hour = thisHour - BUSY_HOURS + 1; hour <= thisHour; hour++) {
    const workloads = Array.from({ length: filled.workloads }, (_, i): BusyEntry => {
      return [`w${i + 1}`, 1000 + ((i * hour) % 977), i % 7, 0, i % 3];
    });
    const domains = Array.from({ length: BUSY_DOMAINS }, (_, i): BusyEntry => {
      return [`com.busy${(i * hour) % 4001}.`, 5000 - i * 3, i % 5, 0, 0];
    });
    add.run(hour, JSON.stringify(workloads), JSON.stringify(domains));
  }
}
