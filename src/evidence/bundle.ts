/**
 * An evidence bundle as a file: JSON lines, the parts one after the other, the manifest last.
 *
 *     {"part":"history","row":{...}}           one line for each row of a part
 *     {"part":"manifest",...,"sha256":"..."}   the last line, sealed
 *
 * The manifest has the digest of each part's lines, and its own digest covers all octets of the
 * file before it. Nothing of the machine, the moment or the person gets in, so that the same inputs
 * and the same window make the same octets.
 */

import { createHash, type Hash } from 'node:crypto';
import { safeJson } from '../cli/escape.ts';
import { seal } from '../seal.ts';

export const BUNDLE_VERSION = 1;

/** In the order of the file. A part without rows has no lines, and is in the manifest too. */
export const PARTS = [
  'scope',
  'configuration',
  'identity',
  'feeds',
  'policies',
  'audit',
  'alerts',
  'findings',
  'hours',
  'history',
] as const;
export type PartName = (typeof PARTS)[number];

/** How the lines of a part begin, to the octet. */
export function lineStart(part: string): string {
  return `{"part":"${part}",`;
}

export interface PartDigest {
  readonly part: string;
  readonly rows: number;
  readonly octets: number;
  readonly sha256: string;
}

/** Writes a bundle to `write`, which gets whole lines. */
export class BundleWriter {
  readonly #write: (text: string) => void;
  readonly #all: Hash = createHash('sha256');
  readonly #parts: PartDigest[] = [];

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** The parts come in the order of PARTS, each once. */
  part(part: PartName, rows: Iterable<object>): void {
    const own = createHash('sha256');
    let count = 0;
    let octets = 0;
    for (const row of rows) {
      const line = `${lineStart(part)}"row":${safeJson(row)}}\n`;
      own.update(line);
      this.#all.update(line);
      count++;
      octets += Buffer.byteLength(line);
      this.#write(line);
    }
    this.#parts.push({ part, rows: count, octets, sha256: own.digest('hex') });
  }

  /** Ends the bundle. @returns its digest: the one to keep elsewhere */
  manifest(facts: object): { readonly sha256: string; readonly parts: readonly PartDigest[] } {
    const fields = {
      part: 'manifest',
      version: BUNDLE_VERSION,
      ...facts,
      parts: this.#parts,
    };
    const { line, sha256 } = seal(fields, this.#all);
    this.#write(`${line}\n`);
    return { sha256, parts: this.#parts };
  }
}
