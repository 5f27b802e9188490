/** Usage: how full the detectors' shared rows are and what that cost, for `status`. Slow lane. */

import type { DetectMemory } from './memory.ts';
import { COUNT_CONTENDED, COUNT_EVICTED, ROW_HIGH, ROW_LOW, type RowsMemory } from './rows.ts';

export interface RowsUsage {
  readonly rows: number;
  readonly used: number;
  /** Rows that gave way to others since the start. */
  readonly evicted: number;
  /** Locks that were not had in time since the start; each was treated as the worse case. */
  readonly contended: number;
}

/** Of every part of the memory that is made of rows, by its name. */
export function usageOf(memory: DetectMemory): Record<string, RowsUsage> {
  const parts = Object.entries(memory).filter((part): part is [string, RowsMemory] =>
    isRows(part[1]),
  );
  return Object.fromEntries(parts.map(([name, rows]) => [name, rowsUsage(rows)]));
}

function isRows(part: unknown): part is RowsMemory {
  return typeof part === 'object' && part !== null && 'rowWords' in part && 'counts' in part;
}

function rowsUsage({ words, rowWords, counts }: RowsMemory): RowsUsage {
  let used = 0;
  for (let row = 0; row < words.length; row += rowWords) {
    if (((words[row + ROW_LOW] ?? 0) | (words[row + ROW_HIGH] ?? 0)) !== 0) used += 1;
  }
  return {
    rows: words.length / rowWords,
    used,
    evicted: counts[COUNT_EVICTED] ?? 0,
    contended: counts[COUNT_CONTENDED] ?? 0,
  };
}
