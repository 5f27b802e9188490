/**
 * Carry: ledgers out of the shared rows as plain data, and back into others, so that a restart
 * forgets none. Slow lane; knows rows, not files.
 *
 * It reads without locks: a query must never find a row taken by somebody who only looks on. A row
 * that is written meanwhile may be read half before and half after one query, and one that another
 * took over is left out.
 */

import {
  CHANNEL_DATA,
  CHANNEL_DENIED_UNTIL,
  CHANNEL_DOMAIN,
  CHANNEL_FLAGS,
  CHANNEL_WORDS,
  CHANNEL_WORKLOAD,
} from './channels.ts';
import { fadeOf } from './fade.ts';
import type { DetectMemory } from './memory.ts';
import {
  NONE,
  ROW_FIRST,
  ROW_HIGH,
  ROW_LOW,
  ROW_SECONDS,
  ROW_WORTH,
  Rows,
  type RowsMemory,
} from './rows.ts';
import { SPREAD_WORDS } from './spread.ts';

/** The part of DetectMemory that holds ledgers. */
export type LedgerMemory = Pick<DetectMemory, 'channels' | 'spreads' | 'seen'>;

/** Hashes that say whose a ledger is, under the key of this run. */
export interface LedgerOwner {
  readonly workloadLow: number;
  readonly workloadHigh: number;
  /** 0 where the ledger is the workload's alone. */
  readonly domainLow: number;
  readonly domainHigh: number;
}

export interface Ledger {
  /** KIND_*. */
  readonly kind: number;
  /** Wall clock at which `worth` was so, s. */
  readonly seconds: number;
  /** Bytes; fades. */
  readonly worth: number;
  /** The row's own words. */
  readonly words: Int32Array;
}

export interface OwnedLedger extends Ledger {
  readonly owner: LedgerOwner;
}

/** Kinds of rows. When words change their meaning the number changes: files hold the old one. */
export const KIND_CHANNEL = 1;
export const KIND_SPREAD = 2;

/** A ledger of less is no loss: a domain may hold as much without adding to any sum. */
const WORTH_MIN = 16;
/** Bytes of data in answers, of as little weight. */
const DATA_MIN = 128;

interface Layout {
  readonly kind: number;
  readonly rowWords: number;
  readonly isOfDomain: boolean;
  rows(memory: LedgerMemory): RowsMemory;
  ownerOf(words: Int32Array, row: number): LedgerOwner;
  /** Fills in what depends on the run, in a row that was just made. */
  adopt(words: Int32Array, row: number, owner: LedgerOwner): void;
  /** What there is beyond the worth that must not be forgotten. */
  isKept(words: Int32Array, floats: Float32Array, row: number, seconds: number): boolean;
}

const LAYOUTS: readonly Layout[] = [
  {
    kind: KIND_CHANNEL,
    rowWords: CHANNEL_WORDS,
    isOfDomain: true,
    rows: ({ channels }) => channels,
    ownerOf: (words, row) => ({
      workloadLow: words[row + CHANNEL_WORKLOAD] ?? 0,
      workloadHigh: words[row + CHANNEL_WORKLOAD + 1] ?? 0,
      domainLow: words[row + CHANNEL_DOMAIN] ?? 0,
      domainHigh: words[row + CHANNEL_DOMAIN + 1] ?? 0,
    }),
    adopt: (words, row, owner) => {
      words[row + CHANNEL_WORKLOAD] = owner.workloadLow;
      words[row + CHANNEL_WORKLOAD + 1] = owner.workloadHigh;
      words[row + CHANNEL_DOMAIN] = owner.domainLow;
      words[row + CHANNEL_DOMAIN + 1] = owner.domainHigh;
      // Whether the domain is quiet or popular is for the lists of this run to say.
      words[row + CHANNEL_FLAGS] = 0;
    },
    isKept: (words, floats, row, seconds) =>
      (words[row + CHANNEL_DENIED_UNTIL] ?? 0) > seconds ||
      (floats[row + CHANNEL_DATA] ?? 0) >= DATA_MIN,
  },
  {
    kind: KIND_SPREAD,
    rowWords: SPREAD_WORDS,
    isOfDomain: false,
    rows: ({ spreads }) => spreads,
    ownerOf: (words, row) => ({
      workloadLow: words[row + ROW_LOW] ?? 0,
      workloadHigh: words[row + ROW_HIGH] ?? 0,
      domainLow: 0,
      domainHigh: 0,
    }),
    adopt: () => {},
    // A row for each workload: there are few.
    isKept: () => true,
  },
];

