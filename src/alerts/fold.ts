/**
 * Fold: one alert per (workload, registrable domain, type) and window. The first goes out at once;
 * repeats are counted and go out as one alert when the window ends. It has no clock and no timer of
 * its own: the caller passes the time and calls `tick`.
 *
 * Of findings, each detector is a type of its own, the alert shows the worst score of the window,
 * and one that got much worse or turned into a denial goes out at once: a repeat must not hide it.
 * So does one that is more severe than what was told.
 */

import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { detectorNamed } from '../detect/detectors.ts';
import { type Alert, type AlertType, EXAMPLES_MAX } from './alert.ts';
import {
  ENTRY_OCTETS,
  keyOf,
  type OpenWindow,
  octetsOf,
  ownText,
  ownTexts,
  pairOfWindow,
  type Told,
  windowAfter,
  windowKeyOf,
} from './open-window.ts';

/** Types whose count is that of the hour so far. */
const RUNNING: ReadonlySet<AlertType> = new Set(['volume', 'nxdomain-burst']);

export interface FoldOptions {
  readonly windowMs: number;
  /** Windows held at most, 1 or more. The oldest is closed early to make room. */
  readonly max: number;
  /** What the windows may take together, octets; the oldest are closed early likewise. */
  readonly octets?: number;
  readonly emit: (alert: Alert) => void;
}

/** What the windows may take where the options do not say. */
const OCTETS = 24 * 1024 * 1024;
/** What the pairs that were told as new may take, octets. */
const TOLD_OCTETS = 16 * 1024 * 1024;

/** A score that grew to so much of the one that was told is told at once. */
const MUCH_WORSE = 2;

export class Fold {
  #windowMs: number;
  readonly #emit: (alert: Alert) => void;
  /** Open windows; nothing touches recency, so the order is that of their ends. */
  readonly #open: LRUCache<string, OpenWindow>;
  /** Pairs told as new, so that none is told twice even while the history cannot be read. */
  readonly #told: LRUCache<string, true>;
  readonly #octetsMax: number;
  #octets = 0;

