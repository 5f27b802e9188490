/**
 * Dispatch: observation -> alert -> fold -> sinks, on the main thread. It decides nothing about
 * queries, and nothing here can hold up the recorder or a query: every sink queues and drops.
 */

import type { BurnInEnd, Unusual } from '../baseline/unusual.ts';
import type { Sink as SinkConfig } from '../config/types.ts';
import { detectorOf } from '../detect/detectors.ts';
import { messageOf } from '../errors.ts';
import type { Observation, ObservedFinding } from '../history/observation.ts';
import type { Alert } from './alert.ts';
import { Fold } from './fold.ts';
import { type Directory, fromObservation } from './observe.ts';
import { openSink, type SinkEnvironment } from './sinks/open.ts';
import type { Sink, SinkStats } from './sinks/sink.ts';
import { fromBurnInEnd, fromUnusual } from './unusual.ts';

/** Windows and told pairs held at most; about 1 kB each. */
const FOLDS_MAX = 100_000;
/** How late the end of a window may be told. */
const TICK_MS = 1_000;

/** The part of Config that alerts need. */
export interface AlertsConfig {
  readonly alerts: readonly SinkConfig[];
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

export interface DispatchStats {
  /** Alerts that went to the sinks, after folding. */
  readonly emitted: number;
  /** Queries that something was found about, by detector, and those of them that were denied. */
  readonly findings: Readonly<Record<string, FindingCount>>;
  readonly sinks: readonly ({ readonly name: string } & SinkStats)[];
}

export class Dispatch {
  readonly #environment: SinkEnvironment;
  readonly #now: () => number;
  #directory: Directory;
  readonly #fold: Fold;
  #windowMs: number;
  /** Open sinks by what the configuration says about them. */
  #sinks = new Map<string, Sink>();
  readonly #timer: NodeJS.Timeout;
  #emitted = 0;
  readonly #findings = new Map<string, FindingCount>();

  /** @throws DnsvalveError CONFIG as openSink does */
  constructor({ config, directory, now, openUnixDatagram, report }: DispatchOptions) {
    this.#environment = { openUnixDatagram, report };
    this.#now = now;
    this.#directory = directory;
    this.#windowMs = config.alertWindowMs;
    const emit = (alert: Alert): void => this.#emit(alert);
    this.#fold = new Fold({ windowMs: config.alertWindowMs, max: FOLDS_MAX, emit });
    for (const sink of config.alerts)
      this.#sinks.set(keyOf(sink), openSink(sink, this.#environment));
    this.#timer = setInterval(() => this.#fold.tick(this.#now()), TICK_MS);
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
   * Follows a reload: sinks that stay keep their queues and connections, others are closed with
   * `deadlineMs` to deliver. Open windows are closed when their length changes.
   *
   * @throws DnsvalveError CONFIG as openSink does; then nothing has changed
   */
  reconfigure(config: AlertsConfig, directory: Directory, deadlineMs: number): Promise<void> {
    const next = new Map<string, Sink>();
    const opened: Sink[] = [];
    try {
      for (const sink of config.alerts) {
        const key = keyOf(sink);
        const kept = this.#sinks.get(key) ?? next.get(key);
        if (kept === undefined) opened.push(openSink(sink, this.#environment));
        next.set(key, kept ?? (opened.at(-1) as Sink));
      }
    } catch (error) {
      for (const sink of opened) void sink.close(0);
      throw error;
    }
    if (config.alertWindowMs !== this.#windowMs) {
      this.#windowMs = config.alertWindowMs;
      this.#fold.setWindow(config.alertWindowMs);
    }
    const gone = [...this.#sinks].filter(([key]) => !next.has(key)).map(([, sink]) => sink);
    this.#sinks = next;
    this.#directory = directory;
    this.reopen();
    return closeAll(gone, deadlineMs);
  }

  stats(): DispatchStats {
    const sinks = [...this.#sinks.values()];
    return {
      emitted: this.#emitted,
      findings: Object.fromEntries(this.#findings),
      sinks: sinks.map((sink) => ({ name: sink.name, ...sink.stats() })),
    };
  }

  /** Opens files anew, as after SIGUSR2 from logrotate, and looks at certificates. */
  reopen(): void {
    for (const sink of this.#sinks.values()) sink.reopen?.();
  }

  /** Tells what is folded, delivers for at most `deadlineMs`, and lets go of everything. */
  async close(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    this.#fold.flush();
    await closeAll([...this.#sinks.values()], deadlineMs);
  }

  #emit(alert: Alert): void {
    this.#emitted++;
    for (const sink of this.#sinks.values()) {
      try {
        sink.push(alert);
      } catch (error) {
        // A sink must not throw; one that does harms neither the others nor the recorder's feed.
        this.#environment.report(`alert sink ${sink.name}: ${messageOf(error)}`);
      }
    }
  }
}

function keyOf({ to, target, facility }: SinkConfig): string {
  return JSON.stringify([to, target, facility]);
}

async function closeAll(sinks: readonly Sink[], deadlineMs: number): Promise<void> {
  await Promise.all(sinks.map((sink) => sink.close(deadlineMs)));
}
