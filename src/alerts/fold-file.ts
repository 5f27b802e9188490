/**
 * The file that carries open windows over a restart: a head, then one window a line, replaced as a
 * whole. It says where the journal was when it was written: what went out since stands there.
 */

import { readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Alert, EXAMPLES_MAX, examplesOf } from './alert.ts';
import { type OpenWindow, windowAfter, windowKeyOf } from './open-window.ts';

const VERSION = 2;
/** Before it, each window held the alert that was told, and no key. */
const WITH_ALERTS = 1;
/** Windows in one write; the main thread does something else in between. */
const BATCH = 200;

type KeyedWindow = readonly [string, OpenWindow];

export interface SavedFolds {
  /** The newest sequence of the journal before the first window was written. */
  readonly sequence: number;
  /** With their keys. */
  readonly windows: readonly KeyedWindow[];
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
  const isKnown = version === VERSION || version === WITH_ALERTS;
  if (!isKnown || !Number.isSafeInteger(sequence)) {
    throw new Error(`${path}: not a file of windows`);
  }
  const values = lines.map((line): unknown => JSON.parse(line));
  const windows =
    version === VERSION
      ? values.filter(isKeyed)
      : (values as OldWindow[]).filter(isWindow).map(withoutAlert);
  return { sequence: Number(sequence), windows };
}

/** Resolves when the file is replaced. */
export async function writeFolds(
  path: string,
  sequence: number,
  windows: Iterable<KeyedWindow>,
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

function isKeyed(value: unknown): value is KeyedWindow {
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== 'string') return false;
  return isWindow(value[1] as OpenWindow);
}

function isWindow(value: OpenWindow | OldWindow): boolean {
  const isCounted = Number.isFinite(value.endsMs) && Number.isSafeInteger(value.count);
  return isCounted && typeof value.latest === 'object' && typeof value.told === 'object';
}

/** As the first files have it; those from before there were examples have none. */
interface OldWindow extends Pick<OpenWindow, 'endsMs' | 'count' | 'first'> {
  readonly examples?: readonly string[];
  readonly latest: Alert;
  readonly told: Alert;
}

function withoutAlert({ endsMs, count, first, examples, latest, told }: OldWindow): KeyedWindow {
  const after = windowAfter(told, endsMs);
  const key = windowKeyOf(told);
  if (count === 0) return [key, after];
  // The name of the last query is one.
  const names = (examples ?? examplesOf(latest)).slice(0, EXAMPLES_MAX);
  return [key, { ...after, count, first, examples: names, latest }];
}
