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
import { heardIds } from '../history/packed-ids.ts';
import { NAME_STRETCHES, Pairs } from '../history/queries-pairs.ts';
import type { Counts, RawName, RawRow } from '../history/rows.ts';

type Values = Readonly<Record<string, unknown>>;

/** Pairs that are read with one statement: a step of it for each takes twice as long. */
const PAIRS_AT_ONCE = 500;
/**
 * Names that are read with one statement, roughly: one for each pair takes 99 us, of many 7 us each
 * (13 pairs of 8 names, a history of 10 million pairs).
 */
const NAMES_AT_ONCE = 10_000;

/** What this file needs of a pair, in the order of SEEN_COLUMNS; an object takes twice as long. */
type SeenPair = readonly [
  id: number,
  workloadId: number,
  nameRev: string,
  firstMs: number,
  lastMs: number,
  allowed: number,
  denied: number,
  wouldDeny: number,
  failed: number,
  folded: number,
  names: number,
  firstName: string,
  /** Hexadecimal; see `first.ts`. No blob, because each is an object of its own. */
  qtype: string,
];

const [AT_ID, AT_WORKLOAD, AT_NAME, AT_FIRST, AT_LAST] = [0, 1, 2, 3, 4] as const;
const [AT_ALLOWED, AT_DENIED, AT_WOULD_DENY, AT_FAILED, AT_FOLDED] = [5, 6, 7, 8, 9] as const;
const [AT_NAMES, AT_FIRST_NAME, AT_TYPE] = [10, 11, 12] as const;

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

/** A name as it lies in the history; texts are made when they are asked for. */
export class SeenRow implements SeenName {
  readonly kind: SeenName['kind'];
  /** The name, or the domain, in the form of `names.ts`. */
  readonly reversed: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly queries: number;
  readonly allowed: number;
  readonly denied: number;
  readonly wouldDeny: number;
  readonly failed: number;
  readonly #domainReversed: string;
  /** Hexadecimal; '' where it is not known. */
  readonly #type: string;
  #name: string | null = null;
  #domain: string | null = null;

  constructor(kind: SeenName['kind'], pair: SeenPair, counted: Counted, below: string) {
    const { first_ms, last_ms, allowed, denied, would_deny, failed } = counted;
    this.kind = kind;
    this.reversed = pair[AT_NAME] + below;
    this.firstMs = first_ms;
    this.lastMs = last_ms;
    this.queries = allowed + denied + failed;
    this.allowed = allowed;
    this.denied = denied;
    this.wouldDeny = would_deny;
    this.failed = failed;
    this.#domainReversed = pair[AT_NAME];
    this.#type = kind === 'name' && below === pair[AT_FIRST_NAME] ? pair[AT_TYPE] : '';
  }

  get name(): string {
    this.#name ??= textOfReversed(this.reversed);
    return this.#name;
  }

  get domain(): string {
    this.#domain ??= textOfReversed(this.#domainReversed);
    return this.#domain;
  }

  get firstType(): number {
    return this.#type === '' ? 0 : Number.parseInt(this.#type, 16);
  }
}

type Counted = Omit<RawName, 'name_rev'>;

export interface SeenOf {
  readonly workload: string;
  readonly seen: SeenRow;
}

/** What the history holds of a name: its pair, then the columns of `RawName`. */
type HeldName = readonly [
  pairId: number,
  nameRev: string,
  firstMs: number,
  lastMs: number,
  allowed: number,
  denied: number,
  wouldDeny: number,
  failed: number,
];

interface RowOfPair {
  readonly pair: SeenPair;
  readonly seen: SeenRow;
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
  readonly #read: Database.Statement<[Values], SeenPair>;
  readonly #detail: Database.Statement<[string], HeldName>;

  constructor(db: Database.Database) {
    this.#pairs = new Pairs(db);
    this.#heard = db
      .prepare<[number], [number, Buffer | null]>(
        'SELECT id, more FROM heard WHERE workload_id = ? ORDER BY newest_ms, id',
      )
      .raw();
    this.#read = db
      .prepare<[Values], SeenPair>(`
SELECT ${SEEN_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
WHERE p.last_ms >= @sinceMs AND p.first_ms < @untilMs`)
      .raw();
    this.#detail = db
      .prepare<[string], HeldName>(`
${NAME_STRETCHES}
SELECT n.pair_id, n.name_rev, n.first_ms, n.last_ms, n.allowed, n.denied, n.would_deny, n.failed
FROM json_each(?) j CROSS JOIN stretch CROSS JOIN name n INDEXED BY name_by_pair
  ON (n.id >> ${NAME_SHIFT}) = stretch.number AND n.pair_id = j.value`)
      .raw();
  }

  /** Workloads that were heard of in a window, by name. */
  workloads({ sinceMs, untilMs = Number.MAX_SAFE_INTEGER }: SeenWindow): string[] {
    const sql = 'SELECT name FROM workload WHERE last_ms >= ? AND first_ms < ? ORDER BY name';
    return this.#pairs.db.prepare<[number, number], string>(sql).pluck().all(sinceMs, untilMs);
  }

