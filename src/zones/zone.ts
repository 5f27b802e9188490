/**
 * Zone: the records of one local zone as RRsets, and the rules that hold between records. It does
 * not read text (master.ts) and does not answer (compile.ts, answer.ts).
 *
 * NS records below the apex are data like any other: these zones do not delegate. A name that
 * should be asked elsewhere is a forward rule.
 */

import { type Problem, ProblemsError } from '../errors.ts';
import { TYPE_CNAME, TYPE_DNAME, TYPE_NSEC, TYPE_RRSIG, TYPE_SOA } from '../wire/constants.ts';
import { readU16 } from '../wire/octets.ts';
import { nameToText, typeToText } from '../wire/text.ts';
import { isWithin, keyOf, lowerCase, parentOf } from './escapes.ts';

/** Where something stands in a master file; line and column are 1-based. */
export interface ZonePlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

export interface RrSet {
  readonly type: number;
  /** For RRSIG the type that is signed, else 0: each signed type has a set of its own. */
  readonly covered: number;
  /** Seconds; the lowest of the set (RFC 2181 5.2). */
  ttl: number;
  /** Uncompressed wire data, without duplicates, in the order of the file. */
  readonly rdatas: Uint8Array[];
  readonly at: ZonePlace;
}

export interface ZoneNode {
  /** Lower-case wire name. */
  readonly owner: Uint8Array;
  readonly sets: RrSet[];
}

export interface Zone {
  /** Lower-case wire name. */
  readonly apex: Uint8Array;
  readonly file: string;
  /** Names with records; empty non-terminals are not listed. */
  readonly nodes: readonly ZoneNode[];
}

export interface Rr {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
  readonly at: ZonePlace;
}

/** More problems than this are not listed: the file is not a master file at all. */
const PROBLEMS_MAX = 500;
const MESSAGE_MAX = 300;
/** An RRset with its question and our OPT has to fit one message over TCP. */
const RRSET_MAX_OCTETS = 64_000;
/** KEY (RFC 2535) is allowed beside CNAME like the other two (RFC 4034 2.5). */
const TYPE_KEY = 25;
const TYPE_NS = 2;
const TYPE_PTR = 12;

/** Problems of one zone, in the order of the lines in which they are found. */
export class Problems {
  readonly #list: Problem[] = [];

  add(at: ZonePlace, message: string): void {
    if (this.#list.length > PROBLEMS_MAX) return;
    const isLast = this.#list.length === PROBLEMS_MAX;
    const shown = isLast ? 'and more problems, not listed' : showable(message);
    this.#list.push({ ...at, path: '', message: shown });
  }

  /** @throws ProblemsError ZONE when there are any */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new ProblemsError('ZONE', this.#list);
  }
}

/** What a file quotes reaches terminals: no control octet (C1 included) and no endless line. */
function showable(message: string): string {
  const cut = message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)}...` : message;
  return cut.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    return `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
  });
}

/** Collects the records of a zone and checks what holds between them. */
export class ZoneBuilder {
  readonly #apex: Uint8Array;
  readonly #file: string;
  readonly #problems: Problems;
  readonly #nodes = new Map<string, ZoneNode>();
  /** Records so far, as strings that are equal when the records are. */
  readonly #seen = new Set<string>();
  /** Set when a SOA was at least attempted: one that cannot be read is not missing as well. */
  soaSeen = false;

  /** @param apex lower-case wire name */
  constructor(apex: Uint8Array, file: string, problems: Problems) {
    this.#apex = apex;
    this.#file = file;
    this.#problems = problems;
  }