  constructor({ windowMs, max, octets = OCTETS, emit }: FoldOptions) {
    this.#windowMs = windowMs;
    this.#octetsMax = octets;
    this.#emit = emit;
    this.#open = new LRUCache({
      max,
      dispose: (open, _key, reason) => {
        this.#octets -= open.octets;
        if (reason === 'evict') this.#close(open);
      },
    });
    this.#told = new LRUCache({
      max,
      maxSize: TOLD_OCTETS,
      sizeCalculation: (_true, key) => ENTRY_OCTETS + key.length,
    });
  }

  /** Emits `alert`, or counts it into the open window of its key. */
  push(alert: Alert, nowMs: number): void {
    if (isNew(alert)) {
      const pair = keyOf(alert);
      if (this.#told.get(pair) === true) return;
      this.#told.set(ownText(pair), true);
    }
    this.tick(nowMs);
    const key = windowKeyOf(alert);
    const open = this.#open.peek(key);
    if (open === undefined) {
      this.#add(key, windowAfter(alert, nowMs + this.#windowMs));
      this.#emit(alert);
      return;
    }
    this.#count(open, alert);
    this.#weigh(key, open);
  }

  #count(open: OpenWindow, alert: Alert): void {
    if (open.count === 0) open.first = alert.window?.first ?? alert.time;
    // What counts up by itself holds what was told before.
    open.count = RUNNING.has(alert.type) ? alert.count : open.count + alert.count;
    open.examples = firstNames(open.examples, alert.examples);
    open.latest = ownTexts(worstOf(open.latest ?? open.told, alert));
    if (!isMuchWorse(open.latest, open.told)) return;
    this.#close(open);
    Object.assign(open, windowAfter(open.latest, open.endsMs));
  }

  #add(key: string, open: OpenWindow): void {
    const own = ownText(key);
    this.#open.set(own, open);
    this.#octets += open.octets;
    this.#weigh(own, open);
  }

  /** Takes in what a window has grown by, and makes room where they have too much together. */
  #weigh(key: string, open: OpenWindow): void {
    const octets = octetsOf(key, open);
    this.#octets += octets - open.octets;
    open.octets = octets;
    while (this.#octets > this.#octetsMax && this.#open.size > 1) this.#open.pop();
  }

  /** Closes the windows that have ended at `nowMs`. */
  tick(nowMs: number): void {
    for (;;) {
      const key = this.#open.rkeys().next().value; // the oldest
      const open = key === undefined ? undefined : this.#open.peek(key);
      if (key === undefined || open === undefined) return;
      // A clock set back would hold windows open for longer than a window: those end as well.
      if (open.endsMs > nowMs && open.endsMs - nowMs <= this.#windowMs) return;
      this.#open.delete(key);
      this.#close(open);
    }
  }

  /** Windows that are open and their keys, oldest first; may be read while alerts come. */
  *windows(): Generator<readonly [string, OpenWindow]> {
    for (const key of [...this.#open.rkeys()]) {
      const open = this.#open.peek(key);
      if (open !== undefined) yield [key, open];
    }
  }

  /** Opens the windows of an earlier run; those that have ended are told at the next tick. */
  restore(windows: Iterable<readonly [string, OpenWindow]>): void {
    for (const [key, open] of windows) {
      if (isNew(open.told)) this.#told.set(pairOfWindow(key), true);
      this.#add(key, { ...open, octets: 0 });
    }
  }

  /** Follows an alert that an earlier run told after its windows were saved. */
  recall(alert: Alert, atMs: number): void {
    if (isNew(alert)) this.#told.set(ownText(keyOf(alert)), true);
    const key = windowKeyOf(alert);
    const open = this.#open.peek(key);
    const after = windowAfter(alert, open?.endsMs ?? atMs + this.#windowMs);
    // A window that is set anew would become the newest.
    if (open === undefined) this.#add(key, after);
    else {
      Object.assign(open, after, { octets: open.octets });
      this.#weigh(key, open);
    }
  }

  /** Closes every window, as when their length changes. */
  flush(): void {
    const all = [...this.#open.rvalues()];
    this.#open.clear();
    for (const open of all) if (open !== undefined) this.#close(open);
  }

  /** Closes every window; those that follow last `windowMs`. What was told as new stays told. */
  setWindow(windowMs: number): void {
    this.flush();
    this.#windowMs = windowMs;
  }

  /** Windows open now. */
  get size(): number {
    return this.#open.size;
  }

  #close({ count, first, examples, latest }: OpenWindow): void {
    if (count === 0 || latest === null) return;
    const last = latest.window?.last ?? latest.time;
    const window = count > 1 ? { first, last } : null;
    this.#emit({ ...latest, id: randomUUID(), count, window, examples });
  }
}

/** `names`, and of `more` what they lack while there is room. */
function firstNames(names: readonly string[], more: readonly string[]): readonly string[] {
  if (names.length >= EXAMPLES_MAX) return names;
  return [...new Set([...names, ...more])].slice(0, EXAMPLES_MAX).map(ownText);
}

/** `alert`, the later one, as severe as the worse of the two. */
function worstOf(before: Alert | Told, alert: Alert): Alert {
  const worst = 'id' in before ? worseScoreOf(before, alert) : alert;
  const { severity, technique } = before.severity < alert.severity ? before : alert;
  return worst.severity === severity ? worst : { ...worst, severity, technique };
}

/** `alert` with the worse of the two scores, and denied if one of them was. */
function worseScoreOf(before: Alert, alert: Alert): Alert {
  if (alert.score === null || before.score === null) return alert;
  const query = before.verdict === 'denied' && alert.verdict !== 'denied' ? before : alert;
  const { sign } = detectorNamed(alert.detector ?? '');
  const worse = alert.score * sign >= before.score * sign ? alert : before;
  const { score, threshold, parts, reason } = worse;
  const { time, window } = alert;
  return { ...query, time, window, score, threshold, parts, reason };
}

function isMuchWorse(alert: Alert, told: Told): boolean {
  if (alert.severity < told.severity) return true;
  if (alert.score === null || told.score === null) return false;
  if (alert.verdict === 'denied' && told.verdict !== 'denied') return true;
  const isHigh = detectorNamed(alert.detector ?? '').sign > 0;
  const [less, more] = isHigh ? [told.score, alert.score] : [alert.score, told.score];
  return more > less && more >= less * MUCH_WORSE;
}

function isNew({ type }: Told): boolean {
  return type === 'new-destination' || type === 'would-deny-new';
}
