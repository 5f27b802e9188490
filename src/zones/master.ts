/**
 * Master files (RFC 1035 section 5, RFC 2308 section 4 for $TTL) to zones, all problems at once.
 *
 * $INCLUDE is followed relative to the file that names it. $GENERATE is refused: it is BIND's own,
 * and what it makes cannot be reviewed in the file.
 */

import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { DnsvalveError, messageOf } from '../errors.ts';
import { TYPE_OPT, TYPE_SOA } from '../wire/constants.ts';
import { readU32 } from '../wire/octets.ts';
import { lowerCase, nameOctets, WordProblem } from './escapes.ts';
import { Fields, isTtl, parseTtl, parseType } from './fields.ts';
import { type Entry, Lexer, type Token } from './lexer.ts';
import { parseRdata } from './rdata.ts';
import { Problems, type Zone, ZoneBuilder, type ZonePlace } from './zone.ts';

const INCLUDE_DEPTH_MAX = 8;
/** A local zone is written by people; this keeps a device or a database dump out. */
const FILE_MAX_OCTETS = 256 * 1024 * 1024;

/**
 * Parses a master file.
 *
 * @param text one character per octet (read it as latin1)
 * @param origin wire name of the apex
 * @param file for messages; `$INCLUDE` is relative to its folder
 * @throws ProblemsError ZONE with every problem of the file and of what it includes
 */
export function parseZone(text: string, origin: Uint8Array, file: string): Zone {
  const problems = new Problems();
  const apex = lowerCase(origin);
  const reader = new MasterReader(new ZoneBuilder(apex, file, problems), problems);
  reader.read(text, file, apex);
  const zone = reader.finish();
  problems.throwIfAny();
  return zone;
}

/**
 * Reads and parses a zone from its file.
 *
 * @throws DnsvalveError ZONE when the file cannot be read, ProblemsError ZONE as `parseZone`
 */
export function loadZone(file: string, origin: Uint8Array): Zone {
  const shown = shownPath(file);
  let text: string;
  try {
    text = readText(file);
  } catch (thrown) {
    throw new DnsvalveError('ZONE', `reading zone file ${shown}: ${messageOf(thrown)}`, thrown);
  }
  return parseZone(text, origin, shown);
}

/** As the user would type it: relative to the working directory where that is shorter. */
function shownPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}

function readText(file: string): string {
  const stat = statSync(file);
  if (!stat.isFile()) throw new WordProblem('not a regular file');
  if (stat.size > FILE_MAX_OCTETS) throw new WordProblem(`over ${FILE_MAX_OCTETS} octets`);
  return readFileSync(file, 'latin1');
}

/** The state that directives and records leave to the lines after them. */
class MasterReader {
  readonly #builder: ZoneBuilder;
  readonly #problems: Problems;
  /** Files that are being read, outermost first. */
  readonly #files: string[] = [];
  #origin: Uint8Array = new Uint8Array(1);
  #owner: Uint8Array | null = null;
  /** $TTL, and the TTL of the record before; RFC 2308 4 puts the first above the second. */
  #defaultTtl: number | null = null;
  #lastTtl: number | null = null;

  constructor(builder: ZoneBuilder, problems: Problems) {
    this.#builder = builder;
    this.#problems = problems;
  }

  finish(): Zone {
    return this.#builder.finish();
  }

  /** RFC 1035 5.1: what an included file does to the origin and the owner ends with it. */
  read(text: string, file: string, origin: Uint8Array): void {
    const before = { origin: this.#origin, owner: this.#owner };
    this.#origin = origin;
    this.#files.push(file);
    const lexer = new Lexer(text, (line, col, message) =>
      this.#problems.add({ file, line, col }, message),
    );
    for (let entry = lexer.next(); entry !== null; entry = lexer.next()) this.#readEntry(entry);
    this.#files.pop();
    this.#origin = before.origin;
    this.#owner = before.owner;
  }

  #readEntry(entry: Entry): void {
    const first = entry.tokens[0];
    if (first === undefined) return;
    if (first.raw.startsWith('$') && !first.quoted && !entry.blank) {
      this.#readDirective(entry.tokens, first);
    } else {
      this.#readRecord(entry);
    }
  }

