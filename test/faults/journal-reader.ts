/**
 * What the alert journal on the disk holds, read a little at a time as it grows, and whether a
 * collector got all of it, in order.
 */

import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { firstOf, recordsIn } from '../../src/alerts/record.ts';

const LINE_END = 0x0a;

export class JournalReader {
  readonly #folder: string;
  /** Octets of each segment that were read, to the end of a line. */
  readonly #read = new Map<string, number>();
  /** Sequence by the id of each alert. */
  readonly sequences = new Map<string, number>();

  constructor(stateDirectory: string) {
    this.#folder = join(stateDirectory, 'alerts');
  }

  /** Reads what is new. A line that a kill cut off is not there yet, and never will be. */
  update(): void {
    let names: string[];
    try {
      names = readdirSync(this.#folder).filter((name) => firstOf(name) !== null);
    } catch {
      return;
    }
    for (const name of names.toSorted()) this.#readOn(name);
  }

  #readOn(name: string): void {
    const path = join(this.#folder, name);
    const from = this.#read.get(name) ?? 0;
    const octets = Buffer.alloc(Math.max(0, statSync(path).size - from));
    const file = openSync(path, 'r');
    try {
      readSync(file, octets, 0, octets.length, from);
    } finally {
      closeSync(file);
    }
    const end = octets.lastIndexOf(LINE_END) + 1;
    this.#read.set(name, from + end);
    for (const { sequence, alert } of recordsIn(octets.toString('utf8', 0, end))) {
      this.sequences.set(alert.id, sequence);
    }
  }
}

/** How the alerts came to a collector. */
export interface Deliveries {
  /** Of the journal, never delivered. */
  readonly missing: number;
  /** Delivered for the first time behind one with a higher number. */
  readonly outOfOrder: number;
  /** Delivered again. */
  readonly again: number;
  /** Delivered before the disk had them, and then the daemon was killed. */
  readonly ahead: number;
}

export function deliveriesOf(
  messages: readonly string[],
  sequences: ReadonlyMap<string, number>,
): Deliveries {
  const seen = new Set<string>();
  let [last, outOfOrder, again, ahead] = [0, 0, 0, 0];
  for (const message of messages) {
    const id = /\bid="([0-9a-f-]{36})"/.exec(message)?.[1] ?? '';
    const sequence = sequences.get(id);
    if (seen.has(id)) again++;
    else if (sequence === undefined) ahead++;
    else if (sequence < last) outOfOrder++;
    if (!seen.has(id)) last = Math.max(last, sequence ?? 0);
    seen.add(id);
  }
  const missing = [...sequences.keys()].filter((id) => !seen.has(id)).length;
  return { missing, outOfOrder, again, ahead };
}
