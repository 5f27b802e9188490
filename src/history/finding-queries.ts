/** The question what was found about a workload and a name. Read-only. */

import type Database from 'better-sqlite3';
import type { FindingNumbers } from '../detect/explain.ts';
import { unpackParts } from './finding-rows.ts';
import { ancestorsOf, textOfReversed } from './names.ts';

interface Raw {
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly parts: Buffer;
  readonly denied: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly full_rev: string;
}

const LAST = `
SELECT f.*, max(f.last_ms) FROM finding f JOIN workload w ON w.id = f.workload_id
WHERE w.name = ? AND f.name_rev = ? GROUP BY f.type`;

/**
 * The last finding of each detector about the name, its domain, or all of the workload; the latest
 * first.
 *
 * @param reversed the name in the form of `names.ts`
 */
export function lastFindings(
  db: Database.Database,
  workload: string,
  reversed: string,
): FindingNumbers[] {
  const statement = db.prepare<[string, string], Raw>(LAST);
  const last = new Map<number, Raw>();
  for (const name of [...ancestorsOf(reversed), '']) {
    for (const raw of statement.iterate(workload, name)) {
      if ((last.get(raw.type)?.last_ms ?? 0) < raw.last_ms) last.set(raw.type, raw);
    }
  }
  return [...last.values()].sort((a, b) => b.last_ms - a.last_ms).map(numbersOf);
}

function numbersOf(raw: Raw): FindingNumbers {
  return {
    type: raw.type,
    score: raw.score,
    threshold: raw.threshold,
    parts: unpackParts(raw.parts),
    isDenied: raw.denied > 0,
    firstMs: raw.first_ms,
    lastMs: raw.last_ms,
    qname: textOfReversed(raw.full_rev),
  };
}
