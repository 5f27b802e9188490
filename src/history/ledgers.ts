/**
 * Ledgers: what detectors hold in shared rows, kept in the history so that a restart forgets none.
 *
 * Rows know their owners by hashes of this run only; the recorder knows the texts. What it does not
 * know (it forgets pairs that were idle for long, and never heard of some reverse zones) stays
 * unkept until a finding names it.
 */

import {
  exportLedgers,
  type Ledger,
  type LedgerMemory,
  type LedgerOwner,
} from '../detect/carry.ts';
import { workloadKey } from '../identity/workload-key.ts';
import type { WireText } from './names.ts';
import type { Workload } from './snapshots.ts';

/**
 * Pause between two collections, s. `kill -9` loses what was added since the last one; a finding is
 * followed by one within SOON_SECONDS, so what is lost is less than one threshold: beyond it there
 * would have been a finding. Who can crash the daemon at will gains that much with each crash.
 */
const PAUSE_SECONDS = 10;
const SOON_SECONDS = 1;
/** Records come this much after the query at most; a row is looked at again until then. */
const OVERLAP_SECONDS = 5;
/** Ledgers of one collection at most, the worthiest: 3 MB. */
const COLLECTED_MAX = 4096;
/** Domains of findings remembered. */
const DOMAINS_MAX = 10_000;

/** A ledger with its owner in text. */
export interface NamedLedger extends Ledger {
  readonly workload: string;
  /** '' where it is the workload's alone. */
  readonly domain: WireText;
}

export interface LedgerNames {
  workloads(): Iterable<Workload>;
  /** Registrable domain of a pair by its keyed hash; null where it is not remembered. */
  domainOf(low: number, high: number, workload: Workload): WireText | null;
}

export class Ledgers {
  readonly #memory: LedgerMemory;
  readonly #names: LedgerNames;
  readonly #workloads = new Map<string, Workload>();
  /** Workloads that have their key in `#workloads`. */
  readonly #known = new Set<Workload>();
  /** Domains that something was found under. */
  readonly #domains = new Map<string, WireText>();
  #collectedSeconds = 0;
  #isHurried = false;

  constructor(memory: LedgerMemory, names: LedgerNames) {
    this.#memory = memory;
    this.#names = names;
  }

  /** Something was found under `domain`, whose hash that is: it is collected soon. */
  found(domain: WireText, low: number, high: number): void {
    this.#isHurried = true;
    if (this.#domains.size >= DOMAINS_MAX) this.#domains.clear();
    this.#domains.set(`${low}:${high}`, domain);
  }

  /** @param now wall clock, s */
  isDue(now: number): boolean {
    const pause = this.#isHurried ? SOON_SECONDS : PAUSE_SECONDS;
    // A clock that was set back must not put it off.
    return Math.abs(now - this.#collectedSeconds) >= pause;
  }

  /** What was written since the last collection that was kept. @param now wall clock, s */
  collect(now: number): NamedLedger[] {
    const since = Math.min(this.#collectedSeconds, now) - OVERLAP_SECONDS;
    const list: NamedLedger[] = [];
    this.#learnWorkloads();
    for (const { owner, ...ledger } of exportLedgers(this.#memory, since, now, COLLECTED_MAX)) {
      const workload = this.#workloadOf(owner);
      if (workload === undefined) continue;
      const domain = this.#domainOf(owner, workload);
      if (domain !== null) list.push({ ...ledger, workload: workload.name, domain });
    }
    return list;
  }

  /** What was collected at `now` need not be collected again. */
  kept(now: number): void {
    this.#collectedSeconds = now;
    this.#isHurried = false;
  }

  #learnWorkloads(): void {
    for (const workload of this.#names.workloads()) {
      if (this.#known.has(workload)) continue;
      this.#known.add(workload);
      const { low, high } = workloadKey(workload.name);
      this.#workloads.set(`${low}:${high}`, workload);
    }
  }

  #workloadOf({ workloadLow, workloadHigh }: LedgerOwner): Workload | undefined {
    return this.#workloads.get(`${workloadLow}:${workloadHigh}`);
  }

  #domainOf({ domainLow, domainHigh }: LedgerOwner, workload: Workload): WireText | null {
    if (domainLow === 0 && domainHigh === 0) return '';
    const [low, high] = [domainLow >>> 0, domainHigh >>> 0];
    return this.#names.domainOf(low, high, workload) ?? this.#domains.get(`${low}:${high}`) ?? null;
  }
}
