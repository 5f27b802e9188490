/** One digest for a configuration that is many files. */

import { createHash } from 'node:crypto';
import type { Config } from './types.ts';

/**
 * SHA-256 over the digests of the files in their order, main file first, one a line: whatever the
 * files are called and wherever they lie. `sha256sum FILE... | cut -c 1-64 | sha256sum` says the
 * same.
 */
export function configurationDigest({ fileDigests }: Pick<Config, 'fileDigests'>): string {
  const hash = createHash('sha256');
  for (const digest of fileDigests) hash.update(`${digest}\n`);
  return hash.digest('hex');
}
