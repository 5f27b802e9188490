/**
 * Burn-in: in its first hour a workload asks for nothing that is not new. The first few new domains
 * are told one by one, so that who tries it out sees that it works; the others are summed up, in
 * one alert for each workload. Nothing is lost by it: first seen is in the history as always.
 */

/** New domains told one by one, of one workload and of all that burn in. */
const TOLD_MAX = 10;
const TOLD_MAX_ALL = 100;

/** What is kept of a workload that burns in; plain data. */
export interface BurningIn {
  readonly workload: string;
  /** When its burn-in ends, ms since the epoch. */
  readonly endMs: number;
  /** New domains that were not told. */
  readonly held: number;
}

export interface BurnInSummary extends BurningIn {
  /** New domains that were told one by one, as far as this run knows. */
  readonly told: number;
}

interface Entry {
  readonly endMs: number;
  readonly lengthMs: number;
  told: number;
  held: number;
}

export class BurnIn {
  readonly #entries = new Map<string, Entry>();
  #toldAll = 0;
  /** Whether something is held that `rows` did not give yet. */
  isChanged = false;

  /** Takes over what an earlier run held. */
  load(rows: Iterable<BurningIn>, lengthMs: number): void {
    for (const { workload, endMs, held } of rows) {
      const entry = this.#entries.get(workload);
      if (entry !== undefined) entry.held += held;
      else this.#entries.set(workload, { endMs, lengthMs, told: 0, held });
    }
  }

  /**
   * Whether a new domain is held back.
   *
   * @param firstMs when the workload was first heard of
   * @param atMs when it asked
   */
  holds(workload: string, firstMs: number, { atMs, lengthMs }: Moment): boolean {
    // A first time that lies ahead is of a clock that was wrong: nothing is held because of it.
    if (atMs < firstMs || atMs - firstMs >= lengthMs) return false;
    let entry = this.#entries.get(workload);
    if (entry === undefined) {
      entry = { endMs: firstMs + lengthMs, lengthMs, told: 0, held: 0 };
      this.#entries.set(workload, entry);
    }
    if (entry.told < TOLD_MAX && this.#toldAll < TOLD_MAX_ALL) {
      entry.told += 1;
      this.#toldAll += 1;
      return false;
    }
    entry.held += 1;
    this.isChanged = true;
    return true;
  }

  /** Workloads whose burn-in has ended, with what was held of them; they are forgotten. */
  ended(nowMs: number): BurnInSummary[] {
    const ended: BurnInSummary[] = [];
    for (const [workload, { endMs, lengthMs, told, held }] of this.#entries) {
      const leftMs = endMs - nowMs;
      // A clock that was set back does not make it longer.
      if (leftMs > 0 && leftMs <= lengthMs) continue;
      this.#entries.delete(workload);
      this.#toldAll -= told;
      if (held > 0) ended.push({ workload, endMs, told, held });
    }
    this.isChanged ||= ended.length > 0;
    return ended;
  }

  /** What must survive a restart. */
  rows(): BurningIn[] {
    this.isChanged = false;
    return [...this.#entries]
      .filter(([, { held }]) => held > 0)
      .map(([workload, { endMs, held }]) => ({ workload, endMs, held }));
  }

  /** Workloads that burn in now. */
  get size(): number {
    return this.#entries.size;
  }
}

interface Moment {
  readonly atMs: number;
  readonly lengthMs: number;
}
