/**
 * The file that carries open windows over a restart: a head, then one window a line, replaced as a
 * whole. It says where the journal was when it was written: what went out since stands there.
 */

import { readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXAMPLES_MAX, examplesOf } from './alert.ts';
import type { OpenWindow } from './fold.ts';

const VERSION = 1;
/** Windows in one write; the main thread does something else in between. */
const BATCH = 200;

export interface SavedFolds {
  /** The newest sequence of the journal before the first window was written. */
  readonly sequence: number;
  readonly windows: readonly OpenWindow[];
}

/** @returns null when there is none yet; @throws Error when it cannot be read or is no such file */
export function readFolds(path: string): SavedFolds | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const [head, ...lines] = text.split('\n').filter((line) => line !== '');
  const { version, sequence } = JSON.parse(head ?? '{}') as Record<string, unknown>;
  if (version !== VERSION || !Number.isSafeInteger(sequence)) {
    throw new Error(`${path}: not a file of windows`);
  }
  const windows = lines.map((line) => JSON.parse(line) as OpenWindow);
  return { sequence: Number(sequence), windows: windows.filter(isWindow).map(withExamples) };
}

/** Resolves when the file is replaced. */
export async function writeFolds(
  path: string,
  sequence: number,
  windows: Iterable<OpenWindow>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, 'w', 0o640);
  try {
    await file.write(`${JSON.stringify({ version: VERSION, sequence })}\n`);
    let lines: string[] = [];
    for (const window of windows) {
      lines.push(`${JSON.stringify(window)}\n`);
      if (lines.length < BATCH) continue;
      await file.write(lines.join(''));
      lines = [];
    }
    await file.write(lines.join(''));
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

function isWindow(value: OpenWindow): boolean {
  const isCounted = Number.isFinite(value.endsMs) && Number.isSafeInteger(value.count);
  return isCounted && typeof value.latest === 'object' && typeof value.told === 'object';
}

/** Files from before there were examples have none: the name of the last query is one. */
function withExamples(window: OpenWindow): OpenWindow {
  const { examples, count, latest } = window as Partial<OpenWindow> & OpenWindow;
  const names: unknown = examples ?? (count === 0 ? [] : examplesOf(latest));
  const kept = Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  return { ...window, examples: kept.slice(0, EXAMPLES_MAX) };
}
