/**
 * A patch that is fit to be handed out: `check` takes the files as they will be, they say what was
 * meant and nothing else, and on back-test they deny no name that the patch was derived from.
 */

import type Database from 'better-sqlite3';
import { BackTest } from '../backtest/backtest.ts';
import { type CompiledPolicy, compiledPolicy } from '../backtest/policy-files.ts';
import { DnsvalveError } from '../errors.ts';
import { Seen } from '../learn/seen.ts';
import type { Finding } from './finding.ts';
import { type Patch, patchOf, textsOf } from './patch.ts';
import { isAsMeant } from './patched-policy.ts';

export interface Proof {
  readonly patch: Patch;
  /** Names that the patched policy was asked about. */
  readonly names: number;
}

export interface Evidence {
  readonly policy: CompiledPolicy;
  readonly db: Database.Database;
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** @throws DnsvalveError CONFIG where the patch is not fit: nothing of it is to be used */
export async function provenPatch(
  findings: readonly Finding[],
  { policy, db, sinceMs, nowMs }: Evidence,
): Promise<Proof> {
  const patch = patchOf(findings);
  if (patch.files.length === 0) return { patch, names: 0 };
  const { config } = policy;
  const load = { texts: textsOf(patch) };
  const patched = await compiledPolicy(config.files[0] ?? '', { load });
  if (!isAsMeant(config, patched.config, patch)) {
    throw new DnsvalveError('CONFIG', 'patch: the changed files would not say what was meant');
  }
  const test = new BackTest({ before: policy, after: patched, isEnforced: false, limit: 1 });
  const detailFromMs = nowMs - config.history.retentionMs;
  test.run(new Seen(db), { sinceMs, detailFromMs }, null);
  const [denied] = test.changes.rows().filter(({ kind }) => kind !== 'newly-allowed');
  if (denied !== undefined) {
    const { workload, seen } = denied;
    throw new DnsvalveError('CONFIG', `patch: it would deny ${seen.name} to ${workload}`);
  }
  return { patch, names: test.names };
}
