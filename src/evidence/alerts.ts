/**
 * Alerts about a workload, as they were told: from the files that alerts are written to, and from
 * the folder in which they wait for delivery. Lines that hold no alert document are not ours to
 * judge, and are left.
 */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/types.ts';
import { octetLines } from '../octet-lines.ts';
import { parseObject } from '../seal.ts';

/** In the state directory. */
const WAITING = 'alerts';

export interface Window {
  /** ms since the epoch, both included. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** By time, each alert once, however many files hold it. */
export function alertRows(config: Config, workload: string, window: Window): object[] {
  return alertsIn(alertFiles(config), workload, window);
}

/** As `alertRows`, of those files that are still there: some may have gone since. */
export function alertsIn(files: readonly string[], workload: string, window: Window): object[] {
  const found = new Map<string, Record<string, unknown>>();
  for (const path of files) {
    for (const octets of linesOf(path)) {
      const alert = alertIn(parseObject(octets.toString('utf8')));
      if (alert !== null && isWanted(alert, workload, window)) found.set(keyOf(alert), alert);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, alert]) => alert);
}

/**
 * None of a file that is gone: the daemon saves its cursors by a new file that it renames, each
 * second, and drops what the spool's bound drops. No alert is only in a file that is renamed.
 */
function* linesOf(path: string): Generator<Buffer> {
  try {
    for (const { octets } of octetLines(path)) yield octets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function alertFiles({ alerts, stateDirectory }: Config): string[] {
  const written = alerts.flatMap(({ target }) => (target.kind === 'file' ? [target.path] : []));
  const waiting = join(stateDirectory, WAITING);
  const names = existsSync(waiting) ? readdirSync(waiting).sort() : [];
  const all = [...written, ...names.map((name) => join(waiting, name))];
  return all.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** The alert document of a line: the line itself, or what a waiting one wraps. */
function alertIn(line: Record<string, unknown> | null): Record<string, unknown> | null {
  const inner = line?.['alert'];
  const alert = typeof inner === 'object' && inner !== null ? inner : line;
  return (alert as Record<string, unknown> | null) ?? null;
}

function isWanted(
  { id, time, type, workload: about }: Record<string, unknown>,
  workload: string,
  { sinceMs, untilMs }: Window,
): boolean {
  if (about !== workload || typeof id !== 'string' || typeof type !== 'string') return false;
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return ms >= sinceMs && ms <= untilMs;
}

function keyOf({ time, id }: Record<string, unknown>): string {
  return `${String(time)} ${String(id)}`;
}
