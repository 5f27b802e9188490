/**
 * Recording: rings in, rows and observations out. All of the recorder but its thread and timers.
 *
 * Bounded: the rings are bounded, and so are the pairs held while the database is in trouble. What
 * the bounds cost is counted as shed.
 */

import { Baselines } from '../baseline/baselines.ts';
import { type BaselineSettings, SILENT } from '../baseline/settings.ts';
import {
  AT_DOMAIN_HASH,
  AT_KIND,
  AT_REVISION,
  AT_WORKLOAD,
  KIND_ANSWER,
  KIND_FINDING,
} from '../events/kinds.ts';
import type { RingMemory } from '../events/ring.ts';
import { setHashKey } from '../wire/hash.ts';
import { Answers } from './answers.ts';
import type { TwoClocks } from './believed-clock.ts';
import { Bindings } from './bindings.ts';
import { Found } from './found.ts';
import { Gather, type PairGather } from './gather.ts';
import { Ledgers } from './ledgers.ts';
import type { FromRecorder, RecorderSettings, RecorderStats, RevisionNames } from './messages.ts';
import type { Observation } from './observation.ts';
import { observe, observeFinding } from './observe.ts';
import { opener, type openForWriting } from './open.ts';
import { type RecordPlace, readRegistrable } from './record.ts';
import { RuleUses } from './rule-uses.ts';
import { Snapshots, type Workload } from './snapshots.ts';
import { Source } from './source.ts';
import { Store } from './store.ts';

/**
 * Rows of one transaction, two for most new pairs. Larger ones share more pages; this one takes 0.1
 * to 0.3 s of a core for new pairs, whatever the size of the file, and commits are 0.5 s apart.
 */
const TRANSACTION_ROWS = 16_000;

/** Pairs held while the database cannot be written, where the settings do not say. */
const PENDING_MAX = 100_000;

/** Rows kept of addresses in answers, where the settings do not say. */
const ANSWERS_MAX = 1_000_000;

/** Observations of one message, so that main is never busy with one for long. */
const MESSAGE_MAX = 1000;
/** Time that is spent on runs at once, each second that is quiet. */
const SETTLE_MS = 20;
/** Rounds of draining and committing at the end. */
const CLOSING_ROUNDS = 64;

export interface RecordingContext extends TwoClocks {
  readonly post: (message: FromRecorder) => void;
  /** Takes in what main has sent: a record may be read before the message that explains it. */
  readonly catchUp: () => void;
  /** How the database is opened; `openForWriting` where it is left out. */
  readonly open?: typeof openForWriting;
}

export class Recording {
  readonly #context: RecordingContext;
  readonly #snapshots = new Snapshots();
  readonly #gather: Gather;
  readonly #found = new Found();
  readonly #uses = new RuleUses(this.#snapshots);
  /** Null where there are no detectors. */
  readonly #ledgers: Ledgers | null;
  readonly #store: Store;
  readonly #bindings: Bindings;
  /** Null where none are kept. */
  readonly #answers: Answers | null;
  readonly #sources: Source[] = [];
  readonly #baselines: Baselines;
  /** Of the newest policy, by workload name. */
  #baselineSettings = new Map<string, BaselineSettings>();
  /** Shed counts of rings that were replaced. */
  #shedBefore = 0;
  #lastCommitMs = 0;
  /** State of the store that the remembered rows belong to. */
  #epoch = 0;
  #lastCommitAt = 0;

