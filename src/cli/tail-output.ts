/** A line of `tail` as cells and as JSON. */

import { textOfReversed } from '../history/names.ts';
import type { RecentRow } from '../history/queries-recent.ts';
import type { Verdict } from '../history/rows.ts';
import { REASONS } from '../querylog/words.ts';
import type { Column } from './table.ts';
import { formatTime, jsonTime, type Zone } from './time.ts';

export const TAIL_COLUMNS: readonly Column[] = [
  { title: 'time' },
  { title: 'workload' },
  { title: 'verdict' },
  { title: 'name' },
  { title: 'queries', align: 'right' },
  { title: 'note' },
  { title: 'type' },
  { title: 'source' },
  { title: 'why' },
];

export function tailCells(row: RecentRow, zone: Zone): string[] {
  return [
    formatTime(row.ms, zone),
    row.workload,
    gravest(row),
    textOfReversed(row.reversed),
    String(row.queries),
    markOf(row),
    row.type,
    row.source,
    row.rule === '' ? (REASONS[row.reason] ?? '') : row.rule,
  ];
}

/** Fields are stable within a document version, as those of the other reading commands. */
export function tailDocument(row: RecentRow): Record<string, unknown> {
  return {
    time: jsonTime(row.ms),
    workload: row.workload,
    name: textOfReversed(row.reversed),
    new: row.isNew,
    folded: row.isFolded,
    queries: row.queries,
    allowed: row.allowed,
    denied: row.denied,
    would_deny: row.wouldDeny,
    failed: row.failed,
    type: row.type === '' ? null : row.type,
    source: row.source === '' ? null : row.source,
    reason: REASONS[row.reason] ?? null,
    rule: row.rule === '' ? null : row.rule,
  };
}

function markOf({ isNew, isFolded }: RecentRow): string {
  if (isFolded) return isNew ? 'new, many names' : 'many names';
  return isNew ? 'new' : '';
}

/** Of several the one to look at. */
function gravest({ denied, failed, wouldDeny }: RecentRow): Verdict {
  if (denied > 0) return 'denied';
  if (wouldDeny > 0) return 'would-deny';
  return failed > 0 ? 'failed' : 'allowed';
}
