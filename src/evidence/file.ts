/** An evidence bundle as a file on the disk. */

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Exported } from './export.ts';

/** Evidence tells what people did: for its owner and the group. */
const FILE_MODE = 0o640;

/**
 * Writes a bundle: there under its name only when it is whole, and never in place of another file.
 *
 * @throws DnsvalveError USAGE where the file is there, SYSTEM where it cannot be written
 */
export async function intoFile(
  path: string,
  run: (write: (text: string) => void) => Promise<Exported>,
): Promise<Exported> {
  if (existsSync(path)) throw new DnsvalveError('USAGE', `${path}: is there already`);
  const partial = `${path}.partial`;
  const file = open(partial);
  try {
    const exported = await run((text) => {
      const octets = Buffer.from(text);
      for (let at = 0; at < octets.length; ) at += writeSync(file, octets, at);
    });
    fsyncSync(file);
    renameSync(partial, path);
    return exported;
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof DnsvalveError) throw error;
    throw new DnsvalveError('SYSTEM', `writing ${path}: ${messageOf(error)}`, error);
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w', FILE_MODE);
  } catch (error) {
    throw new DnsvalveError('SYSTEM', `writing ${path}: ${messageOf(error)}`, error);
  }
}
