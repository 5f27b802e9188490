/**
 * Seen: every name that a workload asked for in a window, as the history has it, one after the
 * other and in bounded memory. Reads only; decides nothing.
 *
 * Where the detail of a domain is not whole (beyond the bound of names, or purged), one more row
 * stands for the names that are missing: it carries the domain and what is left of its counts.
 */

import type Database from 'better-sqlite3';
import { NAME_SHIFT } from '../history/migrations.ts';
import { SOLE_NAME, textOfReversed } from '../history/names.ts';
import { NAME_STRETCHES, Pairs } from '../history/queries-pairs.ts';
import type { Counts, RawName, RawRow } from '../history/rows.ts';
import { unpackIds } from '../history/totals.ts';

/** Pairs that are read with one statement: a step of it for each takes twice as long. */
const PAIRS_AT_ONCE = 500;

/** What this file needs of a pair; no blob, because each is an object of its own. */
interface SeenPair extends RawRow {
  readonly id: number;
  readonly workload_id: number;
  readonly name_rev: string;
  readonly allowed: number;
  readonly denied: number;
  readonly would_deny: number;
  readonly failed: number;
  readonly folded: number;
  readonly names: number;
  readonly first_name: string;
  /** Hexadecimal; see `first.ts`. */
  readonly qtype: string;
}

const SEEN_COLUMNS = `
  p.id, p.workload_id, p.name_rev, p.first_ms, p.last_ms, p.allowed, p.denied, p.would_deny,
  p.failed, p.folded, p.names, p.first_name, hex(substr(p.first, 17, 2)) AS qtype`;

/** What was first seen before its end, and last seen at its begin or after. */
export interface SeenWindow {
  /** ms since the epoch. */
  readonly sinceMs: number;
  /** Itself not in it; none for all. */
  readonly untilMs?: number;
  /** Detail last seen from here on was not purged (now less the retention); 0 if not known. */
  readonly detailFromMs?: number;
}

/** Times and counts are of the whole history: which queries were in the window is not kept. */
export interface SeenName extends Counts {
  /** `name`: one full name. `domain`: names at or below the domain that no detail is held of. */
  readonly kind: 'name' | 'domain';
  /** As `nameToWire` reads it; the domain where `kind` is that. */
  readonly name: string;
  /** Registrable domain. */
  readonly domain: string;
  /** Type of the first query; 0 where it is not known, as for all but a domain's first name. */
  readonly firstType: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface SeenOf {
  readonly workload: string;
  readonly seen: SeenName;
}

interface Bounds {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly detailFromMs: number;
}

/** Statements over one connection, for as many workloads as are asked for. */
export class Seen {
  readonly #pairs: Pairs;
  readonly #heard: Database.Statement<[number], [number, Buffer | null]>;
  readonly #read: Database.Statement<[Readonly<Record<string, unknown>>], SeenPair>;
  readonly #detail: Database.Statement<[number], RawName>;

