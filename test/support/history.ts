/** What the history of a valve holds, read as people read it: by the command. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Valve } from './valve.ts';

export interface FirstSeen {
  readonly workload: string;
  readonly domain: string;
}

/** Every (workload, registrable domain) pair. Works with the daemon up or down. */
export async function firstSeen(valve: Valve): Promise<FirstSeen[]> {
  const { status, said } = await valve.command('first-seen', '--jsonl', '--limit', '0');
  if (status !== 0) throw new Error(`first-seen: ${said}`);
  return jsonLines(said) as FirstSeen[];
}

/** The alerts that a `file:alerts.json` sink took, from an offset in octets on. */
export function alertsOf(valve: Valve, from = 0): AlertLine[] {
  const octets = readFileSync(join(valve.folder, 'alerts.json'));
  return jsonLines(octets.subarray(from).toString('utf8')) as AlertLine[];
}

export interface AlertLine {
  readonly type: string;
  readonly time: string;
  readonly workload: string;
  readonly registrable_domain: string;
  readonly subject: string | null;
  readonly reason: string;
}

function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
