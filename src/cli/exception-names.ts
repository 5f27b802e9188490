/** Names that an exception covers and its workload asked for, as far as the history has them. */

import { existsSync } from 'node:fs';
import { parsePattern } from '../config/pattern.ts';
import type { Pattern } from '../config/types.ts';
import { reversedFromText } from '../history/names.ts';
import { HistoryQueries } from '../history/queries.ts';
import { openForReading } from '../history/reader.ts';
import type { ExceptionRecord } from '../overrides/records.ts';

/** Names that are looked at for each domain; an exception is for a few. */
const NAMES_MAX = 100;

/**
 * Names that were let through since the exception began and before it ended, first seen first.
 *
 * @returns null where there is no history to ask
 */
export function namesUnder(record: ExceptionRecord, historyPath: string): string[] | null {
  const pattern = parsePattern(record.pattern);
  if (record.startMs === null || typeof pattern === 'string') return [];
  if (!existsSync(historyPath)) return null;
  const db = openForReading(historyPath);
  try {
    const queries = new HistoryQueries(db);
    const { workload, startMs } = record;
    const endMs = record.endedMs ?? Number.MAX_SAFE_INTEGER;
    const reach = pattern.kind === 'exact' ? 'exact' : 'subtree';
    const filter = { workload, sinceMs: startMs, untilMs: endMs, limit: NAMES_MAX } as const;
    const rows = queries.ofName(reversedFromText(pattern.name), reach, filter);
    // A row of a registrable domain stands for the names below it.
    const names = rows.flatMap((row) =>
      row.name === row.domain
        ? queries.names(workload, reversedFromText(row.domain), NAMES_MAX)
        : [row],
    );
    const isIn = (row: { name: string; lastMs: number; firstMs: number; allowed: number }) =>
      covers(pattern, row.name) && row.allowed > 0 && row.lastMs >= startMs && row.firstMs <= endMs;
    return [...new Set(names.filter(isIn).map(({ name }) => name))];
  } finally {
    db.close();
  }
}

function covers({ kind, name }: Pattern, asked: string): boolean {
  if (asked === name) return kind !== 'below';
  return kind !== 'exact' && asked.endsWith(`.${name}`);
}