  constructor(db: Database.Database) {
    this.#pairs = new Pairs(db);
    this.#heard = db
      .prepare<[number], [number, Buffer | null]>(
        'SELECT id, more FROM heard WHERE workload_id = ? ORDER BY newest_ms, id',
      )
      .raw();
    this.#read = this.#pairs.statement<SeenPair>(`
SELECT ${SEEN_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
WHERE p.last_ms >= @sinceMs AND p.first_ms < @untilMs`);
    this.#detail = db.prepare<[number], RawName>(`
${NAME_STRETCHES}
SELECT n.* FROM stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = ?
ORDER BY n.first_ms, n.name_rev`);
  }

  /** Workloads that were heard of in a window, by name. */
  workloads({ sinceMs, untilMs = Number.MAX_SAFE_INTEGER }: SeenWindow): string[] {
    const sql = 'SELECT name FROM workload WHERE last_ms >= ? AND first_ms < ? ORDER BY name';
    return this.#pairs.db.prepare<[number, number], string>(sql).pluck().all(sinceMs, untilMs);
  }

  /** Names of a workload, roughly in the order in which their domains were first seen. */
  *names(workload: string, window: SeenWindow): Generator<SeenName> {
    const id = this.#pairs.workloadId(workload);
    if (id === undefined) return;
    const bounds = { untilMs: Number.MAX_SAFE_INTEGER, detailFromMs: 0, ...window };
    let ids: number[] = [];
    for (const [first, more] of this.#heard.iterate(id)) {
      for (const each of unpackIds(first, more)) ids.push(each);
      for (; ids.length >= PAIRS_AT_ONCE; ids = ids.slice(PAIRS_AT_ONCE)) {
        yield* this.#ofPairs(ids.slice(0, PAIRS_AT_ONCE), bounds);
      }
    }
    yield* this.#ofPairs(ids, bounds);
  }

  /**
   * Names of all workloads, in no order: one walk over the pairs as they lie in the file, which
   * takes a tenth of what `names` of each workload would.
   */
  *everybody(window: SeenWindow): Generator<SeenOf> {
    const bounds = { untilMs: Number.MAX_SAFE_INTEGER, detailFromMs: 0, ...window };
    const workloads = this.#workloadNames();
    const walk = this.#pairs.statement<SeenPair>(`
SELECT ${SEEN_COLUMNS} FROM pair p NOT INDEXED
WHERE p.id > @after AND p.last_ms >= @sinceMs AND p.first_ms < @untilMs
ORDER BY p.id LIMIT ${PAIRS_AT_ONCE}`);
    for (let after = -1; ; ) {
      const pairs = walk.all({ ...bounds, after });
      for (const pair of pairs) {
        const workload = workloads.get(pair.workload_id) ?? '';
        for (const seen of this.#ofPair(pair, bounds)) yield { workload, seen };
      }
      const last = pairs.at(-1);
      if (last === undefined || pairs.length < PAIRS_AT_ONCE) return;
      after = last.id;
    }
  }

  #workloadNames(): Map<number, string> {
    const sql = 'SELECT id, name FROM workload';
    return new Map(this.#pairs.db.prepare<[], [number, string]>(sql).raw().all());
  }

  *#ofPairs(ids: readonly number[], bounds: Bounds): Generator<SeenName> {
    const values = { ...bounds, ids: JSON.stringify(ids) };
    for (const pair of this.#read.all(values)) yield* this.#ofPair(pair, bounds);
  }

  #ofPair(pair: SeenPair, bounds: Bounds): readonly SeenName[] {
    if (pair.names === SOLE_NAME) {
      // All that was counted is of this name, and the pair was read because it lies in the window.
      return [seenName('name', pair, pair, pair.first_name)];
    }
    const detail = this.#detail.all(pair.id);
    const found = detail
      .filter((raw) => isInWindow(raw, bounds))
      .map((raw) => seenName('name', pair, raw, raw.name_rev));
    const rest = restOf(pair, detail);
    if (rest !== null && isMissing(pair, detail, bounds)) {
      found.push(seenName('domain', pair, rest, ''));
    }
    return found;
  }
}

function isInWindow({ first_ms, last_ms }: RawRow, { sinceMs, untilMs }: Bounds): boolean {
  return last_ms >= sinceMs && first_ms < untilMs;
}

/**
 * Whether queries without detail may lie in the window. What was purged is older; what came in
 * such numbers that it was folded or shed is not.
 */
function isMissing(pair: SeenPair, detail: readonly RawName[], bounds: Bounds): boolean {
  const { sinceMs, detailFromMs } = bounds;
  if (pair.folded > 0 || sinceMs < detailFromMs || pair.first_ms >= detailFromMs) return true;
  return detail.every(({ last_ms }) => last_ms < pair.last_ms);
}

/** What the names that are held leave of the pair's counts; null where that is nothing. */
function restOf(pair: SeenPair, detail: readonly RawName[]): RawName | null {
  const left = (count: 'allowed' | 'denied' | 'would_deny' | 'failed'): number =>
    detail.reduce((sum, raw) => sum - raw[count], pair[count]);
  const rest = {
    name_rev: '',
    first_ms: pair.first_ms,
    last_ms: pair.last_ms,
    allowed: Math.max(0, left('allowed')),
    denied: Math.max(0, left('denied')),
    would_deny: Math.max(0, left('would_deny')),
    failed: Math.max(0, left('failed')),
  };
  return rest.allowed + rest.denied + rest.failed > 0 ? rest : null;
}

function seenName(
  kind: SeenName['kind'],
  pair: SeenPair,
  counted: Omit<RawName, 'name_rev'>,
  below: string,
): SeenName {
  const isFirst = kind === 'name' && below === pair.first_name;
  const { first_ms: firstMs, last_ms: lastMs, allowed, denied, failed } = counted;
  return {
    kind,
    domain: textOfReversed(pair.name_rev),
    firstType: isFirst ? Number.parseInt(pair.qtype, 16) : 0,
    name: textOfReversed(pair.name_rev + below),
    firstMs,
    lastMs,
    queries: allowed + denied + failed,
    allowed,
    denied,
    wouldDeny: counted.would_deny,
    failed,
  };
}
