/**
 * What one transaction adds to the workloads: a row each for their totals and for the pairs that
 * they have since, instead of a write for every pair.
 */

import { dayOf } from './days.ts';
import type { PairGather } from './gather.ts';
import { packIds } from './packed-ids.ts';
import type { Workload } from './snapshots.ts';
import type { Statements } from './statements.ts';
import type { WorkloadDays } from './workload-days.ts';

/** The fields but `ids` are the parameters of the statement. */
class WorkloadTotal {
  firstMs = Number.MAX_SAFE_INTEGER;
  lastMs = 0;
  domains = 0;
  allowed = 0;
  denied = 0;
  wouldDeny = 0;
  failed = 0;
  cached = 0;

  add(pair: PairGather): void {
    this.firstMs = Math.min(this.firstMs, Math.floor(pair.firstMs));
    this.lastMs = Math.max(this.lastMs, Math.floor(pair.lastMs));
    this.allowed += pair.allowed;
    this.denied += pair.denied;
    this.wouldDeny += pair.wouldDeny;
    this.failed += pair.failed;
    this.cached += pair.cached;
  }
}

/** New pairs of a workload. */
class Heard {
  readonly ids: number[] = [];
  /** Of each the day of its last query. */
  readonly days: number[] = [];
  newestMs = 0;
}

export class Totals {
  readonly #sql: Statements;
  readonly #days: WorkloadDays;
  /** Keys of workloads by their number; those of a transaction that failed are forgotten. */
  #rowIds: number[] = [];
  readonly #totals = new Map<Workload, WorkloadTotal>();
  readonly #heard = new Map<Workload, Heard>();

  constructor(sql: Statements, days: WorkloadDays) {
    this.#sql = sql;
    this.#days = days;
  }

  /** The row of the pair's workload, which is made where there is none. */
  workloadId({ known: { workload }, firstMs, lastMs }: PairGather): number {
    let id = this.#rowIds[workload.number] ?? this.#sql.findWorkload.get(workload.name);
    if (id === undefined) {
      const times = { firstMs: Math.floor(firstMs), lastMs: Math.floor(lastMs) };
      const values = { ...new WorkloadTotal(), ...times, name: workload.name };
      id = Number(this.#sql.writeWorkload.run(values).lastInsertRowid);
    }
    this.#rowIds[workload.number] = id;
    return id;
  }

  add(pair: PairGather): void {
    const { workload } = pair.known;
    let total = this.#totals.get(workload);
    if (total === undefined) {
      total = new WorkloadTotal();
      this.#totals.set(workload, total);
    }
    total.add(pair);
  }

  addNew(pair: PairGather, id: number): void {
    const { workload, lastDay } = pair.known;
    let heard = this.#heard.get(workload);
    if (heard === undefined) {
      heard = new Heard();
      this.#heard.set(workload, heard);
    }
    heard.ids.push(id);
    heard.days.push(lastDay);
    heard.newestMs = Math.max(heard.newestMs, Math.floor(pair.firstMs));
  }

  /** Writes what was added, and forgets it. */
  store(): void {
    for (const [workload, total] of this.#totals) {
      total.domains = this.#heard.get(workload)?.ids.length ?? 0;
      this.#sql.writeWorkload.run({ ...total, name: workload.name });
    }
    for (const [{ number }, heard] of this.#heard)
      this.#storeHeard(this.#rowIds[number] ?? 0, heard);
    this.clear();
  }

  #storeHeard(workloadId: number, { ids, days, newestMs }: Heard): void {
    const [id = 0, ...more] = ids;
    const others = more.length === 0 ? null : packIds(more);
    this.#sql.writeHeard.run([workloadId, newestMs, id, others]);
    const newestDay = dayOf(newestMs);
    // Around midnight.
    for (const [i, day] of days.entries()) {
      if (day !== newestDay) this.#days.wake(workloadId, day, ids[i] ?? 0);
    }
  }

  clear(): void {
    this.#totals.clear();
    this.#heard.clear();
  }

  /** Keys that a transaction made are gone with it. */
  forget(): void {
    this.clear();
    this.#rowIds = [];
  }
}
