/** A patch written over the files: each whole or not at all, with its owner and mode. */

import {
  chmodSync,
  chownSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { PatchedFile } from './patch.ts';

/** @throws DnsvalveError SYSTEM naming the file that could not be written; those before it are */
export function writePatch(files: readonly PatchedFile[]): void {
  for (const { file, before, after } of files) {
    const path = realpathSync(file);
    const fresh = `${path}.new`;
    let isOurs = false;
    try {
      if (readFileSync(path, 'utf8') !== before) throw new Error('changed since it was read');
      const { mode, uid, gid } = statSync(path);
      writeFileSync(fresh, after, { mode: 0o600, flag: 'wx', flush: true });
      isOurs = true;
      chownSync(fresh, uid, gid);
      chmodSync(fresh, mode);
      renameSync(fresh, path);
    } catch (error) {
      if (isOurs) rmSync(fresh, { force: true });
      throw new DnsvalveError('SYSTEM', `${file}: ${messageOf(error)}`, error);
    }
  }
}