  constructor(settings: RecorderSettings, context: RecordingContext) {
    const { path, namesPerDomain, retentionMs } = settings;
    const pairs = settings.pendingMax ?? PENDING_MAX;
    this.#context = context;
    this.#gather = new Gather({ pairs, namesPerDomain });
    this.#ledgers = this.#ledgersOf(settings);
    this.#bindings = new Bindings(settings.startedAt ?? context.now());
    const answers = settings.answers ?? ANSWERS_MAX;
    this.#answers = answers === 0 ? null : new Answers();
    this.#store = new Store({
      path,
      namesPerDomain,
      retentionMs,
      answers,
      names: this.#snapshots,
      notice: (level, message) => context.post({ kind: 'notice', level, message }),
      now: context.now,
      elapsed: context.elapsed,
      open: context.open ?? opener(settings.cacheOctets),
      meanwhile: () => {
        for (const source of this.#sources) source?.setAside();
      },
    });
    const baseline = settings.baseline ?? SILENT;
    this.#baselines = new Baselines({
      settings: (workload) => this.#baselineSettings.get(workload) ?? baseline,
      tell: (unusual) => context.post({ kind: 'unusual', unusual }),
      tellBurnIn: (end) => context.post({ kind: 'burnInEnd', end }),
      database: (work) => this.#store.baselines(work),
    });
    for (const [slot, ring] of settings.rings.entries()) this.addRing(slot, ring);
    this.#seed(settings);
  }

  #ledgersOf({ detect }: RecorderSettings): Ledgers | null {
    if (detect === undefined) return null;
    setHashKey(detect.hashKey.k0, detect.hashKey.k1);
    return new Ledgers(detect.memory, {
      workloads: () => this.#snapshots.workloads(),
      domainOf: (low, high, workload) => this.#gather.domainOf(low, high, workload),
    });
  }

  /** What earlier runs knew; a recorder that is started anew finds the rows as they are. */
  #seed({ detect, path }: RecorderSettings): void {
    if (detect?.isFirst !== true || this.#store.seed(detect.memory)) return;
    const message = `history ${path}: ledgers of earlier runs cannot be read; they start at 0`;
    this.#context.post({ kind: 'notice', level: 'error', message });
  }

  addRevision(names: RevisionNames): void {
    this.#snapshots.add(names);
    this.#bindings.add(names);
    this.#baselineSettings = new Map(
      names.workloads.flatMap((name, id) => {
        const own = names.baselines?.[id];
        return own === undefined ? [] : [[name, own]];
      }),
    );
  }

  /** Reads `ring` in place of what slot `slot` held, after the last record of that one. */
  addRing(slot: number, ring: RingMemory): void {
    const before = this.#sources[slot];
    if (before !== undefined) {
      before.drain(this.#take);
      this.#shedBefore += before.shedCount;
    }
    this.#sources[slot] = new Source(ring);
  }

  /** Empties the rings into memory. */
  poll(): void {
    for (const source of this.#sources) source?.drain(this.#take);
    this.#tellFindings();
  }

  /** Whether a whole transaction's worth is waiting. */
  get isDue(): boolean {
    return this.#gather.size >= TRANSACTION_ROWS / 2;
  }

  /**
   * Stores what was gathered, in as many transactions as it takes, and empties the rings in
   * between. What comes meanwhile waits for the next flush, so that this one ends.
   *
   * @returns whether all that was there at the start is in the database
   */
  flush(): boolean {
    for (let left = this.#gather.size; left > 0; ) {
      const pairs = this.#gather.oldest(TRANSACTION_ROWS);
      if (!this.#commit(pairs)) {
        this.#tellUnstored();
        return false;
      }
      left -= pairs.length;
      if (left > 0) this.poll();
    }
    if (!this.#flushFindings() || !this.#flushLedgers() || !this.#flushBindings()) return false;
    return this.#flushAnswers() && this.#uses.flush(this.#store, this.#context.now());
  }

  /** Short maintenance while nothing else is to do. */
  maintain(): void {
    this.#baselines.tend(this.#context.now());
    if (this.#gather.size === 0) this.#store.purgeStep();
    if (!this.isDue) this.#store.settle(SETTLE_MS);
  }

  stats(): RecorderStats {
    const ringShed = this.#sources.reduce((sum, source) => sum + source.shedCount, 0);
    return {
      rowsWritten: this.#store.rowsWritten,
      firstSeen: this.#store.firstSeen,
      queueDepth: this.#gather.size,
      shed:
        this.#shedBefore +
        ringShed +
        this.#gather.shed +
        this.#found.shed +
        (this.#answers?.shed ?? 0),
      lastCommitMs: this.#lastCommitMs,
      lastCommitAt: this.#lastCommitAt,
      dbBytes: this.#store.bytes,
      error: this.#store.error,
      baseline: this.#baselines.stats(this.#context.now()),
    };
  }

  /** Empties the rings, stores, checkpoints, closes; false when rows were left. */
  close(): boolean {
    this.#store.retryNow();
    let stored = true;
    // Again for what came while the transactions ran. The workers have stopped, so a few rounds do;
    // one that writes on must not keep the process from ending.
    for (let round = 0; round < CLOSING_ROUNDS && stored; round++) {
      this.poll();
      stored = this.flush();
      if (this.#gather.size === 0 && !this.#isAside) break;
    }
    while (stored && this.#answers?.isWaiting === true) stored = this.#flushAnswers();
    const now = Math.floor(this.#context.now() / 1000);
    if (stored && this.#ledgers !== null) stored = this.#keepLedgers(this.#ledgers, now);
    this.#baselines.write(this.#context.now());
    if (stored) this.#uses.close(this.#store, this.#context.now());
    if (stored) this.#keepBindings(this.#context.now());
    this.#store.close();
    return stored;
  }

  get #isAside(): boolean {
    return this.#sources.some((source) => source.asideCount > 0);
  }

  readonly #take = (place: RecordPlace): void => {
    const revision = place.view.getUint32(place.at + AT_REVISION, true);
    if (!this.#snapshots.has(revision)) this.#context.catchUp();
    const id = place.view.getUint32(place.at + AT_WORKLOAD, true);
    const workload = this.#snapshots.workload(revision, id);
    const kind = place.view.getUint32(place.at + AT_KIND, true);
    if (kind === KIND_ANSWER) this.#answers?.add(place, workload);
    if (kind === KIND_FINDING) {
      this.#addFinding(place, workload);
      return;
    }
    const pair = this.#gather.add(place, workload);
    this.#baselines.add(place, pair.known);
    this.#uses.add(place, workload);
  };

  #addFinding(place: RecordPlace, workload: Workload): void {
    const { view, at } = place;
    this.#found.add(place, workload, this.#gather.firstSeenMs(place, workload));
    const low = view.getUint32(at + AT_DOMAIN_HASH, true);
    const high = view.getUint32(at + AT_DOMAIN_HASH + 4, true);
    this.#ledgers?.found(readRegistrable(place), low, high);
  }

  /** Before they are stored, and whether or not they can be: somebody waits for them. */
  #tellFindings(): void {
    const list = this.#found.takeUntold().map((found) => {
      const isUnusual = this.#baselines.isUnusualHour(found.workload, found.lastMs);
      return observeFinding(found, this.#snapshots, isUnusual);
    });
    this.#post(list);
  }

  #flushFindings(): boolean {
    const list = this.#found.waiting();
    if (list.length === 0) return true;
    const result = this.#store.writeFindings(list);
    if (result === 'trouble') return false;
    // One that cannot be stored at all is told already; what is lost is its row.
    if (result === 'spoiled') {
      for (const found of list) {
        if (this.#store.writeFindings([found]) !== 'stored') this.#found.shed += 1;
      }
    }
    this.#found.stored();
    return true;
  }

  /** Some of them: the rest waits for the next flush, so that none holds up first sights. */
  #flushAnswers(): boolean {
    if (this.#answers === null || !this.#answers.isWaiting) return true;
    const list = this.#answers.oldest();
    const result = this.#store.writeAnswers(list);
    if (result === 'trouble') return false;
    if (result === 'spoiled') this.#answers.shed += list.length;
    this.#answers.stored(list.length);
    return true;
  }

  #flushBindings(): boolean {
    const now = this.#context.now();
    if (!this.#bindings.isWaiting && !this.#bindings.isDue(now)) return true;
    return this.#keepBindings(now);
  }

  #keepBindings(now: number): boolean {
    const result = this.#store.bindings((rows) => this.#bindings.write(rows, now));
    if (result !== 'spoiled') return result === 'stored';
    this.#bindings.giveUp();
    const message = 'a change of sources cannot be stored; `who --ip` will not know of it';
    this.#context.post({ kind: 'notice', level: 'error', message });
    return true;
  }

  /** The rows go on to be written; what is lost with a crash is what came since. */
  #flushLedgers(): boolean {
    const now = Math.floor(this.#context.now() / 1000);
    if (this.#ledgers === null || !this.#ledgers.isDue(now) || this.#store.isResting) return true;
    return this.#keepLedgers(this.#ledgers, now);
  }

  #keepLedgers(ledgers: Ledgers, now: number): boolean {
    const list = ledgers.collect(now);
    if (list.length > 0 && this.#store.writeLedgers(list) === 'trouble') return false;
    ledgers.kept(now);
    return true;
  }

  #commit(pairs: readonly PairGather[]): boolean {
    const started = performance.now();
    this.#catchUpWithStore();
    const result = this.#store.write(pairs);
    if (result === 'trouble') return false;
    if (result === 'spoiled') return this.#commitOneByOne(pairs);
    this.#lastCommitMs = performance.now() - started;
    this.#lastCommitAt = this.#context.now();
    this.#gather.forget(pairs);
    this.#tellStored(pairs);
    return true;
  }

  #catchUpWithStore(): void {
    if (this.#epoch === this.#store.epoch) return;
    this.#gather.forgetRows();
    this.#epoch = this.#store.epoch;
  }

  /** A row that cannot be stored at all is given up and counted; it must not hold up the others. */
  #commitOneByOne(pairs: readonly PairGather[]): boolean {
    for (const pair of pairs) {
      this.#catchUpWithStore();
      const result = this.#store.write([pair]);
      if (result === 'trouble') return false;
      this.#gather.forget([pair]);
      if (result === 'spoiled') this.#gather.shed += 1;
      else this.#tellStored([pair]);
    }
    return true;
  }

  #tellStored(pairs: readonly PairGather[]): void {
    let list: Observation[] = [];
    for (const pair of pairs) {
      const isHeld = this.#baselines.stored(pair);
      const isNew = pair.isNew && !pair.toldNew;
      if ((!isNew || isHeld) && !pair.worthTelling) continue;
      const { workload, firstMs: firstSeenMs } = pair.known;
      const isUnusualHour = this.#baselines.isUnusualHour(workload, pair.lastMs);
      const outcome = { isNew, isHeld, isUnusualHour, stored: true, firstSeenMs };
      for (const seen of observe(pair, outcome, this.#snapshots)) list.push(seen);
      // Told piece by piece: thousands that live until the end would be copied by the collector.
      if (list.length < MESSAGE_MAX) continue;
      this.#post(list);
      list = [];
    }
    this.#post(list);
  }

  /** Alerts do not wait for the disk; what was told here is not told again when it is stored. */
  #tellUnstored(): void {
    const list: Observation[] = [];
    for (const pair of this.#gather.values()) {
      if (pair.untold === null) continue;
      const isNew = pair.believedNew && !pair.toldNew;
      const known = { isHeld: false, isUnusualHour: null, firstSeenMs: pair.firstMs };
      const outcome = { isNew, stored: false, ...known };
      if (isNew || pair.worthTelling) list.push(...observe(pair, outcome, this.#snapshots));
      pair.toldNew ||= isNew;
      pair.untold = null;
      pair.apart = [];
    }
    this.#post(list);
  }

  #post(list: readonly Observation[]): void {
    for (let at = 0; at < list.length; at += MESSAGE_MAX) {
      this.#context.post({ kind: 'observations', list: list.slice(at, at + MESSAGE_MAX) });
    }
  }
}
