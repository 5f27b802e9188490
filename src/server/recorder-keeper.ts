/**
 * Recorder keeper: the recorder thread as the resolver sees it. It is started, started anew when it
 * dies, and what it says is passed on; main goes on without it meanwhile.
 */

import type { Dispatch } from '../alerts/dispatch.ts';
import { baselineOf } from '../baseline/settings.ts';
import type { LedgerMemory } from '../detect/carry.ts';
import type { RingMemory } from '../events/ring.ts';
import type { RecorderStats, RevisionNames } from '../history/messages.ts';
import { type RecorderHandle, startRecorder } from '../history/start.ts';
import type { Log } from '../log.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { Revisions } from './revisions.ts';
import type { RunningConfig } from './snapshot.ts';

/**
 * At least one commit in this time while there is something to write. With 500 ms, kill -9 under
 * 20,000 queries a second on two busy cores cost rows up to 1.3 s old (test/e2e/kill.test.ts).
 */
const FLUSH_MS = 250;
/** After a death, so that one which cannot live does not keep a core busy. */
const RESTART_MS = 1000;
/** How long a start waits for the ledgers of earlier runs; answers matter more. */
const LEDGERS_MS = 5000;

export interface RecorderKeeperOptions {
  /** Of the configuration in force. */
  readonly config: () => RunningConfig;
  /** One per worker, as they are now. */
  readonly rings: () => readonly RingMemory[];
  readonly ledgers: LedgerMemory;
  readonly hashKey: HashKey;
  readonly revisions: Revisions;
  readonly alerts: Dispatch;
  readonly log: Log;
  /** It died, and is started anew. */
  readonly onDeath: (reason: string) => void;
}

export class RecorderKeeper {
  readonly #options: RecorderKeeperOptions;
  #recorder: RecorderHandle;
  #stats: RecorderStats | null = null;
  #isStopping = false;
  /** By it all recorder threads of this daemon are known to be of one run. */
  readonly #startedAt = Date.now();

  constructor(options: RecorderKeeperOptions) {
    this.#options = options;
    this.#recorder = this.#start(true);
  }

  /** As last told; null before the first time. */
  get stats(): RecorderStats | null {
    return this.#stats;
  }

  addRing(slot: number, ring: RingMemory): void {
    this.#recorder.addRing(slot, ring);
  }

  revision(names: RevisionNames): void {
    this.#recorder.revision(names);
  }

  /** A worker that listened before would charge to rows that are about to be filled. */
  async untilSeeded(): Promise<void> {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), LEDGERS_MS);
    if ((await Promise.race([this.#recorder.ready, late.promise])) === 'late') {
      this.#options.log.error('the history does not answer; ledgers of earlier runs come late');
    }
    clearTimeout(timer);
  }

  /** Stores what is there and ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#recorder.stop();
  }

  #start(isFirst: boolean): RecorderHandle {
    const { config, rings, ledgers, hashKey, revisions, alerts, log } = this.#options;
    const { history, detect } = config();
    const recorder = startRecorder(
      {
        path: history.path,
        rings: rings(),
        flushMs: FLUSH_MS,
        namesPerDomain: history.namesPerDomain,
        retentionMs: history.retentionMs,
        detect: { memory: ledgers, hashKey, isFirst },
        baseline: baselineOf(detect, null),
        startedAt: this.#startedAt,
        answers: history.answers,
        cacheOctets: history.cacheBytes,
      },
      {
        onObservations: (list) => alerts.observe(list),
        onUnusual: (unusual) => alerts.unusual(unusual),
        onBurnInEnd: (end) => alerts.burnInEnd(end),
        onStats: (stats) => {
          this.#stats = stats;
        },
        onNotice: (level, message) => log[level](message),
        onExit: (reason) => this.#revive(reason),
      },
    );
    for (const names of revisions.names()) recorder.revision(names);
    return recorder;
  }

  #revive(reason: string): void {
    this.#options.onDeath(reason);
    setTimeout(() => {
      if (!this.#isStopping) this.#recorder = this.#start(false);
    }, RESTART_MS).unref();
  }
}
