/** The question who was given an address, for which domain, and when. Read-only, by the key. */

import type Database from 'better-sqlite3';
import { textOfReversed } from './names.ts';

export interface AnswerRow {
  readonly workload: string;
  readonly domain: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

interface Raw {
  readonly workload: string;
  readonly name_rev: string;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly count: number;
}

const GIVEN = `
SELECT w.name AS workload, a.name_rev, a.first_ms, a.last_ms, a.count
FROM answer a CROSS JOIN workload w ON w.id = a.workload_id
WHERE a.address = @address AND a.last_ms >= @sinceMs AND (@workload IS NULL OR w.name = @workload)
ORDER BY a.first_ms LIMIT @limit`;

export interface AnswerFilter {
  readonly workload: string | null;
  /** Bounds the last time, ms since the epoch. */
  readonly sinceMs: number;
  /** Rows at most; -1 for all. */
  readonly limit: number;
}

/** First given first. @param address 16 octets, IPv4 mapped */
export function givenAddress(
  db: Database.Database,
  address: Uint8Array,
  { workload, sinceMs, limit }: AnswerFilter,
): AnswerRow[] {
  const values = { address: Buffer.from(address), workload, sinceMs, limit };
  return db.prepare<[Record<string, unknown>], Raw>(GIVEN).all(values).map(answerRow);
}

function answerRow(raw: Raw): AnswerRow {
  return {
    workload: raw.workload,
    domain: textOfReversed(raw.name_rev),
    firstMs: raw.first_ms,
    lastMs: raw.last_ms,
    count: raw.count,
  };
}
