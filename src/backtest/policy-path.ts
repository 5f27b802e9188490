/** The main file of a policy that is named by its folder: `test --against new-policy/`. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DnsvalveError } from '../errors.ts';

const USUAL = ['dnsvalve.yaml', 'dnsvalve.yml', 'main.yaml'];

/**
 * @returns `path` itself where it is no folder
 * @throws DnsvalveError USAGE where a folder holds no file that must be the one
 */
export function mainFileOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const usual = USUAL.map((name) => join(path, name)).find((file) => existsSync(file));
  if (usual !== undefined) return usual;
  const found = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
  if (found.length === 1 && found[0] !== undefined) return join(path, found[0]);
  const what = found.length === 0 ? 'no YAML file' : `${found.length} YAML files`;
  throw new DnsvalveError('USAGE', `${path}: ${what} in it; name the main file of the policy`);
}
