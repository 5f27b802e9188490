/**
 * AuditLog: what the rest of the program calls when an administrative act was done, or refused.
 *
 * The only writer. An act is never held up by it: it is taken at once and written behind, in order,
 * and `record` says when it is on the disk, for acts that want to wait. While the disk refuses,
 * acts wait in memory within a bound, and what the bound dropped the log says when it can again.
 */

import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { type Appended, append, type TimedAct } from './append.ts';
import { writeHead } from './head.ts';
import type { Act } from './record.ts';

/** In the state directory. */
export const AUDIT_FILE = 'audit.jsonl';

const PENDING_MAX = 1000;
/** Records in one write: far less than the end of the log that the next write looks at. */
const BATCH = 8;
const RETRY_MS = 5000;

export interface AuditOptions {
  readonly stateDirectory: string;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Tells a person that acts are not on the disk. */
  readonly report: (line: string) => void;
}

export interface AuditStats {
  readonly written: number;
  /** Not on the disk yet. */
  readonly pending: number;
  /** Never will be. */
  readonly lost: number;
  readonly lastError: string | null;
}

interface Pending extends TimedAct {
  /** Told whether the first attempt brought it to the disk. */
  readonly settle: (isDurable: boolean) => void;
}

export class AuditLog {
  readonly path: string;
  readonly #options: AuditOptions;
  #pending: Pending[] = [];
  #written = 0;
  #lost = 0;
  /** Of `#lost`, what the log does not say yet. */
  #unsaid = 0;
  #lastError: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: AuditOptions) {
    this.path = join(options.stateDirectory, AUDIT_FILE);
    this.#options = options;
  }

  /**
   * Takes an act. Never rejects.
   *
   * @returns whether it is on the disk; false where it waits for a disk that is in trouble
   */
  record(act: Act): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#pending.length >= PENDING_MAX) {
      this.#lost++;
      this.#unsaid++;
      resolve(false);
      return promise;
    }
    this.#pending.push({ act, atMs: this.#options.now(), settle: resolve });
    this.#start();
    return promise;
  }

  stats(): AuditStats {
    const { length } = this.#pending;
    return {
      written: this.#written,
      pending: length,
      lost: this.#lost,
      lastError: this.#lastError,
    };
  }

  /**
   * Writes what is left, in one attempt, and counts what stays behind as lost.
   *
   * @param deadlineMs for a disk that neither takes nor refuses
   */
  async close(deadlineMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, deadlineMs);
    await Promise.race([this.#finish(), late.promise]);
    clearTimeout(timer);
    if (this.#retry !== null) clearTimeout(this.#retry);
    const { length } = this.#pending;
    if (length === 0) return;
    this.#lost += length;
    this.#pending = [];
    this.#options.report(`audit log ${this.path}: ${length} records are lost`);
  }

  async #finish(): Promise<void> {
    await this.#running;
    this.#start();
    await this.#running;
  }

  #start(): void {
    if (this.#pending.length === 0) return;
    this.#running ??= this.#write();
  }

  /** Until nothing is left, or the disk refuses. */
  async #write(): Promise<void> {
    let isTaken = true;
    while (isTaken && this.#pending.length > 0) isTaken = await this.#writeBatch();
    this.#running = null; // in the same turn as the last look at what is pending
    if (!isTaken) this.#wait();
  }

  /** @returns false where the disk refused */
  async #writeBatch(): Promise<boolean> {
    const batch = this.#pending.slice(0, BATCH);
    const unsaid = this.#unsaid;
    let appended: Appended;
    try {
      appended = await append(this.path, [...lostAct(unsaid, batch), ...batch]);
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.#pending.splice(0, batch.length);
    this.#written += batch.length;
    this.#unsaid -= unsaid;
    await this.#moveHead(appended);
    for (const one of batch) one.settle(true);
    return true;
  }

  /** Where it fails, the next act moves it. */
  async #moveHead({ last, isFirst }: Appended): Promise<void> {
    try {
      if (last !== null) await writeHead(this.path, last, isFirst);
      this.#lastError = null;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const reason = messageOf(error);
    if (reason !== this.#lastError) this.#options.report(`audit log ${this.path}: ${reason}`);
    this.#lastError = reason;
  }

  /** The next act tries again, and if there is none, time does. */
  #wait(): void {
    for (const { settle } of this.#pending) settle(false);
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#start();
    }, RETRY_MS);
    this.#retry.unref();
  }
}

/** Says before the next act how many the bound dropped. */
function lostAct(records: number, [first]: readonly TimedAct[]): TimedAct[] {
  if (records === 0) return [];
  const by = { via: 'process', uid: process.getuid?.() ?? null, pid: process.pid } as const;
  return [{ act: { act: 'lost', by, details: { records } }, atMs: first?.atMs ?? 0 }];
}
