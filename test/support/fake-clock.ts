/**
 * A wall clock that a test sets for a process, by libfaketime; the clocks that nobody sets go on as
 * they are. Without the library there is none, but in CI, where its tests fail then.
 */

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
/** What libfaketime shares between the threads of a process; who was killed leaves it behind. */
const SHARED = /^(?:sem\.)?faketime_(?:sem|shm)_(\d+)$/;
/** Read with every look at the clock. */
const FOLDER = '/dev/shm';

let count = 0;

export class FakeClock {
  /** Runs a program by this clock: a command and its arguments that stand before it. */
  readonly under: readonly string[];
  readonly #file: string;

  private constructor() {
    this.#file = join(FOLDER, `dnsvalve-clock-${process.pid}-${count++}`);
    this.set('+0');
    const preload = [`LD_PRELOAD=${LIBRARY}`, `FAKETIME_TIMESTAMP_FILE=${this.#file}`];
    const modes = ['FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
    this.under = ['env', ...preload, ...modes];
  }

  static readonly isThere = existsSync(LIBRARY) || Boolean(process.env['CI']);

  static make(): FakeClock | null {
    return FakeClock.isThere ? new FakeClock() : null;
  }

  /** @param offset from the machine's clock, as libfaketime reads it: `+10m`, `-2h` */
  set(offset: string): void {
    // At once: who looks meanwhile must not find an empty file.
    writeFileSync(`${this.#file}.new`, `${offset}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#file, { force: true });
    for (const name of readdirSync(FOLDER)) {
      const pid = SHARED.exec(name)?.[1];
      const isLeft = pid !== undefined && !existsSync(`/proc/${pid}`);
      if (isLeft) rmSync(join(FOLDER, name), { force: true });
    }
  }
}
