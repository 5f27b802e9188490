/**
 * Resolver: the composition root. One running dnsvalve: snapshot, workers, recorder, alerts, feeds.
 *
 * Start: anything wrong is fatal and everything wrong is said. Reload: all or nothing; the old
 * configuration stays on any problem. Stop: drain, then hand everything over.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { operationalAlert } from '../alerts/alert.ts';
import { Dispatch } from '../alerts/dispatch.ts';
import type { Directory } from '../alerts/observe.ts';
import { baselineOf } from '../baseline/settings.ts';
import { sharedMsNow } from '../clock.ts';
import type { SocketAddress } from '../config/types.ts';
import { PROGRESS } from '../counters.ts';
import { AccountsKeeper } from '../detect/accounts-keeper.ts';
import { formatProblem, messageOf } from '../errors.ts';
import type { RecorderStats, RevisionNames } from '../history/messages.ts';
import { type RecorderHandle, startRecorder } from '../history/start.ts';
import type { Log } from '../log.ts';
import type { Backend } from '../native/udp.ts';
import { openUnixDatagram } from '../native/unix-datagram.ts';
import type { HashKey } from '../reputation/loader.ts';
import { FeedSet, type FeedStatus } from '../reputation/refresh.ts';
import type { KnownDomains } from '../reputation/standing-memory.ts';
import { setHashKey } from '../wire/hash.ts';
import { type Built, build, type FirstBuild } from './build.ts';
import { LongKnown } from './long-known.ts';
import {
  type RunningConfig,
  revisionNames,
  type Snapshot,
  withFeeds,
  withKnown,
} from './snapshot.ts';
import { Workers } from './workers.ts';

/**
 * Recorder: at least one commit in this time while there is something to write. With 500 ms, kill
 * -9 under 20,000 queries a second on two busy cores cost rows up to 1.3 s old
 * (test/e2e/kill.test.ts).
 */
const FLUSH_MS = 250;
/** How long queries under way and sinks get when the program ends. */
const GRACE_MS = 2000;
const REVISIONS_KEPT = 64;
/** In the state directory: what the budgets have charged. */
const BUDGETS_FILE = 'budgets.json';
/** How long a start waits for the ledgers of earlier runs; answers matter more. */
const LEDGERS_MS = 5000;

export interface ResolverOptions {
  readonly first: FirstBuild;
  readonly backend: Backend;
  readonly log: Log;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #hashKey: HashKey;
  #snapshot: Snapshot;
  #loadMs: number;
  #feeds: FeedSet;
  readonly #workers: Workers;
  readonly #accounts: AccountsKeeper;
  #recorder: RecorderHandle;
  #recorderStats: RecorderStats | null = null;
  readonly #alerts: Dispatch;
  readonly #longKnown: LongKnown;
  #addresses: readonly SocketAddress[] = [];
  #progress: readonly number[] = [];
  /** What the numbers of a revision mean, for records and observations that are still under way. */
  readonly #feedNames = new Map<number, readonly string[]>();
  readonly #names = new Map<number, RevisionNames>();
  #reloading: Promise<void> = Promise.resolve();
  #lastReload: { readonly at: number; readonly error: string | null };
  readonly startedAt = Date.now();

