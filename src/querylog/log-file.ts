/**
 * The file of the query log: lines are appended, and when it has grown to its size it is put aside
 * as `PATH.1`, what was `PATH.1` as `PATH.2`, and so on; the oldest goes. Synchronous: the thread
 * has nothing else to do, and what it cannot take is counted by the ring.
 */

import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../errors.ts';

export interface LogFileSettings {
  /** Absolute. */
  readonly path: string;
  readonly maxBytes: number;
  /** Files kept beside the current one. */
  readonly maxFiles: number;
}

export interface LogFileStats {
  /** Lines that the file took, and those that it did not. */
  readonly written: number;
  readonly lost: number;
  readonly rotations: number;
  readonly lastError: string | null;
}

/** What people asked for: readable by the owner and the group only. */
const FILE_MODE = 0o640;
const NEWLINE = 10; // '\n'

export class LogFile {
  readonly #settings: LogFileSettings;
  #file = -1;
  #size = 0;
  /** The last line is not whole, as a full disk or a crash leaves it: it is ended first. */
  #isTorn = false;
  #written = 0;
  #lost = 0;
  #rotations = 0;
  #lastError: string | null = null;

  constructor(settings: LogFileSettings) {
    this.#settings = settings;
  }

  /** Appends lines; those that cannot be written are counted and gone. */
  append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const octets = Buffer.from(lines.join(''));
    let taken = 0;
    try {
      if (this.#file === -1) this.#open();
      if (this.#size >= this.#settings.maxBytes) this.#rotate();
      if (this.#isTorn) this.#size += writeSync(this.#file, '\n');
      this.#isTorn = false;
      while (taken < octets.length) taken += writeSync(this.#file, octets, taken);
      this.#lastError = null;
    } catch (error) {
      this.#lastError = messageOf(error);
      this.#isTorn ||= taken > 0 && octets[taken - 1] !== NEWLINE;
    }
    this.#size += taken;
    const whole = taken === octets.length ? lines.length : linesIn(octets.subarray(0, taken));
    this.#written += whole;
    this.#lost += lines.length - whole;
  }

  /** The next line goes to whatever stands at the path then. */
  reopen(): void {
    this.close();
  }

  close(): void {
    if (this.#file === -1) return;
    const file = this.#file;
    this.#file = -1;
    try {
      closeSync(file);
    } catch (error) {
      this.#lastError = messageOf(error);
    }
  }

  stats(): LogFileStats {
    return {
      written: this.#written,
      lost: this.#lost,
      rotations: this.#rotations,
      lastError: this.#lastError,
    };
  }

  #open(): void {
    const { path } = this.#settings;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a+', FILE_MODE);
    this.#size = fstatSync(this.#file).size;
    const last = Buffer.from([NEWLINE]);
    if (this.#size > 0) readSync(this.#file, last, 0, 1, this.#size - 1);
    this.#isTorn = last[0] !== NEWLINE;
  }

  #rotate(): void {
    const { path, maxFiles } = this.#settings;
    this.close();
    if (maxFiles === 0) rmSync(path, { force: true });
    for (let number = maxFiles - 1; number >= 0; number--) {
      const from = number === 0 ? path : `${path}.${number}`;
      renameWhereThere(from, `${path}.${number + 1}`);
    }
    this.#rotations++;
    this.#file = openSync(path, 'a', FILE_MODE);
    this.#size = 0;
    this.#isTorn = false;
  }
}

function linesIn(octets: Buffer): number {
  return octets.reduce((count, octet) => count + (octet === NEWLINE ? 1 : 0), 0);
}

function renameWhereThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
