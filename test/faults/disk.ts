/**
 * A disk of its own for a test: an ext4 file system in a file, which fills up, turns read-only as
 * after an error of the disk, stands still, and comes back.
 */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
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
  #image: string;

  private constructor() {
    this.#base = makeFolder();
    this.#image = join(this.#base, 'image');
    this.mountPoint = join(this.#base, 'disk');
  }

  /** Whether this machine lets us; says so where it does not. */
  static isPossible(): boolean {
    if (process.getuid?.() !== 0 || lacks('mkfs.ext4', 'e2fsck', 'fsfreeze')) return false;
    const disk = Disk.#make();
    disk?.remove();
    if (disk === null) process.stderr.write('skipped: no file system can be mounted here\n');
    return disk !== null;
  }

  /** @throws Error where it cannot be mounted */
  static make(): Disk {
    const disk = Disk.#make();
    if (disk === null) throw new Error('no file system can be mounted');
    return disk;
  }

  static #make(): Disk | null {
    const disk = new Disk();
    mkdirSync(disk.mountPoint);
    writeFileSync(disk.#image, '');
    truncateSync(disk.#image, SIZE);
    if (run('mkfs.ext4', '-q', '-m', '0', disk.#image) && disk.#mount()) return disk;
    disk.remove();
    return null;
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

  /**
   * Reading goes on, and every write fails, also of files that are open: as after an I/O error. What
   * the kernel holds at that moment is lost.
   */
  turnReadOnly(): void {
    run('sync', '-f', this.mountPoint);
    if (!run('mount', '-o', 'remount,abort', this.mountPoint)) throw new Error('no remount');
  }

  /**
   * What was read-only is repaired and mounted anew; files that are open stay dead. A copy is, because
   * the kernel keeps the old one, as it is, for as long as they are open.
   */
  renew(): void {
    run('umount', '-l', this.mountPoint);
    copyFileSync(this.#image, `${this.#image}.new`);
    this.#image += '.new';
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
