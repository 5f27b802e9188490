/**
 * Dispatch: observation -> alert -> fold -> sinks, on the main thread. It decides nothing about
 * queries, and nothing here can hold up the recorder or a query: every sink queues and drops.
 */

import type { BurnInEnd, Unusual } from '../baseline/unusual.ts';
import type { Sink as SinkConfig } from '../config/types.ts';
import { detectorOf } from '../detect/detectors.ts';
import { messageOf } from '../errors.ts';
import type { Observation, ObservedFinding } from '../history/observation.ts';
import { ALERT_TYPES, type Alert, type AlertType, operationalAlert } from './alert.ts';
import { sinkFilter } from './filter.ts';
import { Fold } from './fold.ts';
import { type Directory, fromObservation } from './observe.ts';
import { RateCap } from './rate-cap.ts';
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
  readonly byType: Readonly<Record<AlertType, number>>;
  /** Queries that something was found about, by detector, and those of them that were denied. */
  readonly findings: Readonly<Record<string, FindingCount>>;
  readonly sinks: readonly ({ readonly name: string } & SinkStats)[];
}

/** A sink with what it wants and how much it takes. */
interface Outlet {
  readonly sink: Sink;
  readonly wants: (alert: Alert) => boolean;
  readonly cap: RateCap;
}

export class Dispatch {
  readonly #environment: SinkEnvironment;
  readonly #now: () => number;
  #directory: Directory;
  readonly #fold: Fold;
  #windowMs: number;
  /** By what the configuration says about them. */
  #outlets = new Map<string, Outlet>();
  readonly #timer: NodeJS.Timeout;
  #emitted = 0;
  readonly #byType = Object.fromEntries(
    Object.keys(ALERT_TYPES).map((type) => [type, 0]),
  ) as Record<AlertType, number>;
  readonly #findings = new Map<string, FindingCount>();

  /** @throws DnsvalveError CONFIG as openSink does */
  constructor({ config, directory, now, openUnixDatagram, report }: DispatchOptions) {
    this.#environment = { openUnixDatagram, report };
    this.#now = now;
    this.#directory = directory;
    this.#windowMs = config.alertWindowMs;
    const emit = (alert: Alert): void => this.#emit(alert);
    this.#fold = new Fold({ windowMs: config.alertWindowMs, max: FOLDS_MAX, emit });
    for (const sink of config.alerts) {
      this.#outlets.set(keyOf(sink), openOutlet(sink, this.#environment));
    }
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
   * Follows a reload: sinks that stay keep their queues and connections, others are closed with
   * `deadlineMs` to deliver. Open windows are closed when their length changes.
   *
   * @throws DnsvalveError CONFIG as openSink does; then nothing has changed
   */
  reconfigure(config: AlertsConfig, directory: Directory, deadlineMs: number): Promise<void> {
    const next = new Map<string, Outlet>();
    const opened: Outlet[] = [];
    try {
      for (const sink of config.alerts) {
        const key = keyOf(sink);
        const kept = this.#outlets.get(key) ?? next.get(key);
        if (kept === undefined) opened.push(openOutlet(sink, this.#environment));
        next.set(key, kept ?? (opened.at(-1) as Outlet));
      }
    } catch (error) {
      for (const { sink } of opened) void sink.close(0);
      throw error;
    }
    if (config.alertWindowMs !== this.#windowMs) {
      this.#windowMs = config.alertWindowMs;
      this.#fold.setWindow(config.alertWindowMs);
    }
    const gone = [...this.#outlets].filter(([key]) => !next.has(key)).map(([, outlet]) => outlet);
    this.#outlets = next;
    this.#directory = directory;
    this.reopen();
    return this.#closeAll(gone, deadlineMs);
  }

  stats(): DispatchStats {
    const sinks = [...this.#outlets.values()].map(({ sink }) => sink);
    return {
      emitted: this.#emitted,
      byType: { ...this.#byType },
      findings: Object.fromEntries(this.#findings),
      sinks: sinks.map((sink) => ({ name: sink.name, ...sink.stats() })),
    };
  }

  /** Opens files anew, as after SIGUSR2 from logrotate, and looks at certificates. */
  reopen(): void {
    for (const { sink } of this.#outlets.values()) sink.reopen?.();
  }

  /** Tells what is folded, delivers for at most `deadlineMs`, and lets go of everything. */
  async close(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    this.#fold.flush();
    await this.#closeAll([...this.#outlets.values()], deadlineMs);
  }

  #tick(): void {
    const nowMs = this.#now();
    this.#fold.tick(nowMs);
    for (const outlet of this.#outlets.values()) this.#tellSuppressed(outlet, nowMs);
  }

  #emit(alert: Alert): void {
    this.#emitted++;
    this.#byType[alert.type]++;
    const nowMs = this.#now();
    for (const outlet of this.#outlets.values()) {
      if (!outlet.wants(alert)) continue;
      this.#tellSuppressed(outlet, nowMs);
      if (outlet.cap.admit(nowMs, alert.severity)) this.#push(outlet.sink, alert);
    }
  }

  /** Past the filter and the cap: who holds alerts back must be able to say so. */
  #tellSuppressed({ sink, cap }: Outlet, untilMs: number): void {
    const count = cap.takeSuppressed(untilMs);
    if (count === 0) return;
    const reason = `${count} suppressed: more than max_per_minute of one severity`;
    const atMs = this.#now();
    this.#push(sink, operationalAlert('alerts-suppressed', sink.name, { reason, atMs, count }));
  }

  #push(sink: Sink, alert: Alert): void {
    try {
      sink.push(alert);
    } catch (error) {
      // A sink must not throw; one that does harms neither the others nor the recorder's feed.
      this.#environment.report(`alert sink ${sink.name}: ${messageOf(error)}`);
    }
  }

  async #closeAll(outlets: readonly Outlet[], deadlineMs: number): Promise<void> {
    for (const outlet of outlets) this.#tellSuppressed(outlet, Number.POSITIVE_INFINITY);
    await Promise.all(outlets.map(({ sink }) => sink.close(deadlineMs)));
  }
}

/** All that is said about a sink, but not where: another line in the file is no other sink. */
function keyOf({ at: _, ...sink }: SinkConfig): string {
  return JSON.stringify(sink);
}

/** @throws DnsvalveError CONFIG as openSink does */
function openOutlet(config: SinkConfig, environment: SinkEnvironment): Outlet {
  const cap = new RateCap(config.maxPerMinute ?? null);
  return { sink: openSink(config, environment), wants: sinkFilter(config), cap };
}
