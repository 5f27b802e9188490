/** A recording without its thread: rings to write to, a clock to set, messages to look at. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { createRing, RingWriter } from '../../../src/events/ring.ts';
import type { FromRecorder, RecorderSettings } from '../../../src/history/messages.ts';
import type { Observation } from '../../../src/history/observation.ts';
import { openForWriting } from '../../../src/history/open.ts';
import { HistoryQueries } from '../../../src/history/queries.ts';
import { openForReading } from '../../../src/history/reader.ts';
import { Recording } from '../../../src/history/recording.ts';
import { packTexts } from '../../../src/policy/rules.ts';
import { NOON, type RecordSpec, writeRecord } from './records.ts';

export const REVISION = {
  revision: 1,
  workloads: ['(unmapped)', 'pay', 'web', 'batch'],
  rules: packTexts(['', 'policy.yaml:7:5 *.example.com']),
  at: NOON - 1000,
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-history-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Fixture {
  readonly path: string;
  readonly recording: Recording;
  readonly writers: readonly RingWriter[];
  readonly messages: FromRecorder[];
  /** What people set, and how much of it the other clock has not gone. */
  readonly clock: { ms: number; setMs: number };
  /** Writes records into a ring (the first one) and reads them into memory. */
  put(records: readonly RecordSpec[], ring?: number): void;
  observations(): Observation[];
  notices(): string[];
}

export interface FixtureOptions extends Partial<RecorderSettings> {
  readonly ringCount?: number;
  /** What the clock shows at first; NOON where it is left out. */
  readonly nowMs?: number;
  /** Runs on each new connection: pragmas that bring trouble. */
  readonly prepare?: (db: Database.Database) => void;
  readonly catchUp?: (recording: Recording) => void;
}

export function fixture(options: FixtureOptions = {}): Fixture {
  const path = options.path ?? join(temporaryDirectory(), 'history.db');
  const rings = Array.from({ length: options.ringCount ?? 1 }, () => createRing(1024));
  const writers = rings.map((ring) => new RingWriter(ring));
  const messages: FromRecorder[] = [];
  const clock = { ms: options.nowMs ?? NOON, setMs: 0 };
  const settings = { path, rings, flushMs: 500, namesPerDomain: 5, retentionMs: 86_400_000 };
  const recording: Recording = new Recording(
    { ...settings, ...options },
    {
      post: (message) => messages.push(message),
      now: () => clock.ms,
      elapsed: () => clock.ms - clock.setMs,
      catchUp: () => options.catchUp?.(recording),
      open: (file, nowMs) => {
        const opened = openForWriting(file, nowMs);
        options.prepare?.(opened.db);
        return opened;
      },
    },
  );
  onTestFinished(() => void recording.close());
  if (options.catchUp === undefined) recording.addRevision(REVISION);
  return {
    path,
    recording,
    writers,
    messages,
    clock,
    put: (records, ring = 0) => {
      for (const record of records) {
        if (!writeRecord(writers[ring]!, record)) {
          recording.poll();
          writeRecord(writers[ring]!, record);
        }
      }
      recording.poll();
    },
    observations: () => messages.flatMap((m) => (m.kind === 'observations' ? m.list : [])),
    notices: () => messages.flatMap((m) => (m.kind === 'notice' ? [m.message] : [])),
  };
}

/** Opens the file as a reading command does, for the length of the test. */
export function readHistory(path: string): HistoryQueries {
  const db = openForReading(path);
  onTestFinished(() => void db.close());
  return new HistoryQueries(db);
}

/** All rows of a table, for facts that no query tells. */
export function tableRows(path: string, sql: string): unknown[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
