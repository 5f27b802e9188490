/**
 * Resolver: the composition root. One running dnsvalve: snapshot, workers, recorder, alerts, feeds.
 *
 * Start: anything wrong is fatal and everything wrong is said. Reload: all or nothing; the old
 * configuration stays on any problem. Stop: drain, then hand everything over.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type OperationalType, operationalAlert } from '../alerts/alert.ts';
import { Dispatch } from '../alerts/dispatch.ts';
import { fromRetro } from '../alerts/retro.ts';
import { sharedMsNow } from '../clock.ts';
import type { Listener } from '../config/listeners.ts';
import { PROGRESS } from '../counters.ts';
import { AccountsKeeper } from '../detect/accounts-keeper.ts';
import { formatProblem, messageOf } from '../errors.ts';
import type { RecorderStats } from '../history/messages.ts';
import type { Log } from '../log.ts';
import type { Backend } from '../native/udp.ts';
import { openUnixDatagram } from '../native/unix-datagram.ts';
import { Overlay } from '../overrides/overlay.ts';
import { NO_OVERRIDES, type Overrides } from '../overrides/override.ts';
import type { OverrideUse } from '../overrides/slots.ts';
import { QueryLogKeeper } from '../querylog/keeper.ts';
import type { HashKey } from '../reputation/loader.ts';
import { FeedSet, type FeedStatus } from '../reputation/refresh.ts';
import type { KnownDomains } from '../reputation/standing-memory.ts';
import { setHashKey } from '../wire/hash.ts';
import { type Built, build, type FirstBuild } from './build.ts';
import { readCertificates } from './certificates.ts';
import { LongKnown } from './long-known.ts';
import { RecorderKeeper } from './recorder-keeper.ts';
import { warnOfRestart } from './restart-keys.ts';
import { Retro } from './retro.ts';
import { Revisions } from './revisions.ts';
import { type RunningConfig, routingOf, type Snapshot, withFeeds, withKnown } from './snapshot.ts';
import { Workers } from './workers.ts';

/** How long queries under way and sinks get when the program ends. */
const GRACE_MS = 2000;
/** In the state directory: what the budgets have charged. */
const BUDGETS_FILE = 'budgets.json';