  /** Names of a workload, roughly in the order in which their domains were first seen. */
  *names(workload: string, window: SeenWindow): Generator<SeenRow> {
    const id = this.#pairs.workloadId(workload);
    if (id === undefined) return;
    const bounds = { untilMs: Number.MAX_SAFE_INTEGER, detailFromMs: 0, ...window };
    let ids: number[] = [];
    for (const [first, more] of this.#heard.iterate(id)) {
      for (const each of heardIds(first, more)) ids.push(each);
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
    const walk = this.#pairs.db
      .prepare<[Values], SeenPair>(`
SELECT ${SEEN_COLUMNS} FROM pair p NOT INDEXED
WHERE p.id > @after AND p.last_ms >= @sinceMs AND p.first_ms < @untilMs
ORDER BY p.id LIMIT ${PAIRS_AT_ONCE}`)
      .raw();
    for (let after = -1; ; ) {
      const pairs = walk.all({ ...bounds, after });
      for (const { pair, seen } of this.#rows(pairs, bounds)) {
        yield { workload: workloads.get(pair[AT_WORKLOAD]) ?? '', seen };
      }
      const last = pairs.at(-1);
      if (last === undefined || pairs.length < PAIRS_AT_ONCE) return;
      after = last[AT_ID];
    }
  }

  #workloadNames(): Map<number, string> {
    const sql = 'SELECT id, name FROM workload';
    return new Map(this.#pairs.db.prepare<[], [number, string]>(sql).raw().all());
  }

  *#ofPairs(ids: readonly number[], bounds: Bounds): Generator<SeenRow> {
    const values = { ...bounds, ids: JSON.stringify(ids) };
    for (const { seen } of this.#rows(this.#read.all(values), bounds)) yield seen;
  }

  /** All that is known of some pairs, pair by pair. */
  *#rows(pairs: readonly SeenPair[], bounds: Bounds): Generator<RowOfPair> {
    for (const some of portionsOf(pairs)) {
      const held = this.#heldOf(some);
      for (const pair of some) {
        // All that was counted is of this name, and the pair was read because it is in the window.
        const seen = pair[AT_NAMES] === SOLE_NAME ? soleOf(pair) : null;
        if (seen !== null) yield { pair, seen };
        else for (const each of detailOf(pair, held, bounds)) yield { pair, seen: each };
      }
    }
  }

  /** Names that are held of some pairs, by pair. */
  #heldOf(pairs: readonly SeenPair[]): ReadonlyMap<number, RawName[]> {
    const held = new Map<number, RawName[]>();
    for (const pair of pairs) if (pair[AT_NAMES] !== SOLE_NAME) held.set(pair[AT_ID], []);
    if (held.size === 0) return held;
    for (const row of this.#detail.iterate(JSON.stringify([...held.keys()]))) {
      const [id, name_rev, first_ms, last_ms, allowed, denied, would_deny, failed] = row;
      const raw = { name_rev, first_ms, last_ms, allowed, denied, would_deny, failed };
      held.get(id)?.push(raw);
    }
    return held;
  }
}

/** One pair after the other, so many that few names are held of them together. */
function* portionsOf(pairs: readonly SeenPair[]): Generator<readonly SeenPair[]> {
  let from = 0;
  let names = 0;
  for (const [i, pair] of pairs.entries()) {
    names += Math.max(0, pair[AT_NAMES]);
    if (names < NAMES_AT_ONCE) continue;
    yield pairs.slice(from, i + 1);
    [from, names] = [i + 1, 0];
  }
  yield pairs.slice(from);
}

function soleOf(pair: SeenPair): SeenRow {
  return new SeenRow('name', pair, countedOf(pair), pair[AT_FIRST_NAME]);
}

/** The names of a pair in the order in which they were first seen, and what is left beside them. */
function detailOf(
  pair: SeenPair,
  held: ReadonlyMap<number, RawName[]>,
  bounds: Bounds,
): readonly SeenRow[] {
  const detail = (held.get(pair[AT_ID]) ?? []).toSorted(byFirstSight);
  const found = detail
    .filter((raw) => isInWindow(raw, bounds))
    .map((raw) => new SeenRow('name', pair, raw, raw.name_rev));
  const rest = restOf(pair, detail);
  if (rest !== null && isMissing(pair, detail, bounds)) {
    found.push(new SeenRow('domain', pair, rest, ''));
  }
  return found;
}

function byFirstSight(a: RawName, b: RawName): number {
  return a.first_ms - b.first_ms || (a.name_rev < b.name_rev ? -1 : 1);
}

function countedOf(pair: SeenPair): Counted {
  return {
    first_ms: pair[AT_FIRST],
    last_ms: pair[AT_LAST],
    allowed: pair[AT_ALLOWED],
    denied: pair[AT_DENIED],
    would_deny: pair[AT_WOULD_DENY],
    failed: pair[AT_FAILED],
  };
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
  if (pair[AT_FOLDED] > 0 || sinceMs < detailFromMs || pair[AT_FIRST] >= detailFromMs) return true;
  return detail.every(({ last_ms }) => last_ms < pair[AT_LAST]);
}

/** What the names that are held leave of the pair's counts; null where that is nothing. */
function restOf(pair: SeenPair, detail: readonly RawName[]): Counted | null {
  const whole = countedOf(pair);
  const left = (count: 'allowed' | 'denied' | 'would_deny' | 'failed'): number =>
    detail.reduce((sum, raw) => sum - raw[count], whole[count]);
  const rest = {
    first_ms: whole.first_ms,
    last_ms: whole.last_ms,
    allowed: Math.max(0, left('allowed')),
    denied: Math.max(0, left('denied')),
    would_deny: Math.max(0, left('would_deny')),
    failed: Math.max(0, left('failed')),
  };
  return rest.allowed + rest.denied + rest.failed > 0 ? rest : null;
}