  #readDirective(tokens: readonly Token[], first: Token): void {
    const fields = new Fields(tokens, 1, this.#origin);
    this.#guard(fields, first, () => {
      switch (first.raw.toUpperCase()) {
        case '$ORIGIN':
          this.#origin = nameOctets(fields.take('name').raw, this.#origin);
          break;
        case '$TTL':
          this.#defaultTtl = parseTtl(fields.take('TTL').raw, 'TTL');
          break;
        case '$INCLUDE':
          this.#include(fields);
          break;
        case '$GENERATE':
          throw new WordProblem('$GENERATE is not taken; write the records out');
        default:
          throw new WordProblem(`"${first.raw}"; use $ORIGIN, $TTL or $INCLUDE`);
      }
      if (!fields.done) throw new WordProblem(`"${fields.take('').raw}" is more than it takes`);
    });
  }

  #include(fields: Fields): void {
    const from = this.#files.at(-1) ?? '';
    const file = shownPath(resolve(dirname(from), fields.take('file').raw));
    const next = fields.peek();
    const origin = next === undefined ? this.#origin : nameOctets(next.raw, this.#origin);
    if (next !== undefined) fields.take('origin');
    if (this.#files.some((open) => resolve(open) === resolve(file))) {
      throw new WordProblem(`"${file}" includes itself`);
    }
    if (this.#files.length > INCLUDE_DEPTH_MAX) {
      throw new WordProblem(`$INCLUDE is ${this.#files.length} deep; at most ${INCLUDE_DEPTH_MAX}`);
    }
    let text: string;
    try {
      text = readText(file);
    } catch (thrown) {
      throw new WordProblem(`including ${file}: ${messageOf(thrown)}`);
    }
    this.read(text, file, origin);
  }

  #readRecord(entry: Entry): void {
    const { tokens } = entry;
    const fields = new Fields(tokens, 0, this.#origin);
    this.#guard(fields, tokens[0], () => {
      if (!entry.blank) {
        this.#owner = null;
        this.#owner = nameOctets(fields.take('owner').raw, this.#origin);
      }
      const at = this.#placeOf(tokens[0]);
      const ttl = this.#readTtlAndClass(fields);
      const type = parseRecordType(fields.take('type').raw);
      if (type === TYPE_SOA) this.#builder.soaSeen = true;
      if (this.#owner === null) throw new WordProblem('no owner; the record before has none');
      const rdata = parseRdata(type, fields);
      this.#builder.add({
        owner: this.#owner,
        type,
        ttl: this.#ttlOf(ttl, type, rdata),
        rdata,
        at,
      });
    });
  }

  /** TTL and class may stand in either order, each once (RFC 1035 5.1). */
  #readTtlAndClass(fields: Fields): number | null {
    let ttl: number | null = null;
    let hasClass = false;
    for (let token = fields.peek(); token !== undefined; token = fields.peek()) {
      if (ttl === null && isTtl(token.raw)) {
        ttl = parseTtl(fields.take('TTL').raw, 'TTL');
      } else if (!hasClass && isClass(token.raw)) {
        checkClass(fields.take('class').raw);
        hasClass = true;
      } else {
        break;
      }
    }
    return ttl;
  }

  #ttlOf(given: number | null, type: number, rdata: Uint8Array): number {
    let ttl = given ?? this.#defaultTtl ?? this.#lastTtl;
    // Without any TTL before it, a SOA lives as long as its minimum says, as BIND and NSD read it.
    if (ttl === null && type === TYPE_SOA) ttl = readU32(rdata, rdata.length - 4);
    if (ttl === null) throw new WordProblem('no TTL; give one, or $TTL before the first record');
    this.#lastTtl = ttl;
    return ttl;
  }

  /** Runs a step and notes its problem with the place of the word that it is about. */
  #guard(fields: Fields, first: Token | undefined, step: () => void): void {
    try {
      step();
    } catch (thrown) {
      if (!(thrown instanceof WordProblem)) throw thrown;
      this.#problems.add(this.#placeOf(fields.current ?? first), thrown.message);
    }
  }

  #placeOf(token: Token | undefined): ZonePlace {
    return { file: this.#files.at(-1) ?? '', line: token?.line ?? 0, col: token?.col ?? 0 };
  }
}

function isClass(raw: string): boolean {
  return /^(IN|CH|HS|CS|CLASS\d{1,5})$/i.test(raw);
}

function checkClass(raw: string): void {
  const upper = raw.toUpperCase();
  if (upper === 'IN' || upper === 'CLASS1') return;
  throw new WordProblem(`class "${raw}"; use IN`);
}

/** RFC 6895 3.1: 0, OPT and the query types are never records of a zone. */
function parseRecordType(raw: string): number {
  const type = parseType(raw);
  if (type === 0 || type === TYPE_OPT || (type >= 249 && type <= 255)) {
    throw new WordProblem(`type "${raw}" does not stand in a zone; use a data type`);
  }
  return type;
}
