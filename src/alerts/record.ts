/**
 * Record: one alert in the journal, a line of JSON with its sequence number. A segment is a file of
 * such lines, named after the sequence of its first.
 */

import { type Alert, examplesOf } from './alert.ts';

export interface JournalRecord {
  /** 1 or more; the next alert has the next number, over restarts too. */
  readonly sequence: number;
  /** Wall clock when it was told, ms. */
  readonly at: number;
  readonly alert: Alert;
}

const SEGMENT = /^(\d{16})\.jsonl$/;

export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.jsonl`;
}

/** Sequence of the first record of a segment, or null for a file that is none. */
export function firstOf(fileName: string): number | null {
  const digits = SEGMENT.exec(fileName)?.[1];
  return digits === undefined ? null : Number(digits);
}

export function lineOf(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * Records of a segment in their order. Lines that a crash or a full disk left torn are skipped:
 * they leave a gap in the sequence, which readers count.
 */
export function recordsIn(text: string): JournalRecord[] {
  const records: JournalRecord[] = [];
  let last = 0;
  for (const line of text.split('\n')) {
    const record = parse(line);
    // A number that does not grow is a line that a crash mixed up with an older one.
    if (record === null || record.sequence <= last) continue;
    last = record.sequence;
    records.push(record);
  }
  return records;
}

function parse(line: string): JournalRecord | null {
  if (!line.startsWith('{') || !line.endsWith('}')) return null;
  try {
    const value = JSON.parse(line) as JournalRecord;
    const isRecord = Number.isSafeInteger(value.sequence) && Number.isFinite(value.at);
    if (!isRecord || typeof value.alert !== 'object' || value.alert === null) return null;
    // A record from before there were examples: the name of the last query is one.
    if (value.alert.examples !== undefined) return value;
    return { ...value, alert: { ...value.alert, examples: examplesOf(value.alert) } };
  } catch {
    return null;
  }
}
