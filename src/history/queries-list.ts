/**
 * Who asked for any name of a list. One statement walks the runs and stretches with all names,
 * sorted, so that names that are neighbours share pages.
 */

import { PAIR_SHIFT } from './migrations.ts';
import { ancestorsOf, textOfReversed } from './names.ts';
import { answersTo, type Filter, type Range, rangeOf } from './queries-filter.ts';
import type { NameQueries } from './queries-name.ts';
import { COVER, type Pairs } from './queries-pairs.ts';
import { PAIR_COLUMNS, type PairRow, type RawPair } from './rows.ts';

/** Pairs that are looked at together; names with more of them are asked one by one. */
const PAIRS_AT_ONCE = 20_000;

/** Names of a list that are looked for together, at most. */
const NAMES_AT_ONCE = 1000;

export interface ListedRow {
  /** The name of the list, as text. */
  readonly indicator: string;
  readonly row: PairRow;
}

/** Where pairs may lie that a name is about: below it, or the domains above it. */
interface Place {
  readonly range: Range;
  /** What of the name lies below the domain; null where the domain is at or below the name. */
  readonly below: string | null;
}

const FIND = `${COVER},
wanted (low, high, number) AS MATERIALIZED (
  SELECT value ->> 0, value ->> 1, key FROM json_each(@ranges) ORDER BY 1)
SELECT wanted.number, j.value FROM whole CROSS JOIN wanted CROSS JOIN domain d
  ON d.run = whole.number AND d.name_rev >= wanted.low AND d.name_rev < wanted.high
CROSS JOIN json_each(d.ids) j
UNION ALL
SELECT wanted.number, p.id FROM stretch CROSS JOIN wanted CROSS JOIN pair p INDEXED BY pair_by_name
  ON (p.id >> ${PAIR_SHIFT}) = stretch.number
  AND p.name_rev >= wanted.low AND p.name_rev < wanted.high
LIMIT ${PAIRS_AT_ONCE + 1}`;

const READ = `
SELECT ${PAIR_COLUMNS} FROM json_each(@ids) j CROSS JOIN pair p ON p.id = j.value
CROSS JOIN workload w ON w.id = p.workload_id`;

/** What the history has of a name: rows in the order of its places, and what was folded above. */
export interface Listed {
  readonly rows: readonly PairRow[];
  /** As `HistoryQueries.foldedAbove` says. */
  readonly folded: number;
}

export class ListQueries {
  readonly #pairs: Pairs;
  readonly #byName: NameQueries;

  constructor(pairs: Pairs, byName: NameQueries) {
    this.#pairs = pairs;
    this.#byName = byName;
  }

  /** Rows of each name that was asked for, in the order of the list; who first, first. */
  ofNames(names: readonly string[], filter: Filter): ListedRow[] {
    const rows: ListedRow[] = [];
    for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
      for (const [name, found] of this.#ofSome(names.slice(at, at + NAMES_AT_ONCE), filter)) {
        const indicator = textOfReversed(name);
        for (const row of found.toSorted((a, b) => a.firstMs - b.firstMs)) {
          if (rows.length === filter.limit) return rows;
          rows.push({ indicator, row });
        }
      }
    }
    return rows;
  }

  /** Looks for names together, where they have too many pairs for half of them at a time. */
  *#ofSome(names: readonly string[], filter: Filter): Generator<[string, readonly PairRow[]]> {
    const find = this.finder(names, filter);
    if (find === null && names.length > 1) {
      const half = names.length >>> 1;
      yield* this.#ofSome(names.slice(0, half), filter);
      yield* this.#ofSome(names.slice(half), filter);
      return;
    }
    for (const name of names) {
      yield [name, find?.(name).rows ?? this.#byName.ofName(name, 'subtree', filter)];
    }
  }

  /** For names of the list; null where too many pairs are about them, and they are to be split. */
  finder(names: readonly string[], filter: Filter): ((name: string) => Listed) | null {
    const ranges = new Map(
      names.flatMap((name) => placesOf(name).map(({ range }) => [keyOf(range), range] as const)),
    );
    const raws = this.#rawsOf([...ranges.values()]);
    if (raws === null) return null;
    const detail = this.#byName.detailFinder(filter);
    const { workload } = filter;
    return (name) => {
      let folded = 0;
      const rows = placesOf(name).flatMap(({ range, below }) => {
        const found = raws.get(keyOf(range)) ?? [];
        if (below !== null) folded += found.reduce((sum, raw) => sum + raw.folded, 0);
        const own = workload === null ? found : found.filter((raw) => raw.workload === workload);
        if (below !== null) return own.flatMap((raw) => detail(raw, rangeOf(below, 'subtree')));
        return this.#pairs.rows(own.filter((raw) => answersTo(raw, filter)));
      });
      return { rows, folded };
    };
  }

  /** The pairs in each range by its key; null where there are too many. */
  #rawsOf(ranges: readonly Range[]): Map<string, RawPair[]> | null {
    const hits = this.#pairs.db
      .prepare<[Record<string, string>], [number, number]>(FIND)
      .raw()
      .all({ ranges: JSON.stringify(ranges) });
    if (hits.length > PAIRS_AT_ONCE) return null;
    const ids = JSON.stringify([...new Set(hits.map(([, id]) => id))]);
    const raws = this.#pairs.select(READ).all({ ids });
    const byId = new Map(raws.map((raw) => [raw.id, raw]));
    const byRange = new Map<string, RawPair[]>();
    for (const [number, id] of hits) {
      const [range, raw] = [ranges[number], byId.get(id)];
      if (range === undefined || raw === undefined) continue;
      const list = byRange.get(keyOf(range));
      if (list === undefined) byRange.set(keyOf(range), [raw]);
      else list.push(raw);
    }
    return byRange;
  }
}

function placesOf(name: string): Place[] {
  const above = ancestorsOf(name)
    .slice(1)
    .map((domain) => ({ range: rangeOf(domain, 'exact'), below: name.slice(domain.length) }));
  return [{ range: rangeOf(name, 'subtree'), below: null }, ...above];
}

function keyOf([from, end]: Range): string {
  return `${from} ${end}`;
}