  private constructor(options: ResolverOptions, hashKey: HashKey, first: Built) {
    this.#options = options;
    this.#hashKey = hashKey;
    this.#snapshot = first.snapshot;
    this.#loadMs = first.loadMs;
    this.#feeds = feedsOf(first, hashKey);
    this.#lastReload = { at: this.startedAt, error: null };
    this.#remember(first.snapshot);
    const { config } = first.snapshot;
    this.#alerts = new Dispatch({
      config,
      directory: this.#directory(config),
      now: Date.now,
      openUnixDatagram,
      report: (line) => options.log.warn(line),
    });
    this.#workers = new Workers(first.snapshot, {
      backend: options.backend,
      hashKey,
      onDeath: (index, reason, ring) => {
        options.log.error({ worker: index, reason }, 'a worker died and was started anew');
        this.#recorder.addRing(index, ring);
      },
      onFault: (stack, isOpen) =>
        options.log.error(
          { stack, outcome: isOpen ? 'let through (fail_open)' : 'refused' },
          'a decision failed by a defect',
        ),
    });
    this.#accounts = new AccountsKeeper({
      path: join(config.stateDirectory, BUDGETS_FILE),
      memory: this.#workers.detect.accounts,
      sharedMs: sharedMsNow,
      wallMs: Date.now,
      onNotice: (level, message) => options.log[level](message),
    });
    this.#recorder = this.#startRecorder(true);
    this.#longKnown = this.#startLongKnown();
  }

  /** Loads, compiles, opens everything. @throws DnsvalveError with all that is wrong */
  static async start(options: ResolverOptions): Promise<Resolver> {
    const { hashKey } = options.first.job;
    setHashKey(hashKey.k0, hashKey.k1);
    const first = await options.first.built;
    const { config } = first.snapshot;
    const resolver = new Resolver(options, hashKey, first);
    try {
      await resolver.#accounts.open();
      await resolver.#accounts.assign(first.snapshot.memory.budgets);
      await resolver.#untilSeeded();
      resolver.#addresses = await resolver.#workers.listen(config.listen);
    } catch (error) {
      await resolver.stop();
      throw error;
    }
    await resolver.#startFeeds();
    resolver.#warn(first.snapshot);
    return resolver;
  }

  /** A worker that listened before would charge to rows that are about to be filled. */
  async #untilSeeded(): Promise<void> {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), LEDGERS_MS);
    if ((await Promise.race([this.#recorder.ready, late.promise])) === 'late') {
      this.#options.log.error('the history does not answer; ledgers of earlier runs come late');
    }
    clearTimeout(timer);
  }

  get addresses(): readonly SocketAddress[] {
    return this.#addresses;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** How long the last load took: files, feeds, zones, compiling; ms. */
  get loadMs(): number {
    return this.#loadMs;
  }

  get accounts(): AccountsKeeper {
    return this.#accounts;
  }

  get workers(): Workers {
    return this.#workers;
  }

  get backend(): Backend {
    return this.#options.backend;
  }

  get recorderStats(): RecorderStats | null {
    return this.#recorderStats;
  }

  get alerts(): Dispatch {
    return this.#alerts;
  }

  get lastReload(): { readonly at: number; readonly error: string | null } {
    return this.#lastReload;
  }

  feedStatuses(): FeedStatus[] {
    return this.#feeds.statuses();
  }

  /**
   * Reads and compiles the configuration anew and publishes it; resolves when every worker decides
   * by it. One at a time.
   *
   * @throws DnsvalveError with all that is wrong; then nothing has changed
   */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    try {
      const revision = this.#snapshot.memory.revision + 1;
      const next = await build({ ...this.#options.first.job, revision, isBackground: true });
      const { config } = next.snapshot;
      await this.#alerts.reconfigure(config, this.#directory(config), GRACE_MS);
      this.#warnOfRestart(config);
      await this.#publish(withKnown(next.snapshot, this.#knownFor(config)));
      const old = this.#feeds;
      this.#feeds = feedsOf(next, this.#hashKey);
      await old.stop();
      await this.#startFeeds();
      this.#loadMs = next.loadMs;
      this.#lastReload = { at: Date.now(), error: null };
      log.info({ revision: next.snapshot.memory.revision }, 'configuration loaded');
    } catch (error) {
      this.#lastReload = { at: Date.now(), error: messageOf(error) };
      log.error({ problems: messageOf(error).split('\n') }, 'reload refused; the old one stays');
      throw error;
    }
  }

  /** What only a restart can change is said, not silently left. */
  #warnOfRestart(next: RunningConfig): void {
    const now = this.#snapshot.config;
    const changed = (['listen', 'workers', 'cache', 'history', 'control'] as const).filter(
      (key) => JSON.stringify(next[key]) !== JSON.stringify(now[key]),
    );
    if (changed.length === 0) return;
    this.#options.log.warn({ keys: changed }, 'these take effect with the next restart');
  }

  async #publish(next: Snapshot): Promise<void> {
    const forget = routingOf(next.config) !== routingOf(this.#snapshot.config);
    await this.#accounts.assign(next.memory.budgets);
    if (next.warnings !== this.#snapshot.warnings) this.#warn(next);
    this.#recorder.revision(this.#remember(next));
    this.#snapshot = next;
    await this.#workers.publish(next, forget);
  }

  #warn({ warnings }: Snapshot): void {
    if (warnings.length === 0) return;
    this.#options.log.warn({ warnings: warnings.map(formatProblem) }, 'the configuration has gaps');
  }

  /** Drains the workers, then the recorder, then the alerts. */
  async stop(): Promise<void> {
    this.#longKnown.stop();
    await this.#feeds.stop();
    await this.#workers.stop(GRACE_MS);
    await this.#accounts.close();
    await this.#recorder.stop();
    await this.#alerts.close(GRACE_MS);
  }

  /** Whether every worker has moved since this was last asked: the watchdog's question. */
  hasProgress(): boolean {
    const before = this.#progress;
    this.#progress = this.#workers.each(PROGRESS);
    return this.#progress.every((ticks, index) => ticks !== before[index]);
  }

  #startRecorder(isFirst: boolean): RecorderHandle {
    const { config } = this.#snapshot;
    const { channels, spreads, seen } = this.#workers.detect;
    const { log } = this.#options;
    const recorder = startRecorder(
      {
        path: config.history.path,
        rings: this.#workers.rings,
        flushMs: FLUSH_MS,
        namesPerDomain: config.history.namesPerDomain,
        retentionMs: config.history.retentionMs,
        detect: { memory: { channels, spreads, seen }, hashKey: this.#hashKey, isFirst },
        baseline: baselineOf(config.detect, null),
        answers: config.history.answers,
        startedAt: this.startedAt,
      },
      {
        onObservations: (list) => this.#alerts.observe(list),
        onUnusual: (unusual) => this.#alerts.unusual(unusual),
        onBurnInEnd: (end) => this.#alerts.burnInEnd(end),
        onStats: (stats) => {
          this.#recorderStats = stats;
        },
        onNotice: (level, message) => log[level](message),
        onExit: (reason) => {
          log.error({ reason }, 'the recorder died and is started anew');
          setTimeout(() => {
            this.#recorder = this.#startRecorder(false);
          }, 1000).unref();
        },
      },
    );
    for (const names of this.#names.values()) recorder.revision(names);
    return recorder;
  }

  async #startFeeds(): Promise<void> {
    await this.#feeds.start(() => this.#inTurn(async () => this.#publish(await this.#recompile())));
  }

  /** In the same queue as reloads, so that no two snapshots share a revision. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#reloading.then(work);
    this.#reloading = run.catch(() => {});
    return run;
  }

  #startLongKnown(): LongKnown {
    return new LongKnown({
      job: () => {
        const { history, detect } = this.#snapshot.config;
        const days = detect.reputation.newDays;
        if (days === 0 || !existsSync(history.path)) return null;
        return { path: history.path, days, nowMs: Date.now(), key: this.#hashKey };
      },
      onTable: () => {
        void this.#inTurn(async () => {
          const revised = withKnown(this.#snapshot, this.#knownFor(this.#snapshot.config));
          const revision = revised.memory.revision + 1;
          await this.#publish({ ...revised, memory: { ...revised.memory, revision } });
        });
      },
      onTrouble: (reason) => this.#options.log.warn({ reason }, 'what is new here is not known'),
    });
  }

  /** The table, where it is about the days that the configuration asks for. */
  #knownFor({ detect }: RunningConfig): KnownDomains | null {
    const { table } = this.#longKnown;
    return table?.days === detect.reputation.newDays ? table : null;
  }

  /** The same configuration with lists that changed. */
  async #recompile(): Promise<Snapshot> {
    return withFeeds(this.#snapshot, (rules) => this.#feeds.compile(rules));
  }

  #directory(config: RunningConfig): Directory {
    const workloads = new Map(config.workloads.map((workload) => [workload.name, workload]));
    return {
      describe: (name) => {
        const workload = workloads.get(name);
        return { owner: workload?.owner ?? null, env: workload?.env ?? null };
      },
      feedName: (feed, revision) => this.#feedNames.get(revision)?.[feed - 1] ?? null,
    };
  }

  #remember(snapshot: Snapshot): RevisionNames {
    const { revision, reputation } = snapshot.memory;
    this.#feedNames.set(revision, reputation.feeds.names);
    this.#feedNames.delete(revision - REVISIONS_KEPT);
    const names = revisionNames(snapshot, Date.now());
    this.#names.set(revision, names);
    this.#names.delete(revision - REVISIONS_KEPT);
    return names;
  }

  /** Tells people about the resolver itself. */
  raise(type: 'feed-stale' | 'upstream-down', subject: string, reason: string): void {
    this.#alerts.raise(operationalAlert(type, subject, { reason, atMs: Date.now() }));
  }
}

/** The feeds of a configuration, as the thread that built it left them. */
function feedsOf({ snapshot, feeds }: Built, hashKey: HashKey): FeedSet {
  const { config } = snapshot;
  return new FeedSet(config.feeds, { stateDirectory: config.stateDirectory, hashKey }, feeds);
}

/** Where answers come from: when it changes, stored answers may be wrong. */
function routingOf(config: RunningConfig): string {
  const forward = config.forward.map(({ suffix, upstream, internal }) => [
    suffix,
    upstream,
    internal,
  ]);
  const zones = config.zones.map(({ name, file }) => [name, file]);
  return JSON.stringify([
    config.upstreams.map(({ name, servers }) => [name, servers]),
    forward,
    zones,
  ]);
}
