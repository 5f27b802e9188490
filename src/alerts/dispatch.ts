/**
 * Dispatch: observation -> alert -> fold -> spool, on the main thread. It decides nothing about
 * queries, and nothing here can hold up the recorder or a query: the spool takes what it is given.
 */

import { join } from 'node:path';
import type { BurnInEnd, Unusual } from '../baseline/unusual.ts';
import { detectorOf } from '../detect/detectors.ts';
import type { Observation, ObservedFinding } from '../history/observation.ts';
import { ALERT_TYPES, type Alert, type AlertType, operationalAlert } from './alert.ts';
import { Fold } from './fold.ts';
import { FoldKeeper } from './fold-keeper.ts';
import { type Directory, fromObservation } from './observe.ts';
import type { SinkEnvironment } from './sinks/open.ts';
import { journalDirectory, Spool, type SpoolConfig, type SpoolStats } from './spool.ts';
import { fromBurnInEnd, fromUnusual } from './unusual.ts';

/** Windows and told pairs held at most; see `Fold` for the octets that they may take. */
const FOLDS_MAX = 100_000;
/** In the directory of the journal. */
const FOLDS_FILE = 'windows.jsonl';
/** How late the end of a window may be told. */
const TICK_MS = 1_000;

/** The part of Config that alerts need. */
export interface AlertsConfig extends SpoolConfig {
  readonly alertWindowMs: number;
}

export interface DispatchOptions extends SinkEnvironment {
  readonly config: AlertsConfig;
  readonly directory: Directory;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
}

export interface FindingCount {
  readonly told: number;
  readonly denied: number;
}

export interface DispatchStats extends SpoolStats {
  /** Alerts that were told, after folding. */
  readonly emitted: number;
  readonly byType: Readonly<Record<AlertType, number>>;
  /** Queries that something was found about, by detector, and those of them that were denied. */
  readonly findings: Readonly<Record<string, FindingCount>>;
}

export class Dispatch {
  readonly #now: () => number;
  #directory: Directory;
  readonly #fold: Fold;
  readonly #folds: FoldKeeper;
  #windowMs: number;
  readonly #spool: Spool;
  readonly #timer: NodeJS.Timeout;
  #emitted = 0;
  readonly #byType = Object.fromEntries(
    Object.keys(ALERT_TYPES).map((type) => [type, 0]),
  ) as Record<AlertType, number>;
  readonly #findings = new Map<string, FindingCount>();

  /** @throws DnsvalveError CONFIG as openSink does */
  constructor({ config, directory, now, openUnixDatagram, report }: DispatchOptions) {
    this.#now = now;
    this.#spool = new Spool({ config, now, openUnixDatagram, report });
    this.#directory = directory;
    this.#windowMs = config.alertWindowMs;
    const emit = (alert: Alert): void => this.#emit(alert);
    this.#fold = new Fold({ windowMs: config.alertWindowMs, max: FOLDS_MAX, emit });
    const path = join(journalDirectory(config.stateDirectory), FOLDS_FILE);
    const { journal } = this.#spool;
    this.#folds = new FoldKeeper({ path, fold: this.#fold, journal, report });
    this.#folds.restore(now(), config.alertWindowMs);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Takes what the recorder posts. */
  observe(observations: readonly Observation[]): void {
    for (const observation of observations) {
      if (observation.finding !== null) this.#count(observation, observation.finding);
      for (const alert of fromObservation(observation, this.#directory)) this.raise(alert);
    }
  }

  #count({ counts }: Observation, { type }: ObservedFinding): void {
    const { name } = detectorOf(type);
    const { told, denied } = this.#findings.get(name) ?? { told: 0, denied: 0 };
    const next = { told: told + counts.allowed + counts.denied, denied: denied + counts.denied };
    this.#findings.set(name, next);
  }

  /** Takes what a workload does more than is usual. */
  unusual(unusual: Unusual): void {
    this.raise(fromUnusual(unusual, this.#directory));
  }

  /** Takes the end of a workload's burn-in. */
  burnInEnd(end: BurnInEnd): void {
    this.raise(fromBurnInEnd(end, this.#directory));
  }

  /** Takes an alert that is not about a query (operationalAlert). */
  raise(alert: Alert): void {
    this.#fold.push(alert, this.#now());
  }

  /**
   * Follows a reload; the spool says what becomes of sinks that are gone. Open windows are closed
   * when their length changes.
   *
   * @throws DnsvalveError CONFIG as openSink does; then nothing has changed
   */
  reconfigure(config: AlertsConfig, directory: Directory, deadlineMs: number): Promise<void> {
    const closed = this.#spool.reconfigure(config, deadlineMs);
    if (config.alertWindowMs !== this.#windowMs) {
      this.#windowMs = config.alertWindowMs;
      this.#fold.setWindow(config.alertWindowMs);
    }
    this.#directory = directory;
    return closed;
  }

  stats(): DispatchStats {
    const findings = Object.fromEntries(this.#findings);
    return {
      emitted: this.#emitted,
      byType: { ...this.#byType },
      findings,
      ...this.#spool.stats(),
    };
  }

  /** Opens files anew, as after SIGUSR2 from logrotate, and looks at certificates. */
  reopen(): void {
    this.#spool.reopen();
  }

  /**
   * Saves the open windows for the next start, or tells them where that cannot be; delivers for at
   * most `deadlineMs`, and lets go of everything.
   */
  async close(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    if (!(await this.#folds.save())) this.#fold.flush();
    await this.#spool.close(deadlineMs);
  }

  #emit(alert: Alert): void {
    this.#emitted++;
    this.#byType[alert.type]++;
    this.#spool.append(alert);
  }

  #tick(): void {
    const atMs = this.#now();
    this.#fold.tick(atMs);
    this.#spool.tick(atMs);
    this.#folds.tick();
    for (const { sink, count, lost } of this.#spool.losses()) {
      const reason = `the spool could not keep what this sink did not take: ${lost} lost in all`;
      this.raise(operationalAlert('alerts-lost', sink, { reason, atMs, count }));
    }
  }
}
