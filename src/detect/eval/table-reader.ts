/**
 * Tables of queries: tab separated text with a header line that names the columns. Only `qname` is
 * needed; docs/detection.md has the others. Every complaint names file and line.
 */

import { DnsvalveError } from '../../errors.ts';
import { typeFromText } from '../../wire/text.ts';
import { lowerName, wireOf } from './names.ts';
import { type Reply, type Timeline, TimelineBuilder, type Truth } from './sample.ts';

const LINE_FEED = 10;
/** A row has a name, an answer cut short and a few numbers. */
const LINE_MAX = 1 << 16;
/** Between two rows that have no time. */
const SPACING_SECONDS = 1;

const COLUMNS = 't client qname qtype rcode resp_len ttl ans label tool zone sess'.split(' ');
const RCODES = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED'.split(' ');

export class TableReader {
  readonly #path: string;
  readonly #timelines: TimelineBuilder;
  readonly #truths = new Map<string, Truth>();
  /** Clients, each once: a part of a line would keep the whole line. */
  readonly #clients = new Map<string, string>();
  /** Where each column stands in a row; -1 for none. */
  #places: ReadonlyMap<string, number> | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #line = 0;
  #fields: readonly string[] = [];

  /** @param source name of the file for the report */
  constructor(path: string, source: string) {
    this.#path = path;
    this.#timelines = new TimelineBuilder(source);
  }

  /** @throws DnsvalveError USAGE that names the line */
  feed(chunk: Buffer): void {
    const octets = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = octets.indexOf(LINE_FEED); end !== -1; end = octets.indexOf(LINE_FEED, at)) {
      this.#take(octets.toString('latin1', at, end));
      at = end + 1;
    }
    this.#rest = Buffer.from(octets.subarray(at));
    if (this.#rest.length > LINE_MAX) throw this.#problem(`a line of more than ${LINE_MAX} octets`);
  }

  finish(): Timeline[] {
    if (this.#rest.length > 0) this.#take(this.#rest.toString('latin1'));
    if (this.#places === null) throw this.#problem('empty; the first line names the columns');
    return this.#timelines.finish();
  }

  #take(text: string): void {
    this.#line++;
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (this.#places === null) this.#places = this.#readHeader(line);
    else if (line !== '') this.#readRow(line);
  }

  #readHeader(line: string): ReadonlyMap<string, number> {
    const names = line.split('\t');
    if (!names.includes('qname')) {
      const known = COLUMNS.join(', ');
      throw this.#problem(`no column "qname" in the header; known columns: ${known}`);
    }
    const places = new Map(names.map((name, i) => [name, i]));
    if (places.size < names.length) throw this.#problem('a column stands twice in the header');
    if (places.has('label')) this.#timelines.label();
    return places;
  }

  #readRow(line: string): void {
    this.#fields = line.split('\t');
    const columns = this.#places?.size ?? 0;
    if (this.#fields.length !== columns) {
      throw this.#problem(`${this.#fields.length} columns; the header has ${columns}`);
    }
    const name = wireOf(this.#field('qname'));
    if (name === null) throw this.#problem(`name "${this.#field('qname')}" cannot be read`);
    const session = this.#field('sess');
    this.#timelines.add(session, {
      at: this.#time(session),
      client: this.#client(),
      name,
      qtype: this.#type(),
      reply: this.#reply(),
      truth: this.#truth(session),
    });
  }

  #field(column: string): string {
    const place = this.#places?.get(column);
    return place === undefined ? '' : (this.#fields[place] ?? '');
  }

  #client(): string {
    const text = this.#field('client') || 'client';
    const known = this.#clients.get(text);
    if (known !== undefined) return known;
    const client = apart(text);
    this.#clients.set(client, client);
    return client;
  }

  #time(session: string): number {
    const text = this.#field('t');
    if (text !== '') return this.#number('t');
    const last = this.#timelines.lastOf(session);
    return last === null ? 0 : last + SPACING_SECONDS;
  }

  /** A number that is not negative; 0 where the column is empty. */
  #number(column: string): number {
    const text = this.#field(column);
    if (text === '') return 0;
    const value = Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    throw this.#problem(`${column} "${text}" is no number of 0 or more`);
  }

  #type(): number {
    const text = this.#field('qtype') || 'A';
    const type = typeFromText(text);
    if (type === null) throw this.#problem(`type "${text}": a mnemonic such as A, or TYPE65280`);
    return type;
  }

  #reply(): Reply | null {
    const text = this.#field('rcode');
    if (text === '') return null;
    const rcode = /^\d{1,2}$/.test(text) ? Number(text) : RCODES.indexOf(text.toUpperCase());
    if (rcode === -1) throw this.#problem(`rcode "${text}": NOERROR, NXDOMAIN, ... or a number`);
    const ttl = this.#number('ttl');
    const records = apart(this.#field('ans'));
    return { kind: 'row', rcode: rcode & 15, ttl, records, length: this.#number('resp_len') };
  }

  #truth(session: string): Truth | null {
    const label = this.#field('label');
    if (label === '' || label === 'benign') return null;
    if (label !== 'tunnel') throw this.#problem(`label "${label}": benign or tunnel`);
    const tool = this.#field('tool') || '-';
    const zone = this.#field('zone');
    const key = `${session}\t${tool}\t${zone}`;
    let truth = this.#truths.get(key);
    if (truth === undefined) {
      const wire = zone === '' ? null : wireOf(zone);
      truth = { session, tool, zone: wire === null ? null : lowerName(wire) };
      this.#truths.set(key, truth);
    }
    return truth;
  }

  #problem(message: string): DnsvalveError {
    return new DnsvalveError('USAGE', `${this.#path}:${Math.max(this.#line, 1)}: ${message}`);
  }
}

/** A copy of a part of a line that does not keep the line. */
function apart(text: string): string {
  return text === '' ? '' : Buffer.from(text, 'latin1').toString('latin1');
}
