/** Reads secrets from where the configuration says they stand: a file or the environment. */

import { readFileSync, statSync } from 'node:fs';
import type { SecretRef } from '../../config/sink-types.ts';
import { messageOf } from '../../errors.ts';

/** Chains of certificates are some kilobytes. */
const OCTETS_MAX = 1_048_576;

/** @throws Error that names the place and never what stands there */
export function readSecret(ref: SecretRef, env: NodeJS.ProcessEnv = process.env): string {
  if (ref.kind === 'file') return readWhole(ref.path);
  const value = env[ref.name];
  if (value === undefined || value === '') throw new Error(`env:${ref.name} is not set`);
  return value;
}

function readWhole(path: string): string {
  try {
    const stats = statSync(path);
    // A pipe without a writer would hold the whole thread up.
    if (!stats.isFile()) throw new Error('is no file');
    if (stats.size > OCTETS_MAX) throw new Error(`has more than ${OCTETS_MAX} octets`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`file:${path}: ${messageOf(error)}`);
  }
}
