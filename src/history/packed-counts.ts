/**
 * Packed counts: what each of many pairs asked for on one day, as a row of `workload_day` has it, 3
 * to 4 octets for most.
 *
 * In the order of their numbers, each pair as varints: twice the distance from the number before,
 * one more where other counts than the allowed follow; allowed; denied, would deny and failed.
 */

import type { FourCounts } from './day-counts.ts';
import { putVarint, varintsIn } from './varints.ts';

/** Takes pairs in the order of their numbers. */
export class CountsPacker {
  readonly #parts: Buffer[] = [];
  #octets: number[] = [];
  #last = 0;

  add(id: number, [allowed, denied, wouldDeny, failed]: FourCounts): void {
    const hasOthers = denied + wouldDeny + failed > 0;
    putVarint(this.#octets, (id - this.#last) * 2 + (hasOthers ? 1 : 0));
    putVarint(this.#octets, allowed);
    if (hasOthers) for (const count of [denied, wouldDeny, failed]) putVarint(this.#octets, count);
    this.#last = id;
  }

  /** What was added is held in a sixteenth of the memory from now on. */
  endPart(): void {
    this.#parts.push(Buffer.from(this.#octets));
    this.#octets = [];
  }

  packed(): Buffer {
    this.endPart();
    return Buffer.concat(this.#parts);
  }
}

type Take = (id: number, ...counts: FourCounts) => void;

/** Gives each pair and its counts. */
export function unpackCounts(octets: Uint8Array, take: Take): void {
  const numbers = varintsIn(octets);
  const next = (at: number): number => numbers[at] ?? 0;
  let id = 0;
  for (let at = 0; at < numbers.length; ) {
    const head = next(at);
    id += Math.floor(head / 2);
    const hasOthers = head % 2 === 1;
    if (hasOthers) take(id, next(at + 1), next(at + 2), next(at + 3), next(at + 4));
    else take(id, next(at + 1), 0, 0, 0);
    at += hasOthers ? 5 : 2;
  }
}
