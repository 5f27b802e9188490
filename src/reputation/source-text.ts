/**
 * The text of a feed while it is parsed: octets, the line at hand, and what came of it. The parsers
 * of the formats are functions over it; none of them makes a string per line.
 */

import { Entries } from './entries.ts';
import { NameReader } from './names.ts';
import { type RejectKind, Rejects } from './rejects.ts';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** One RR of an RPZ's local data. */
export interface LocalRecord {
  readonly type: number;
  /** Names in it are uncompressed. */
  readonly rdata: Uint8Array;
}

export class SourceText {
  readonly octets: Uint8Array;
  /** The line at hand without its line end and trailing blanks: `from` to before `to`. */
  from = 0;
  to = 0;
  /** 1-based. */
  line = 0;
  readonly entries: Entries;
  readonly reader = new NameReader();
  readonly rejects = new Rejects();
  readonly records: LocalRecord[] = [];
  #next: number;

  constructor(octets: Uint8Array, entries = new Entries()) {
    this.octets = octets;
    this.entries = entries;
    // A byte order mark, as Windows editors write it.
    this.#next = octets[0] === 0xef && octets[1] === 0xbb && octets[2] === 0xbf ? 3 : 0;
  }

  /** Moves to the next line; false at the end. */
  nextLine(): boolean {
    const octets = this.octets;
    const start = this.#next;
    if (start >= octets.length) return false;
    let end = start;
    while (end < octets.length && octets[end] !== NEWLINE) end++;
    this.#next = end + 1;
    this.line++;
    while (end > start && isBlank(octets[end - 1]!)) end--;
    this.from = start;
    this.to = end;
    return true;
  }

  /** Offset of the first octet in `at..to` that is not blank. */
  skipBlanks(at: number): number {
    let position = at;
    while (position < this.to && isBlank(this.octets[position]!)) position++;
    return position;
  }

  /** Offset of the first blank in `at..to`. */
  wordEnd(at: number): number {
    let position = at;
    while (position < this.to && !isBlank(this.octets[position]!)) position++;
    return position;
  }

  /** Whether the line has exactly these octets at `at`. */
  has(at: number, text: Uint8Array): boolean {
    if (at + text.length > this.to) return false;
    for (let i = 0; i < text.length; i++) if (this.octets[at + i] !== text[i]) return false;
    return true;
  }

  /** Reads a name and adds it, or counts why it is none. */
  addName(from: number, to: number, scope: number, code: number): void {
    const refused = this.reader.read(this.octets, from, to);
    if (refused === null) this.entries.add(this.reader.name, scope, code);
    else this.reject(refused);
  }

  /** Counts the line at hand as unusable. */
  reject(kind: RejectKind): void {
    this.rejects.add(kind, this.line, this.octets, this.from, this.to);
  }
}

/** Space, tab, carriage return, form feed. */
export function isBlank(octet: number): boolean {
  return octet === 32 || octet === 9 || octet === CARRIAGE_RETURN || octet === 12;
}