  add(rr: Rr): void {
    const owner = lowerCase(rr.owner);
    if (!isWithin(owner, this.#apex)) {
      const zone = nameToText(this.#apex);
      this.#problems.add(rr.at, `${nameToText(owner)} is not in ${zone}; use a name in the zone`);
      return;
    }
    const key = keyOf(owner);
    const node = this.#nodes.get(key) ?? { owner, sets: [] };
    this.#nodes.set(key, node);
    this.#addToNode(node, rr);
  }

  #addToNode(node: ZoneNode, rr: Rr): void {
    const covered = rr.type === TYPE_RRSIG && rr.rdata.length >= 2 ? readU16(rr.rdata, 0) : 0;
    const set = node.sets.find((other) => other.type === rr.type && other.covered === covered);
    if (set === undefined) {
      node.sets.push({ type: rr.type, covered, ttl: rr.ttl, rdatas: [rr.rdata], at: rr.at });
    } else {
      set.ttl = Math.min(set.ttl, rr.ttl);
    }
    const record = `${keyOf(node.owner)}/${rr.type}/${comparable(rr)}`;
    // RFC 2181 5: a record that stands twice is one record.
    if (this.#seen.has(record)) return;
    this.#seen.add(record);
    if (set === undefined) return;
    set.rdatas.push(rr.rdata);
    if (rr.type === TYPE_CNAME || rr.type === TYPE_DNAME || rr.type === TYPE_SOA) {
      const what = `${nameToText(node.owner)} has two ${typeToText(rr.type)} records`;
      this.#problems.add(rr.at, `${what}; keep one`);
    }
  }

  /** The zone; what is wrong with it is added to the problems. */
  finish(): Zone {
    const start = { file: this.#file, line: 0, col: 0 };
    if (!this.soaSeen) {
      this.#problems.add(start, `no SOA record at ${nameToText(this.#apex)}; a zone has one`);
    }
    for (const node of this.#nodes.values()) this.#checkNode(node);
    return { apex: this.#apex, file: this.#file, nodes: [...this.#nodes.values()] };
  }

  #checkNode(node: ZoneNode): void {
    for (const set of node.sets) {
      if (set.type === TYPE_SOA && node.owner.length !== this.#apex.length) {
        const what = `SOA at ${nameToText(node.owner)}`;
        this.#problems.add(set.at, `${what}; it stands at the apex only`);
      }
      if (set.type === TYPE_CNAME) this.#checkAlone(node, set);
      const octets = set.rdatas.reduce((sum, rdata) => sum + rdata.length + 12, 0);
      if (octets > RRSET_MAX_OCTETS) {
        this.#problems.add(set.at, `${octets} octets of ${typeToText(set.type)} fit no message`);
      }
    }
    this.#checkNotBelowDname(node);
  }

  /** RFC 1034 3.6.2, RFC 2181 10.1: no other data beside a CNAME but what signs it. */
  #checkAlone(node: ZoneNode, cname: RrSet): void {
    const beside = new Set([TYPE_CNAME, TYPE_RRSIG, TYPE_NSEC, TYPE_KEY]);
    const other = node.sets.find((set) => !beside.has(set.type));
    if (other === undefined) return;
    const what = `${nameToText(node.owner)} has a CNAME and ${typeToText(other.type)}`;
    this.#problems.add(cname.at, `${what}; a CNAME stands alone`);
  }

  /** RFC 6672 2.4: names below a DNAME cannot be reached. */
  #checkNotBelowDname(node: ZoneNode): void {
    if (node.owner.length === this.#apex.length) return;
    for (let name = parentOf(node.owner); name !== null; name = parentOf(name)) {
      const above = this.#nodes.get(keyOf(name))?.sets.some((set) => set.type === TYPE_DNAME);
      const first = node.sets[0];
      if (above === true && first !== undefined) {
        const what = `${nameToText(node.owner)} lies below the DNAME of ${nameToText(name)}`;
        this.#problems.add(first.at, `${what}; remove one of them`);
      }
      if (name.length === this.#apex.length) return;
    }
  }
}

/** Data as a string that is equal when the data is; single names compare without case. */
function comparable(rr: Rr): string {
  const isName = [TYPE_NS, TYPE_CNAME, TYPE_PTR, TYPE_DNAME].includes(rr.type);
  return keyOf(isName ? lowerCase(rr.rdata) : rr.rdata);
}