export interface ResolverOptions {
  readonly first: FirstBuild;
  readonly backend: Backend;
  readonly log: Log;
  /** What is in force from the first query on. */
  readonly overrides?: Overrides;
}

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #hashKey: HashKey;
  /** The policy as it was compiled, and with the overrides over it: what is in force. */
  #base: Snapshot;
  #snapshot: Snapshot;
  readonly #overlay = new Overlay({ wallMs: Date.now, sharedMs: sharedMsNow });
  #loadMs: number;
  #feeds: FeedSet;
  readonly #workers: Workers;
  readonly #accounts: AccountsKeeper;
  readonly #recorder: RecorderKeeper;
  readonly #alerts: Dispatch;
  readonly #queryLog: QueryLogKeeper;
  readonly #longKnown: LongKnown;
  readonly #retro: Retro;
  #addresses: readonly Listener[] = [];
  #progress: readonly number[] = [];
  readonly #revisions = new Revisions();
  #reloading: Promise<void> = Promise.resolve();
  #lastReload: { readonly at: number; readonly error: string | null };
  readonly startedAt = Date.now();

  private constructor(options: ResolverOptions, hashKey: HashKey, first: Built) {
    this.#options = options;
    this.#hashKey = hashKey;
    this.#base = first.snapshot;
    this.#overlay.set(options.overrides ?? NO_OVERRIDES);
    this.#snapshot = this.#overlay.over(this.#base, this.#base.memory.revision);
    this.#loadMs = first.loadMs;
    this.#feeds = feedsOf(first, hashKey);
    this.#lastReload = { at: this.startedAt, error: null };
    this.#revisions.remember(this.#snapshot);
    const { config } = first.snapshot;
    this.#alerts = new Dispatch({
      config,
      directory: this.#revisions.directory(config),
      now: Date.now,
      openUnixDatagram,
      report: (line) => options.log.warn(line),
    });
    this.#workers = new Workers(this.#snapshot, {
      backend: options.backend,
      hashKey,
      onDeath: (index, reason, { ring, oldTap, tap }) => {
        this.#tellDeath(`worker ${index}`, reason);
        this.#recorder.addRing(index, ring);
        this.#queryLog.addRing(index, oldTap, tap);
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
    const { channels, spreads, seen } = this.#workers.detect;
    this.#recorder = new RecorderKeeper({
      config: () => this.#snapshot.config,
      rings: () => this.#workers.rings,
      ledgers: { channels, spreads, seen },
      hashKey,
      revisions: this.#revisions,
      alerts: this.#alerts,
      log: options.log,
      onDeath: (reason) => this.#tellDeath('recorder', reason),
    });
    this.#queryLog = new QueryLogKeeper({
      rings: () => this.#workers.taps,
      revisions: () => this.#revisions.names(),
      onDeath: (reason) => this.#tellDeath('query log', reason),
    });
    this.#longKnown = this.#startLongKnown();
    this.#retro = this.#startRetro();
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
      await resolver.#recorder.untilSeeded();
      resolver.#addresses = await resolver.#workers.listen(config.listen);
      resolver.#queryLog.configure(config, resolver.#addresses);
    } catch (error) {
      await resolver.stop();
      throw error;
    }
    await resolver.#startFeeds();
    resolver.#warn(first.snapshot);
    return resolver;
  }

  get addresses(): readonly Listener[] {
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
    return this.#recorder.stats;
  }

  get alerts(): Dispatch {
    return this.#alerts;
  }

  get queryLog(): QueryLogKeeper {
    return this.#queryLog;
  }

  get lastReload(): { readonly at: number; readonly error: string | null } {
    return this.#lastReload;
  }

  feedStatuses(): FeedStatus[] {
    return this.#feeds.statuses();
  }

  /** The exceptions and quarantines that are in force. */
  get overrides(): Overrides {
    return this.#overlay.overrides;
  }

  /** Exceptions in force that a worker found over before main did: the clock was set meanwhile. */
  endedOverrides(): string[] {
    return this.#overlay.ended();
  }

  /** What exceptions let through since the start, also those that are no longer in force. */
  overrideUse(): OverrideUse[] {
    return this.#overlay.use();
  }

  /**
   * Replaces all exceptions and quarantines; resolves when every worker decides by them. They stay
   * over reloads and feeds. It does not wait for a reload that is under way, and of two calls the
   * later one is in force in the end.
   *
   * @throws DnsvalveError USAGE when they are too many; then nothing has changed
   */
  async override(overrides: Overrides): Promise<void> {
    const before = this.#overlay.overrides;
    this.#overlay.set(overrides);
    let next: Snapshot;
    try {
      next = this.#layOver();
    } catch (error) {
      this.#overlay.set(before);
      throw error;
    }
    await this.#putInForce(next, false);
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
      const { revision } = this.#snapshot.memory;
      const next = await build({ ...this.#options.first.job, revision, isBackground: true });
      const { config } = next.snapshot;
      const certificates = readCertificates(this.#addresses);
      await this.#alerts.reconfigure(config, this.#revisions.directory(config), GRACE_MS);
      warnOfRestart(log, this.#snapshot.config, config);
      await this.#publish(withKnown(next.snapshot, this.#knownFor(config)));
      await this.#workers.certify(certificates);
      const old = this.#feeds;
      this.#feeds = feedsOf(next, this.#hashKey);
      await old.stop();
      await this.#startFeeds();
      this.#loadMs = next.loadMs;
      this.#lastReload = { at: Date.now(), error: null };
      log.info({ revision: this.#snapshot.memory.revision }, 'configuration loaded');
    } catch (error) {
      this.#lastReload = { at: Date.now(), error: messageOf(error) };
      log.error({ problems: messageOf(error).split('\n') }, 'reload refused; the old one stays');
      throw error;
    }
  }

  async #publish(next: Snapshot): Promise<void> {
    const forget = routingOf(next.config) !== routingOf(this.#snapshot.config);
    await this.#accounts.assign(next.memory.budgets);
    if (next.warnings !== this.#snapshot.warnings) this.#warn(next);
    const { reputation } = this.#base.memory;
    this.#base = next;
    await this.#putInForce(this.#layOver(), forget);
    if (next.memory.reputation !== reputation) this.#retro.changed(reputation);
    this.#queryLog.configure(next.config, this.#addresses);
  }

  /** The policy with the overrides over it, under the next revision. */
  #layOver(): Snapshot {
    return this.#overlay.over(this.#base, this.#snapshot.memory.revision + 1);
  }

  /**
   * Publishes what was laid over just now. All up to the messages to the workers is done at once,
   * so that nothing comes between.
   */
  async #putInForce(next: Snapshot, forgetAnswers: boolean): Promise<void> {
    const names = this.#revisions.remember(next);
    this.#recorder.revision(names);
    this.#queryLog.revision(names);
    this.#snapshot = next;
    await this.#workers.publish(next, forgetAnswers);
    this.#overlay.settle();
  }

  #warn({ warnings }: Snapshot): void {
    if (warnings.length === 0) return;
    this.#options.log.warn({ warnings: warnings.map(formatProblem) }, 'the configuration has gaps');
  }

  /** Drains the workers, then the recorder, then the alerts. */
  async stop(): Promise<void> {
    this.#longKnown.stop();
    this.#retro.stop();
    await this.#feeds.stop();
    await this.#workers.stop(GRACE_MS);
    await this.#accounts.close();
    await this.#recorder.stop();
    await this.#queryLog.stop(GRACE_MS);
    await this.#alerts.close(GRACE_MS);
  }

  /** Whether every worker has moved since this was last asked: the watchdog's question. */
  hasProgress(): boolean {
    const before = this.#progress;
    this.#progress = this.#workers.each(PROGRESS);
    return this.#progress.every((ticks, index) => ticks !== before[index]);
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
          await this.#publish(withKnown(this.#base, this.#knownFor(this.#base.config)));
        });
      },
      onTrouble: (reason) => this.#options.log.warn({ reason }, 'what is new here is not known'),
    });
  }

  #startRetro(): Retro {
    return new Retro({
      place: () => {
        const { history, stateDirectory, feeds } = this.#base.config;
        if (!existsSync(history.path)) return null;
        return { path: history.path, stateDirectory, feeds, key: this.#hashKey };
      },
      lists: () => this.#base.memory.reputation,
      onFound: (found) => {
        const { describe } = this.#revisions.directory(this.#base.config);
        for (const alert of fromRetro(found, describe, Date.now())) this.#alerts.raise(alert);
      },
      onTrouble: (reason) =>
        this.#options.log.warn({ reason }, 'what feeds gained was not looked for in the history'),
    });
  }

  /** The table, where it is about the days that the configuration asks for. */
  #knownFor({ detect }: RunningConfig): KnownDomains | null {
    const { table } = this.#longKnown;
    return table?.days === detect.reputation.newDays ? table : null;
  }

  /** The same configuration with lists that changed. */
  async #recompile(): Promise<Snapshot> {
    return withFeeds(this.#base, (rules) => this.#feeds.compile(rules));
  }

  #tellDeath(thread: string, reason: string): void {
    this.#options.log.error({ thread, reason }, 'a thread died and is started anew');
    this.raise('worker-restarted', thread, reason.split('\n', 1)[0] ?? '');
  }

  /** Tells people about the resolver itself. */
  raise(type: OperationalType, subject: string, reason: string): void {
    this.#alerts.raise(operationalAlert(type, subject, { reason, atMs: Date.now() }));
  }
}

/** The feeds of a configuration, as the thread that built it left them. */
function feedsOf({ snapshot, feeds }: Built, hashKey: HashKey): FeedSet {
  const { config } = snapshot;
  return new FeedSet(config.feeds, { stateDirectory: config.stateDirectory, hashKey }, feeds);
}
