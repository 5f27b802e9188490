/**
 * The policy that a report is about: what is in force, or was last; with `--files` what the files
 * say, as where no resolver has run yet.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { configurationDigest } from '../config/digest.ts';
import { loadConfig } from '../config/load.ts';
import { type MainSettings, mainSettings } from '../config/main-file.ts';
import { includedPaths, readSource, type Source } from '../config/source.ts';
import { type Problem, ProblemsError } from '../errors.ts';
import { KeptPolicies } from './kept.ts';
import { type Policy, policyOf } from './policy.ts';
import { type Reign, readTimeline, type Timeline } from './timeline.ts';

/** What of the configuration is read to find the rest. */
export interface Places {
  readonly stateDirectory: string;
  readonly historyPath: string;
  readonly timeline: Timeline;
  readonly kept: KeptPolicies;
  /** Of the files as they are now; null where one cannot be read. */
  readonly filesDigest: string | null;
}

/** The policy and what a reader must know about where it comes from. */
export interface Subject {
  readonly policy: Policy;
  /** Null where it comes from the files. */
  readonly reign: Reign | null;
  readonly notes: readonly string[];
}

/** Reads the main file only. @throws ProblemsError CONFIG */
export function findPlaces(configPath: string): Places {
  const problems: Problem[] = [];
  const main = readSource(configPath, configPath, problems);
  if (main === null) throw new ProblemsError('CONFIG', problems);
  const settings = mainSettings(main, problems);
  const { stateDirectory, history } = settings;
  return {
    stateDirectory,
    historyPath: history.path,
    timeline: readTimeline(stateDirectory),
    kept: new KeptPolicies(stateDirectory),
    filesDigest: digestOf(main, settings),
  };
}

function digestOf(main: Source, { include }: MainSettings): string | null {
  try {
    const included = includedPaths(main, include, []).map((path) => {
      return createHash('sha256').update(readFileSync(path)).digest('hex');
    });
    return configurationDigest({ fileDigests: [main.sha256, ...included] });
  } catch {
    return null;
  }
}

/** @throws ProblemsError CONFIG where the files must be read and are wrong */
export function subjectOf(configPath: string, places: Places, isFiles: boolean): Subject {
  const { timeline, kept, filesDigest } = places;
  const reign = timeline.reigns.at(-1);
  const notes = timeline.isWhole ? [] : ['the audit log is not whole: see dnsvalve audit'];
  if (isFiles || reign === undefined) {
    if (!isFiles) notes.push('no resolver has run here: this is what the files say');
    return fromFiles(configPath, notes);
  }
  const policy = kept.read(reign.digest);
  if (policy === null) {
    notes.push('the policy in force was not kept: this is what the files say now');
    return fromFiles(configPath, notes);
  }
  if (timeline.stoppedMs !== null) notes.push('no resolver is running: this was in force last');
  if (filesDigest !== reign.digest) {
    notes.push('the files differ from the policy in force: --files reports what they say');
  }
  return { policy, reign, notes };
}

function fromFiles(configPath: string, notes: readonly string[]): Subject {
  return { policy: policyOf(loadConfig(configPath)), reign: null, notes };
}
