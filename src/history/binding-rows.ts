/**
 * Bindings as rows: a change of policy closes and opens only what differs from the bindings in
 * force, so a restart or a refreshed feed adds none.
 *
 * What went while no daemon ran ends when the last one was seen, not when the next one started:
 * nobody can say who had the address in between.
 */

import type Database from 'better-sqlite3';
import { PREFIX_SIZE, type Revised } from './bindings.ts';

/**
 * Prefixes between two calls of `meanwhile`: about 10 ms. A policy of 100,000 takes 0.6 s when any
 * of them has changed, and next to nothing when none has.
 */
const MEANWHILE_PREFIXES = 2000;
const LENGTH_AT = PREFIX_SIZE - 1;

const BEGIN = `
INSERT INTO run (started_ms, seen_ms, revision, digest) VALUES (?, ?, 0, '')
ON CONFLICT (started_ms) DO UPDATE SET seen_ms = max(seen_ms, excluded.seen_ms)`;
const RUN = 'SELECT revision, digest FROM run WHERE started_ms = ?';
const BEFORE = `
SELECT seen_ms, digest FROM run WHERE started_ms < ? AND revision > 0
ORDER BY started_ms DESC LIMIT 1`;
const APPLIED = 'UPDATE run SET revision = ?, digest = ? WHERE started_ms = ?';
const IN_FORCE = `
SELECT id, length, prefix, workload FROM binding INDEXED BY binding_in_force
WHERE to_ms IS NULL`;
const OPEN = `
INSERT INTO binding (length, prefix, workload, from_ms, from_policy) VALUES (?, ?, ?, ?, ?)`;
const CLOSE = 'UPDATE binding SET to_ms = max(from_ms, ?), to_policy = ? WHERE id = ?';
const ADD_POLICY = 'INSERT OR IGNORE INTO policy (revision, loaded_ms) VALUES (?, ?)';
const FIND_POLICY = 'SELECT id FROM policy WHERE revision = ? AND loaded_ms = ?';

type Run = readonly [revision: number, digest: string];
type InForce = readonly [id: number, length: number, prefix: Buffer, workload: string];

export class BindingRows {
  readonly #begin: Database.Statement<[number, number]>;
  readonly #run: Database.Statement<[number], Run>;
  readonly #before: Database.Statement<[number], Run>;
  readonly #applied: Database.Statement<[number, string, number]>;
  readonly #inForce: Database.Statement<[], InForce>;
  readonly #open: Database.Statement<[number, Buffer, string, number, number]>;
  readonly #close: Database.Statement<[number, number, number]>;
  readonly #addPolicy: Database.Statement<[number, number]>;
  readonly #findPolicy: Database.Statement<[number, number], number>;
  readonly #meanwhile: () => void;
  readonly #transaction: Database.Transaction<(startedMs: number, revised: Revised) => void>;

  /** @param meanwhile called now and then while a transaction runs */
  constructor(db: Database.Database, meanwhile: () => void) {
    this.#meanwhile = meanwhile;
    this.#begin = db.prepare(BEGIN);
    this.#run = db.prepare<[number], Run>(RUN).raw();
    this.#before = db.prepare<[number], Run>(BEFORE).raw();
    this.#applied = db.prepare(APPLIED);
    this.#inForce = db.prepare<[], InForce>(IN_FORCE).raw();
    this.#open = db.prepare(OPEN);
    this.#close = db.prepare(CLOSE);
    this.#addPolicy = db.prepare(ADD_POLICY);
    this.#findPolicy = db.prepare<[number, number], number>(FIND_POLICY).pluck();
    this.#transaction = db.transaction((startedMs, revised) => this.#apply(startedMs, revised));
  }

  /**
   * Notes that the daemon of that start is there.
   *
   * @returns the last of its revisions whose bindings are stored, 0 for none
   * @throws SqliteError
   */
  begin(startedMs: number, nowMs: number): number {
    this.#begin.run(startedMs, nowMs);
    return this.#run.get(startedMs)?.[0] ?? 0;
  }

  /** Brings the bindings in force to those of a revision. @throws SqliteError, nothing is done */
  apply(startedMs: number, revised: Revised): void {
    this.#transaction.immediate(startedMs, revised);
  }

  #apply(startedMs: number, revised: Revised): void {
    const { revision, atMs, bindings } = revised;
    this.#addPolicy.run(revision, atMs);
    if (bindings === null) return;
    const own = this.#run.get(startedMs);
    const isFirst = own === undefined || own[0] === 0;
    const before = isFirst ? this.#before.get(startedMs) : undefined;
    const digest = isFirst ? before?.[1] : own[1];
    if (digest !== bindings.digest) {
      // Of the run before this one, `before[0]` is when it was last seen.
      const endMs = before === undefined ? atMs : Math.min(before[0], atMs);
      this.#change(revised, endMs, this.#findPolicy.get(revision, atMs) ?? 0);
    }
    this.#applied.run(revision, bindings.digest, startedMs);
  }

  #change({ bindings, workloads, atMs }: Revised, endMs: number, policyId: number): void {
    if (bindings === null) return;
    const inForce = this.#readInForce();
    const fresh: (readonly [Buffer, string])[] = [];
    const octets = Buffer.from(Uint8Array.from(bindings.prefixes).buffer);
    for (const [i, number] of bindings.workloads.entries()) {
      this.#pause(i);
      const packed = octets.subarray(i * PREFIX_SIZE, (i + 1) * PREFIX_SIZE);
      const key = packed.toString('latin1');
      const workload = workloads[number] ?? '';
      if (inForce.get(key)?.[3] === workload) inForce.delete(key);
      else fresh.push([packed, workload]);
    }
    for (const [id] of inForce.values()) this.#close.run(endMs, policyId, id);
    for (const [i, [packed, workload]] of fresh.entries()) {
      this.#pause(i);
      const prefix = packed.subarray(0, LENGTH_AT);
      this.#open.run(packed[LENGTH_AT] ?? 0, prefix, workload, atMs, policyId);
    }
  }

  #readInForce(): Map<string, InForce> {
    const inForce = new Map<string, InForce>();
    for (const row of this.#inForce.iterate()) {
      this.#pause(inForce.size);
      inForce.set(keyOf(row[2], row[1]), row);
    }
    return inForce;
  }

  #pause(count: number): void {
    if (count % MEANWHILE_PREFIXES === MEANWHILE_PREFIXES - 1) this.#meanwhile();
  }
}

function keyOf(prefix: Buffer, length: number): string {
  return prefix.toString('latin1') + String.fromCharCode(length);
}
