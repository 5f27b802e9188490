/**
 * Bindings: which workload each source prefix belongs to, from every policy revision, on their way
 * into the history. Waits where the database is in trouble, so that each revision's change gets its
 * own time all the same.
 */

import { createHash } from 'node:crypto';
import type { Config } from '../config/types.ts';
import type { BindingRows } from './binding-rows.ts';
import type { RevisionNames } from './messages.ts';

/** Octets of one packed prefix: 16 of the address, IPv4 mapped, and its length. */
export const PREFIX_SIZE = 17;

/** Revisions that wait at most; beyond it the oldest is left out, and its time with it. */
const WAITING_MAX = 64;

/** How often a daemon says that it is still there, ms. */
export const SEEN_EVERY_MS = 10_000;

/** The sources of all workloads, as they cross threads. */
export interface BindingsMemory {
  /** PREFIX_SIZE octets each. */
  readonly prefixes: Uint8Array;
  /** Number of each one's workload in the snapshot. */
  readonly workloads: Uint32Array;
  /** The same for the same prefixes of workloads of the same names. */
  readonly digest: string;
}

/** In shared memory: it is kept with the snapshot, and the recorder reads the same. */
export function packBindings(workloads: Config['workloads']): BindingsMemory {
  const count = workloads.reduce((sum, { sources }) => sum + sources.length, 0);
  const prefixes = new Uint8Array(new SharedArrayBuffer(count * PREFIX_SIZE));
  const numbers = new Uint32Array(new SharedArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT));
  const hash = createHash('sha256');
  let at = 0;
  for (const [i, { name, sources }] of workloads.entries()) {
    hash.update(`${name}\0${sources.length}\0`);
    for (const { bytes, length } of sources) {
      prefixes.set(bytes, at * PREFIX_SIZE);
      prefixes[at * PREFIX_SIZE + PREFIX_SIZE - 1] = length;
      numbers[at++] = i + 1;
    }
  }
  hash.update(Uint8Array.from(prefixes));
  return { prefixes, workloads: numbers, digest: hash.digest('hex') };
}

/** A policy revision as far as the identity of sources goes. */
export interface Revised {
  readonly revision: number;
  /** When it came into force, ms since the epoch. */
  readonly atMs: number;
  /** Names by workload number. */
  readonly workloads: readonly string[];
  /** Null where it is not known. */
  readonly bindings: BindingsMemory | null;
}

export class Bindings {
  /** Wall clock of the daemon's start, by which its run is known. */
  readonly #startedMs: number;
  #waiting: Revised[] = [];
  #latest: Revised | null = null;
  /** The connection that was written to last. */
  #rows: BindingRows | null = null;
  #seenMs = Number.NEGATIVE_INFINITY;

  constructor(startedMs: number) {
    this.#startedMs = Math.floor(startedMs);
  }

  add({ revision, at, workloads, bindings }: RevisionNames): void {
    this.#latest = { revision, atMs: Math.floor(at), workloads, bindings: bindings ?? null };
    this.#waiting.push(this.#latest);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether it is time to say that the daemon is still there. */
  isDue(nowMs: number): boolean {
    return Math.abs(nowMs - this.#seenMs) >= SEEN_EVERY_MS;
  }

  /** Stores what waits, and that the daemon is there. @throws SqliteError; then all waits on */
  write(rows: BindingRows, nowMs: number): void {
    const done = rows.begin(this.#startedMs, Math.floor(nowMs));
    const isNewFile = rows !== this.#rows && done === 0 && this.#latest !== null;
    if (isNewFile && this.#waiting.length === 0) this.#waiting = [this.#latest!];
    for (const revised of this.#waiting) {
      if (revised.revision > done) rows.apply(this.#startedMs, revised);
    }
    this.#rows = rows;
    this.#waiting = [];
    this.#seenMs = nowMs;
  }

  /** What cannot be stored at all must not be tried for ever. */
  giveUp(): void {
    this.#waiting = [];
  }
}
