/**
 * Slots: what of an exception outlives the tables. Main gives each exception one for as long as it
 * is in force with the same end; an extended one gets another, and its uses go on being counted
 * together.
 */

import {
  EXCEPTIONS_MAX,
  SLOT_DOUBLES,
  SLOT_LAST_USE,
  SLOT_SHARED_END,
  SLOT_WORDS,
  type SlotsMemory,
} from './memory.ts';
import type { ActiveException } from './override.ts';

/** Those in force, those of the tables before, and some for what follows at once. */
const SLOTS = 4 * EXCEPTIONS_MAX;
/** Exceptions that are no longer in force whose uses are remembered. */
const RETIRED_MAX = 2 * EXCEPTIONS_MAX;
const TWO_TO_32 = 2 ** 32;

export interface OverrideUse {
  readonly id: string;
  /** Queries that it let through since the start. */
  readonly queries: number;
  /** Wall clock of the last one, ms since 1970; 0 for none. */
  readonly lastUseMs: number;
}

interface Slot {
  readonly id: string;
  readonly index: number;
}

export class Slots {
  readonly memory: SlotsMemory = {
    doubles: new Float64Array(
      new SharedArrayBuffer(SLOTS * SLOT_DOUBLES * Float64Array.BYTES_PER_ELEMENT),
    ),
    words: new Int32Array(new SharedArrayBuffer(SLOTS * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT)),
  };
  readonly #clocks: { wallMs(): number; sharedMs(): number };
  /** By `keyOf`. */
  readonly #taken = new Map<string, Slot>();
  readonly #free = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  /** What was counted in slots that were given up, by id; the oldest first. */
  readonly #retired = new Map<string, OverrideUse>();

  constructor(clocks: { wallMs(): number; sharedMs(): number }) {
    this.#clocks = clocks;
  }

  /** The slot of an exception, -1 when there is none to be had. */
  take(exception: ActiveException): number {
    const key = keyOf(exception);
    const there = this.#taken.get(key);
    if (there !== undefined) return there.index;
    const index = this.#free.pop();
    if (index === undefined) return -1;
    const { doubles } = this.memory;
    const at = index * SLOT_DOUBLES;
    // Fixed now: a clock that is put back later makes nothing longer.
    const leftMs = exception.untilMs - this.#clocks.wallMs();
    doubles[at] = exception.untilMs;
    doubles[at + SLOT_SHARED_END] = this.#clocks.sharedMs() + leftMs;
    this.#taken.set(key, { id: exception.id, index });
    return index;
  }

  /** Gives up the slots of all others. No worker may read them any more. */
  releaseAllBut(exceptions: readonly ActiveException[]): void {
    const kept = new Set(exceptions.map(keyOf));
    for (const [key, { id, index }] of this.#taken) {
      if (kept.has(key)) continue;
      this.#taken.delete(key);
      const total = sum(id, this.#retired.get(id), this.#read(id, index));
      this.#retired.delete(id);
      this.#retired.set(id, total);
      this.memory.doubles.fill(0, index * SLOT_DOUBLES, (index + 1) * SLOT_DOUBLES);
      this.memory.words.fill(0, index * SLOT_WORDS, (index + 1) * SLOT_WORDS);
      this.#free.push(index);
    }
    for (const id of this.#retired.keys()) {
      if (this.#retired.size <= RETIRED_MAX) break;
      this.#retired.delete(id);
    }
  }

  /** Those that a worker found over by its clocks. They stay so, whatever is done to the clock. */
  endedOf(exceptions: readonly ActiveException[]): string[] {
    const { doubles } = this.memory;
    return exceptions.flatMap((exception) => {
      const slot = this.#taken.get(keyOf(exception));
      const isOver = slot && doubles[slot.index * SLOT_DOUBLES] === Number.NEGATIVE_INFINITY;
      return isOver ? [exception.id] : [];
    });
  }

  use(): OverrideUse[] {
    const totals = new Map(this.#retired);
    for (const { id, index } of this.#taken.values()) {
      totals.set(id, sum(id, totals.get(id), this.#read(id, index)));
    }
    return [...totals.values()];
  }

  #read(id: string, index: number): OverrideUse {
    const { doubles, words } = this.memory;
    const low = words[index * SLOT_WORDS] ?? 0;
    const high = words[index * SLOT_WORDS + 1] ?? 0;
    const queries = (high >>> 0) * TWO_TO_32 + (low >>> 0);
    return { id, queries, lastUseMs: doubles[index * SLOT_DOUBLES + SLOT_LAST_USE] ?? 0 };
  }
}

function keyOf({ id, untilMs }: ActiveException): string {
  return `${id} ${untilMs}`;
}

function sum(id: string, a: OverrideUse | undefined, b: OverrideUse): OverrideUse {
  if (a === undefined) return b;
  const lastUseMs = Math.max(a.lastUseMs, b.lastUseMs);
  return { id, queries: a.queries + b.queries, lastUseMs };
}
