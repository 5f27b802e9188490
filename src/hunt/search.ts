/** Looks for some indicators at once: what the history has of them, as far as each one means it. */

import { textOfReversed } from '../history/names.ts';
import type { HistoryQueries } from '../history/queries.ts';
import type { Filter } from '../history/queries-filter.ts';
import type { Listed } from '../history/queries-list.ts';
import type { NameRow, PairRow } from '../history/rows.ts';
import { SCOPE_BOTH, SCOPE_EXACT } from '../reputation/entries.ts';
import type { Hit } from './hunt.ts';
import type { Indicators } from './indicators.ts';

type Details = ReadonlyMap<number, readonly NameRow[]>;

export class Search {
  /** Indicators so far below a domain of which queries were counted without their full names. */
  uncertain = 0;
  readonly #queries: HistoryQueries;
  readonly #indicators: Indicators;
  readonly #filter: Filter;

  /** @param filter its limit is one of the rows of each indicator */
  constructor(queries: HistoryQueries, indicators: Indicators, filter: Filter) {
    this.#queries = queries;
    this.#indicators = indicators;
    this.#filter = filter;
  }

  /** @param names reversed */
  *look(names: readonly string[]): Generator<Hit> {
    const find = this.#queries.listFinder(names, this.#filter);
    if (find === null && names.length > 1) {
      const half = names.length >>> 1;
      yield* this.look(names.slice(0, half));
      yield* this.look(names.slice(half));
      return;
    }
    const found = names.map((name) => [name, find?.(name) ?? this.#alone(name)] as const);
    const details = this.#detailsOf(found);
    for (const [name, { rows, folded }] of found) {
      if (folded > 0) this.uncertain++;
      const indicator = textOfReversed(name);
      for (const row of this.#meant(name, rows, details)) yield { ...row, indicator };
    }
  }

  #scopeOf(name: string): number {
    return this.#indicators.get(name) ?? SCOPE_BOTH;
  }

  /** What is about so many pairs that it is not looked for with others. */
  #alone(name: string): Listed {
    const reach = this.#scopeOf(name) === SCOPE_EXACT ? 'exact' : 'subtree';
    const rows = this.#queries.ofName(name, reach, this.#filter);
    return { rows, folded: this.#queries.foldedAbove(name) };
  }

  /** Of rows that are about a domain and all below it, where the indicator is not. */
  #detailsOf(found: readonly (readonly [string, Listed])[]): Details {
    const wide = found.flatMap(([name, { rows }]) => {
      if (this.#scopeOf(name) === SCOPE_BOTH) return [];
      const text = textOfReversed(name);
      return rows.filter((row) => row.domain === text);
    });
    return this.#queries.namesOf(wide);
  }

  /** First seen first. */
  #meant(name: string, all: readonly PairRow[], details: Details): PairRow[] {
    const scope = this.#scopeOf(name);
    const text = textOfReversed(name);
    const isMeant = (other: string) => (other === text) === (scope === SCOPE_EXACT);
    const { limit, sinceMs } = this.#filter;
    const sorted = all
      .filter((row) => scope === SCOPE_BOTH || row.domain === text || isMeant(row.name))
      .sort((a, b) => a.firstMs - b.firstMs);
    const rows = limit < 0 ? sorted : sorted.slice(0, limit);
    if (scope === SCOPE_BOTH) return rows;
    return rows.flatMap((row) => {
      if (row.domain !== text) return [row];
      return withFirst(row, details.get(row.id) ?? [])
        .filter((detail) => isMeant(detail.name) && detail.lastMs >= sinceMs)
        .map((detail) => narrowed(row, detail));
    });
  }
}

/** Names of a domain's row, with the first one, which is known for ever. */
function withFirst(row: PairRow, names: readonly NameRow[]): readonly NameRow[] {
  if (names.some(({ name }) => name === row.firstName)) return names;
  const one = (...verdicts: string[]) => (verdicts.includes(row.firstVerdict) ? 1 : 0);
  const first = {
    name: row.firstName,
    firstMs: row.firstMs,
    lastMs: row.firstMs,
    queries: 1,
    allowed: one('allowed', 'would-deny'),
    denied: one('denied'),
    wouldDeny: one('would-deny'),
    failed: one('failed'),
  };
  return [first, ...names];
}

function narrowed(row: PairRow, detail: NameRow): PairRow {
  const one = { ...row, ...detail, cached: null, folded: 0, names: 1 };
  if (detail.name === row.firstName) return one;
  const unknown = { firstSource: '', firstType: '', firstName: '', revision: null, policyMs: null };
  return { ...one, ...unknown, firstVerdict: 'unknown', answers: [], rule: '' };
}
