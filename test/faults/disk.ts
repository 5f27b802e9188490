/**
 * A disk of its own for a test: an ext4 file system in a file, which fills up, turns read-only as
 * after an error of the disk, stands still, and comes back.
 */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { lacks, makeFolder, removeFolder } from '../support/processes.ts';

const SIZE = 24 << 20;
/** Written at once while the disk is filled, the smaller the fuller. */
const PIECES = [1 << 20, 1 << 12, 1];

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

export class Disk {
  /** Where it is mounted. */
  readonly mountPoint: string;
  readonly #base: string;
  readonly #image: string;

  private constructor() {
    this.#base = makeFolder();
    this.#image = join(this.#base, 'image');
    this.mountPoint = join(this.#base, 'disk');
  }

  /** Null where this machine does not let us, or has no ext4. */
  static make(): Disk | null {
    if (process.getuid?.() !== 0 || lacks('mkfs.ext4', 'e2fsck', 'fsfreeze')) return null;
    const disk = new Disk();
    mkdirSync(disk.mountPoint);
    writeFileSync(disk.#image, '');
    truncateSync(disk.#image, SIZE);
    if (run('mkfs.ext4', '-q', '-m', '0', disk.#image) && disk.#mount()) return disk;
    process.stderr.write('skipped: no file system can be mounted here\n');
    disk.remove();
    return null;
  }

  /** A folder on it. */
  folder(name: string): string {
    const path = join(this.mountPoint, name);
    mkdirSync(path);
    return path;
  }

  /** Takes all that is left, to the last octet. */
  fill(): void {
    const file = openSync(this.#ballast, 'w');
    try {
      for (const size of PIECES) writeUntilFull(file, Buffer.alloc(size, 1));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#ballast);
  }

  /** Reading goes on, and every write fails, also of files that are open: as after an I/O error. */
  turnReadOnly(): void {
    if (!run('mount', '-o', 'remount,abort', this.mountPoint)) throw new Error('no remount');
  }

  /** What was read-only is repaired and mounted anew; files that are open stay dead. */
  renew(): void {
    run('umount', '-l', this.mountPoint);
    run('e2fsck', '-fy', this.#image);
    if (!this.#mount()) throw new Error('no mount');
  }

  /** Whoever writes waits. */
  stall(): void {
    if (!run('fsfreeze', '-f', this.mountPoint)) throw new Error('no freeze');
  }

  goOn(): void {
    run('fsfreeze', '-u', this.mountPoint);
  }

  remove(): void {
    this.goOn();
    run('umount', '-l', this.mountPoint);
    removeFolder(this.#base);
  }

  get #ballast(): string {
    return join(this.mountPoint, 'ballast');
  }

  #mount(): boolean {
    return run('mount', '-o', 'loop', this.#image, this.mountPoint);
  }
}

function writeUntilFull(file: number, octets: Uint8Array): void {
  try {
    while (writeSync(file, octets) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
