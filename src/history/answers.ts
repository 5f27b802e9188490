/**
 * Answers: addresses that workloads were given, gathered until they are stored.
 *
 * Bounded twice, so that first sights never wait for them: what is held, and what one flush takes.
 * What finds no room is counted.
 */

import { AT_FIRST_MS, AT_FLAGS, AT_LAST_MS, FLAG_REBINDING } from '../events/kinds.ts';
import { reversedName } from './names.ts';
import { type RecordPlace, readAnswers, readRegistrable } from './record.ts';
import type { Workload } from './snapshots.ts';

const ADDRESS_SIZE = 16;
/** Held while they wait. */
const WAITING_MAX = 50_000;
/**
 * Of one flush: 20 ms. A new row among a million costs 41 us, because each dirties a page of its
 * own.
 */
const AT_ONCE = 500;

export interface Answer {
  readonly address: Buffer;
  readonly workload: Workload;
  /** Registrable domain, reversed. */
  readonly name: string;
  firstMs: number;
  lastMs: number;
  count: number;
}

export class Answers {
  /** By address, workload and name; oldest first. */
  readonly #waiting = new Map<string, Answer>();
  /** Given up for lack of room. */
  shed = 0;

  /** An address that was refused was given to nobody. */
  add(place: RecordPlace, workload: Workload): void {
    const { view, at } = place;
    const octets = readAnswers(place);
    if (octets === null || (view.getUint8(at + AT_FLAGS) & FLAG_REBINDING) !== 0) return;
    const name = reversedName(readRegistrable(place));
    const firstMs = Math.floor(view.getFloat64(at + AT_FIRST_MS, true));
    const lastMs = Math.floor(view.getFloat64(at + AT_LAST_MS, true));
    for (let from = 0; from < octets.length; from += ADDRESS_SIZE) {
      const address = Buffer.from(octets.subarray(from, from + ADDRESS_SIZE));
      this.#addOne({ address, workload, name, firstMs, lastMs, count: 1 });
    }
  }

  #addOne(answer: Answer): void {
    const key = `${answer.address.toString('latin1')}${answer.workload.number} ${answer.name}`;
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      known.firstMs = Math.min(known.firstMs, answer.firstMs);
      known.lastMs = Math.max(known.lastMs, answer.lastMs);
      known.count += answer.count;
    } else if (this.#waiting.size < WAITING_MAX) this.#waiting.set(key, answer);
    else this.shed += 1;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** The oldest, at most as many as one flush takes; they stay until `stored`. */
  oldest(): Answer[] {
    return [...this.#waiting.values().take(AT_ONCE)];
  }

  /** Lets go of the `count` oldest. */
  stored(count: number): void {
    for (const key of [...this.#waiting.keys().take(count)]) this.#waiting.delete(key);
  }
}
