/**
 * One path of a main file, read without the schema: to load zod and to make the schema takes
 * 100 ms, which a command that only looks for a file or a socket would spend on nothing else.
 */

import { resolve } from 'node:path';
import { DEFAULT_CONTROL, DEFAULT_HISTORY, DEFAULT_STATE } from './limits.ts';
import type { Source } from './source.ts';

/** Where each path is written, and what holds where nothing is. */
const WRITTEN = {
  control: { section: 'control', key: 'path', otherwise: DEFAULT_CONTROL },
  history: { section: 'history', key: 'path', otherwise: DEFAULT_HISTORY },
  state: { section: null, key: 'state_directory', otherwise: DEFAULT_STATE },
} as const;

export type PlaceName = keyof typeof WRITTEN;

/**
 * Absolute, and as `mainSettings` reads it; null where that has to be asked, because what is
 * written is no plain path: it has the words for what is wrong.
 */
export function placeOf({ directory, value }: Source, name: PlaceName): string | null {
  const { section, key, otherwise } = WRITTEN[name];
  const within = section === null ? value : value[section];
  if (within === undefined) return resolve(directory, otherwise);
  if (typeof within !== 'object' || within === null || Array.isArray(within)) return null;
  const written = (within as Readonly<Record<string, unknown>>)[key];
  // A section that has other keys may have this one with a letter wrong.
  if (written === undefined) return section === null ? resolve(directory, otherwise) : null;
  const isPlain = typeof written === 'string' && written !== '' && !written.includes('\0');
  return isPlain ? resolve(directory, written) : null;
}
