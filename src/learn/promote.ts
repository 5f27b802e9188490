/**
 * Promote: the file of a workload with the next mode in it, `open` to `report` to `enforce`. The
 * change is judged before it is written: the whole configuration must be the same but for that one
 * word, and compile with its policy tests.
 */

import { placeText } from '../config/check.ts';
import { readForEdit, replaceFile, withWord } from '../config/edit.ts';
import { loadConfig } from '../config/load.ts';
import type { Config, Mode, Workload } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { Compile } from './ask.ts';

/** A change that may be written. */
export interface Promotion {
  readonly from: Mode;
  readonly to: Mode;
  /** File and line of the workload. */
  readonly place: string;
  /** @throws DnsvalveError SYSTEM */
  write(): void;
}

const NEXT = { open: 'report', report: 'enforce', enforce: null } as const;

/** Null where there is nothing above its mode. */
export function nextMode({ mode }: Workload): Mode | null {
  return NEXT[mode];
}

/**
 * @param path the main file, as `config` was loaded from it
 * @throws ProblemsError where the changed configuration is refused; DnsvalveError CONFIG where the
 *   file says its mode in a way that is not changed by one word
 */
export async function promotion(
  path: string,
  config: Config,
  workload: Workload,
  compile: Compile,
): Promise<Promotion> {
  const to = nextMode(workload) ?? workload.mode;
  const file = readForEdit(workload.at.file);
  const changed = withWord(file.text, ['workloads', workload.name, 'mode'], to);
  const place = placeText(workload.at);
  if (changed === null) throw byHand(place, 'its mode is not a word of its own there');
  const after = loadConfig(path, { texts: new Map([[file.path, changed]]) });
  if (shape(after, workload.name) !== shape(config, workload.name)) {
    throw byHand(place, 'what would change there is used elsewhere, too');
  }
  await compile(after);
  return { from: workload.mode, to, place, write: () => replaceFile(file, changed) };
}

function byHand(place: string, why: string): DnsvalveError {
  return new DnsvalveError('CONFIG', `${place}: ${why}; change it by hand`);
}

/** All that a configuration says, but for the mode of one workload and where things stand. */
function shape(config: Config, workload: string): string {
  const workloads = config.workloads.map((each) => {
    return each.name === workload ? { ...each, mode: null } : each;
  });
  return JSON.stringify({ ...config, workloads, fileDigests: null }, (key, value) =>
    key === 'at' ? null : value,
  );
}
