/**
 * Local data of a response policy zone: the records that a listed name gets instead of its own.
 * Equal records are kept once, because a zone points most names to one place.
 */

import { TYPE_CNAME, TYPE_DNAME, TYPE_OPT } from '../wire/constants.ts';
import { typeFromText } from '../wire/text.ts';
import { nameOctets, WordProblem } from '../zones/escapes.ts';
import { Fields } from '../zones/fields.ts';
import { Lexer, type Token } from '../zones/lexer.ts';
import { parseRdata } from '../zones/rdata.ts';
import { NO_TYPE, SAYS_DATA } from './memory.ts';
import { NameReader } from './names.ts';
import type { RejectKind } from './rejects.ts';
import type { RpzOwner } from './rpz-owner.ts';
import type { SourceText } from './source-text.ts';

const decoder = new TextDecoder('latin1');

export class LocalData {
  readonly text: SourceText;
  readonly #reader = new NameReader();
  /** `TYPE rdata` as written, to its code or to why it is unusable. */
  readonly #codes = new Map<string, number | RejectKind>();

  #noCode = -1;

  constructor(text: SourceText) {
    this.text = text;
  }

  /** Code of the record of the line at hand, whose data begins at `from`. */
  recordCode(owner: RpzOwner, typeFrom: number, typeTo: number, from: number): number | RejectKind {
    const number = typeFromText(this.#latin(typeFrom, typeTo));
    if (number === null || isOfNoZone(number)) return 'syntax';
    // It would speak about other names (draft-vixie-dnsop-dns-rpz-00, section 3.6).
    if (number === TYPE_DNAME) return 'rpz-type';
    const rdata = this.#latin(from, this.text.to);
    const origin = owner.originText();
    return this.#memo(`${number} ${origin} ${rdata}`, () => {
      const octets = rdataOf(number, rdata, origin);
      return octets === null ? 'rpz-data' : this.#add(number, octets);
    });
  }

  /** Code of a name that has no data of any type: a query for it gets NODATA. */
  noCode(): number {
    if (this.#noCode === -1) this.#noCode = this.#add(NO_TYPE, new Uint8Array(0));
    return this.#noCode;
  }

  /** Code of a CNAME to a name of the line at hand. */
  targetCode(owner: RpzOwner, from: number, to: number): number | RejectKind {
    const target = owner.absoluteText(this.text.octets, from, to);
    if (target === null) return 'rpz-data';
    return this.#memo(`CNAME ${decoder.decode(target)}`, () => {
      // `rpz-passthru` without its dot: an action misspelt, not a name that anybody wants to reach.
      if (decoder.decode(target.subarray(0, 4)) === 'rpz-') return 'rpz-action';
      if (this.#reader.read(target, 0, target.length) !== null) return 'rpz-data';
      const { octets, length } = this.#reader.name;
      return this.#add(TYPE_CNAME, octets.slice(0, length));
    });
  }

  #latin(from: number, to: number): string {
    return decoder.decode(this.text.octets.subarray(from, to));
  }

  #memo(key: string, make: () => number | RejectKind): number | RejectKind {
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = make();
    this.#codes.set(key, code);
    return code;
  }

  #add(type: number, rdata: Uint8Array): number {
    this.text.records.push({ type, rdata });
    return SAYS_DATA + this.text.records.length - 1;
  }
}

/** RFC 6895 3.1: 0, OPT and the query types are never records of a zone. */
function isOfNoZone(type: number): boolean {
  return type === 0 || type === TYPE_OPT || (type >= 249 && type <= 255);
}

/** Wire form of data on one line; null where it cannot be read. */
function rdataOf(type: number, text: string, origin: string): Uint8Array | null {
  const tokens: Token[] = [];
  // A line that it cannot read gives no words, and no type has data without one.
  const lexer = new Lexer(text, () => {});
  for (let entry = lexer.next(); entry !== null; entry = lexer.next()) tokens.push(...entry.tokens);
  try {
    const apex = nameOctets(`${origin}.`, new Uint8Array(1));
    return parseRdata(type, new Fields(tokens, 0, apex));
  } catch (thrown) {
    if (thrown instanceof WordProblem) return null;
    throw thrown;
  }
}
