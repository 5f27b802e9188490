/**
 * Packed counts: what each of many pairs asked for on one day, as a row of `workload_day` has it, 3
 * to 4 octets for most.
 *
 * In the order of their numbers, each pair as varints: twice the distance from the number before,
 * one more where other counts than the allowed follow; allowed; denied, would deny and failed.
 */

import { putVarint, Varints } from './varints.ts';

/** Takes what pairs asked for. */
export interface CountsSink {
  add(id: number, allowed: number, denied: number, wouldDeny: number, failed: number): void;
}

/** Takes pairs in the order of their numbers. */
export class CountsPacker implements CountsSink {
  readonly #parts: Buffer[] = [];
  #octets: number[] = [];
  #last = 0;

  add(id: number, allowed: number, denied: number, wouldDeny: number, failed: number): void {
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

/** Gives each pair and its counts. */
export function unpackCounts(octets: Uint8Array, sink: CountsSink): void {
  const varints = new Varints(octets);
  let id = 0;
  while (!varints.isAtEnd) {
    const head = varints.next();
    id += Math.floor(head / 2);
    const allowed = varints.next();
    if (head % 2 === 0) sink.add(id, allowed, 0, 0, 0);
    else sink.add(id, allowed, varints.next(), varints.next(), varints.next());
  }
}
