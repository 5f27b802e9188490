/**
 * A question about one workload, made ready: its configuration, the engine, the history, and the
 * window. What `suggest` and `promote` have in common.
 */

import type Database from 'better-sqlite3';
import { BaselineReading, type BaselineReport } from '../baseline/reading.ts';
import { baselineOf } from '../baseline/settings.ts';
import { didYouMean } from '../config/suggest.ts';
import type { Config, Pattern, Workload } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { Snapshot } from '../server/snapshot.ts';
import { Engine } from './engine.ts';
import { Flags } from './flags.ts';
import { ruledFor } from './further-below.ts';
import { Seen, type SeenWindow } from './seen.ts';
import type { SuggestContext } from './suggest.ts';
import { Suspects } from './suspects.ts';

export interface Question {
  readonly config: Config;
  readonly workload: Workload;
  readonly engine: Engine;
  readonly seen: Seen;
  readonly window: Required<SeenWindow>;
  readonly nowMs: number;
  readonly compile: Compile;
}

/** Compiles a configuration as the daemon would. @throws ProblemsError */
export type Compile = (config: Config) => Promise<Snapshot>;

/** What is asked for, before anything of it is known to exist. */
export interface Asked {
  readonly workload: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
  readonly compile: Compile;
}

/** @throws ProblemsError for the configuration, DnsvalveError USAGE for an unknown workload */
export async function ready(
  config: Config,
  db: Database.Database,
  asked: Asked,
): Promise<Question> {
  const workload = workloadOf(config, asked.workload);
  const detailFromMs = Math.max(1, asked.nowMs - config.history.retentionMs);
  const { sinceMs, untilMs, nowMs, compile } = asked;
  return {
    config,
    workload,
    engine: engineFor(await compile(config), workload.name, ruledFor(config, workload)),
    seen: new Seen(db),
    window: { sinceMs, untilMs, detailFromMs },
    nowMs,
    compile,
  };
}

/** @throws DnsvalveError USAGE */
export function workloadOf(config: Config, name: string): Workload {
  const found = config.workloads.find((each) => each.name === name);
  if (found !== undefined) return found;
  const near = didYouMean(
    name,
    config.workloads.map((each) => each.name),
  );
  throw new DnsvalveError('USAGE', `workload "${name}": not in the configuration${near}`);
}

export function engineFor(
  snapshot: Snapshot,
  workload: string,
  ruled: readonly Pattern[] = [],
): Engine {
  const index = snapshot.config.workloads.findIndex(({ name }) => name === workload);
  return new Engine(snapshot, index + 1, ruled);
}

export interface SuggestOptions {
  /** Suspects are suggested like others, and flagged. */
  readonly includesSuspects: boolean;
}

export function suggestContext(
  question: Question,
  db: Database.Database,
  { includesSuspects }: SuggestOptions,
): SuggestContext & { readonly suspects: Suspects } {
  const { config, engine, workload, window } = question;
  const { name } = workload;
  const suspects = new Suspects(db, name, window, engine);
  return {
    suspects,
    engine,
    config,
    workload: name,
    against: includesSuspects ? null : (seen) => suspects.against(seen),
    flags: new Flags(config, name, { engine, suspects, baseline: baselineFor(question, db) }),
    spanMs: Math.min(window.untilMs, question.nowMs) - window.sinceMs,
    engineOf: async (changed) => engineFor(await question.compile(changed), name),
  };
}

export function baselineFor(
  { config, workload, nowMs }: Question,
  db: Database.Database,
): BaselineReport | null {
  const settings = baselineOf(config.detect, workload.detect);
  return new BaselineReading(db, nowMs, () => settings).of(workload.name);
}
