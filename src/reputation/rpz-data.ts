/**
 * Local data of a response policy zone: the CNAME, A and AAAA records that a listed name gets
 * instead of its own. Equal records are kept once, because a zone points most names to one place.
 */

import ipaddr from 'ipaddr.js';
import { TYPE_A, TYPE_AAAA, TYPE_CNAME } from '../wire/constants.ts';
import { SAYS_DATA } from './memory.ts';
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

  constructor(text: SourceText) {
    this.text = text;
  }

  /** Code of an A or AAAA record of the line at hand; other types are not served. */
  addressCode(typeFrom: number, typeTo: number, from: number, to: number): number | RejectKind {
    const type = this.#latin(typeFrom, typeTo).toUpperCase();
    if (type !== 'A' && type !== 'AAAA') return 'rpz-type';
    const address = this.#latin(from, to);
    return this.#memo(`${type} ${address}`, () => {
      const valid =
        type === 'A' ? ipaddr.IPv4.isValidFourPartDecimal(address) : ipaddr.IPv6.isValid(address);
      if (!valid) return 'rpz-data';
      const rdata = Uint8Array.from(ipaddr.parse(address).toByteArray());
      return this.#add(type === 'A' ? TYPE_A : TYPE_AAAA, rdata);
    });
  }

  /** Code of a CNAME to a name of the line at hand. */
  targetCode(owner: RpzOwner, from: number, to: number): number | RejectKind {
    const target = owner.absoluteText(this.text.octets, from, to);
    if (target === null) return 'rpz-data';
    return this.#memo(`CNAME ${decoder.decode(target)}`, () => {
      // `rpz-passthru` without its dot: an action misspelt, not a name that anybody wants to reach.
      if (decoder.decode(target.subarray(0, 4)) === 'rpz-') return 'rpz-data';
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
