/**
 * Where compiled code is kept between starts. Node strips the types of every module and compiles it
 * in each process and each thread anew; with a cache, `version` takes 85 ms instead of 190, and a
 * resolver needs two thirds of the processor time until its first answer (2 cores, medians of 5).
 *
 * What lies there is run as code, so the directory must be ours and nobody else's (fail closed:
 * without one there is no cache). Plain JavaScript: the launcher imports it before anything else.
 */

import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = join(dirname(fileURLToPath(import.meta.url)), '..', 'build');
const NAME = 'compile-cache';
const OTHERS_WRITE = 0o022;
const OTHERS_ANYTHING = 0o077;

/**
 * A directory for the cache; null when there is none that could be trusted and written. The one
 * that systemd made, that of the tree for its owner, or one of our own among temporary files.
 *
 * @param {{ given?: string | undefined, build?: string, temporary?: string }} places for tests
 * @returns {string | null}
 */
export function cacheDirectory(places = {}) {
  const { given = process.env['CACHE_DIRECTORY'], build = BUILD, temporary = tmpdir() } = places;
  const parents = [build, join(temporary, `dnsvalve-${uid()}`)];
  // systemd lists several with colons between.
  if (given !== undefined && given !== '') parents.unshift(given.split(':')[0] ?? '');
  for (const [index, parent] of parents.entries()) {
    // Others load the addon from the tree, so that its directory stays readable.
    const mode = index === parents.length - 1 ? 0o700 : 0o755;
    const directory = join(parent, NAME);
    if (isOurs(parent, mode, OTHERS_WRITE) && isOurs(directory, 0o700, OTHERS_ANYTHING)) {
      return directory;
    }
  }
  return null;
}

function uid() {
  return process.geteuid?.() ?? 0;
}

/**
 * Makes the directory where it is missing. True when it belongs to us and its mode has none of the
 * `forbidden` bits, so that nobody else can have put anything there.
 *
 * @param {string} directory
 * @param {number} mode
 * @param {number} forbidden
 */
function isOurs(directory, mode, forbidden) {
  try {
    mkdirSync(directory, { recursive: true, mode });
    const stat = lstatSync(directory);
    return stat.isDirectory() && stat.uid === uid() && (stat.mode & forbidden) === 0;
  } catch {
    return false;
  }
}
