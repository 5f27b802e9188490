/** Makes the kept copy of a feed so old that the next start or reload fetches the list anew. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Does nothing where there is no copy yet. */
export function ageFeed(stateDirectory: string, name: string): void {
  const path = join(stateDirectory, 'feeds', `${name}.json`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return;
  }
  const meta = JSON.parse(text) as object;
  writeFileSync(`${path}.aged`, JSON.stringify({ ...meta, fetchedMs: 0 }));
  renameSync(`${path}.aged`, path);
}