/** Whether ledgers of this kind are about a domain; null where this program has no such kind. */
export function isOfDomain(kind: number): boolean | null {
  return LAYOUTS.find((layout) => layout.kind === kind)?.isOfDomain ?? null;
}

/** A row that is worth keeping. */
interface Place {
  readonly layout: Layout;
  readonly row: number;
  readonly worth: number;
}

/**
 * The ledgers that were written since then and are worth keeping, the `limit` worthiest. 64 MB of
 * rows take 2 ms where none was written.
 *
 * @param now wall clock, s
 */
export function exportLedgers(
  memory: LedgerMemory,
  sinceSeconds: number,
  now: number,
  limit: number,
): OwnedLedger[] {
  const places: Place[] = [];
  for (const layout of LAYOUTS)
    findWritten(layout, layout.rows(memory), [sinceSeconds, now], places);
  if (places.length > limit) places.sort((a, b) => b.worth - a.worth).length = limit;
  return places.flatMap(({ layout, row }) => copyRow(layout, layout.rows(memory), row));
}

function findWritten(
  layout: Layout,
  { words }: RowsMemory,
  [since, now]: readonly [number, number],
  places: Place[],
): void {
  const floats = new Float32Array(words.buffer);
  for (let row = 0; row < words.length; row += layout.rowWords) {
    const seconds = words[row + ROW_SECONDS] ?? 0;
    if (seconds === 0 || seconds < since) continue;
    const worth = floats[row + ROW_WORTH] ?? 0;
    if (!Number.isFinite(worth)) continue;
    if (worth < WORTH_MIN && !layout.isKept(words, floats, row, now)) continue;
    places.push({ layout, row, worth });
  }
}

/** Nothing where another took the row over meanwhile. */
function copyRow(layout: Layout, { words }: RowsMemory, row: number): OwnedLedger[] {
  const before = layout.ownerOf(words, row);
  const copy = words.slice(row, row + layout.rowWords);
  const owner = layout.ownerOf(copy, 0);
  const isSame =
    owner.workloadLow === before.workloadLow &&
    owner.workloadHigh === before.workloadHigh &&
    owner.domainLow === before.domainLow &&
    owner.domainHigh === before.domainHigh;
  const worth = new Float32Array(copy.buffer)[ROW_WORTH] ?? 0;
  if (!isSame || !Number.isFinite(worth)) return [];
  const seconds = copy[ROW_SECONDS] ?? 0;
  return [{ kind: layout.kind, seconds, worth, words: copy.slice(ROW_FIRST), owner }];
}

/** Puts ledgers back before anybody uses the rows. */
export class Importer {
  readonly #rows: ReadonlyMap<number, Rows>;

  /** @param thread number of the thread, as `Rows` wants it */
  constructor(memory: LedgerMemory, thread: number) {
    this.#rows = new Map(
      LAYOUTS.map((layout) => [layout.kind, new Rows(layout.rows(memory), thread)]),
    );
  }

  /**
   * @param now wall clock, s
   * @returns false for what is of no use any more, or was never a ledger of this program
   */
  put({ kind, seconds, worth, words: own }: Ledger, owner: LedgerOwner, now: number): boolean {
    const layout = LAYOUTS.find((one) => one.kind === kind);
    const rows = this.#rows.get(kind);
    if (layout === undefined || rows === undefined || !(worth >= 0)) return false;
    if (own.length !== layout.rowWords - ROW_FIRST) return false;
    // A clock that was ahead would keep a ledger from fading until it is passed.
    const at = Math.min(seconds, now);
    const whole = new Int32Array(layout.rowWords);
    whole.set(own, ROW_FIRST);
    const isKept = layout.isKept(whole, new Float32Array(whole.buffer), 0, now);
    if (worth * fadeOf(now - at) < WORTH_MIN && !isKept) return false;
    const low = owner.workloadLow ^ owner.domainLow;
    const high = owner.workloadHigh ^ owner.domainHigh;
    const row = rows.lock(low, high, at);
    if (row === NONE) return false;
    rows.words.set(own, row + ROW_FIRST);
    rows.floats[row + ROW_WORTH] = worth;
    rows.words[row + ROW_SECONDS] = at;
    layout.adopt(rows.words, row, owner);
    rows.unlock();
    return true;
  }
}
