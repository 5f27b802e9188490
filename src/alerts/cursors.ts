/**
 * Cursors: how far each sink has come, and what it lost, over restarts. One small JSON file beside
 * the journal, replaced as a whole.
 */

import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Cursor {
  /** The last sequence that needs no further delivery. */
  readonly sequence: number;
  /** Alerts that the journal lost before the sink could take them, ever. */
  readonly lost: number;
  /** Sequences behind `sequence` that were judged: a start must not count them again. */
  readonly ahead: number;
}

const VERSION = 1;

/** Cursors by sink; empty when there is no file yet. @throws Error when it cannot be read */
export function readCursors(path: string): Map<string, Cursor> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  const { version, sinks } = JSON.parse(text) as { version?: unknown; sinks?: unknown };
  if (version !== VERSION || !isRecord(sinks)) throw new Error(`${path}: not a file of cursors`);
  const entries = Object.entries(sinks).filter((entry): entry is [string, Cursor] => {
    const [, cursor] = entry;
    if (!isRecord(cursor)) return false;
    return ['sequence', 'lost', 'ahead'].every((key) => Number.isSafeInteger(cursor[key]));
  });
  return new Map(entries);
}

/** Resolves when the file is replaced. */
export async function writeCursors(
  path: string,
  cursors: ReadonlyMap<string, Cursor>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const text = JSON.stringify({ version: VERSION, sinks: Object.fromEntries(cursors) });
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o640 });
  await rename(`${path}.new`, path);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
