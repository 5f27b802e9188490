/** A history and policies for the commands that ask one of the other. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { fixture, temporaryDirectory } from '../history/support/fixture.ts';
import { NOON, type RecordSpec } from '../history/support/records.ts';

/** Numbers of the workloads in the history's fixture. */
export const PAY = 1;
export const WEB = 2;

/** Full names that the history keeps of a domain. */
export const NAMES_KEPT = 50;

export const DAY = 86_400_000;
/** When the commands run. */
export const NOW = NOON + DAY;

export interface Asked extends Partial<RecordSpec> {
  readonly name: string;
}

/** A history in which these names were asked for, by `pay` where it does not say. */
export function historyOf(asked: readonly Asked[]): string {
  const test = fixture({ retentionMs: 400 * DAY, namesPerDomain: NAMES_KEPT });
  for (const one of asked) {
    const record = one.denied === undefined ? { allowed: 1, ...one } : one;
    test.put([record, { ...record, kind: KIND_NAME }]);
  }
  test.recording.close();
  return test.path;
}

/** Writes files into a fresh folder. @returns the folder */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A file that `check` takes, with these workloads. */
export function policyOf(workloads: string): string {
  return folderOf({ 'dnsvalve.yaml': withServers(workloads) });
}

export function withServers(rest: string): string {
  return `upstreams: { default: { servers: [ 192.0.2.1 ] } }\n${rest}`;
}
