/**
 * What the feed parsers could not use, counted by kind: a list that is half ignored must say so.
 */

/**
 * Why a line, or a name on it, is not an entry.
 *
 * name: not a host name; address: an address where a name belongs; url: path or scheme;
 * syntax: none of the forms of its format; hosts-address: a hosts line that redirects to a real
 * address; cosmetic, regex, pattern, modifier: rules that a browser can apply and a resolver
 * cannot; rpz-*: triggers, types, data and actions of response policy zones that are not served. A
 * name with rpz-type, rpz-data or rpz-wildcard-target is listed all the same.
 */
export type RejectKind =
  | 'name'
  | 'address'
  | 'url'
  | 'syntax'
  | 'hosts-address'
  | 'cosmetic'
  | 'regex'
  | 'pattern'
  | 'modifier'
  | 'rpz-ip'
  | 'rpz-client-ip'
  | 'rpz-nsip'
  | 'rpz-nsdname'
  | 'rpz-tcp-only'
  | 'rpz-action'
  | 'rpz-type'
  | 'rpz-data'
  | 'rpz-wildcard-target'
  | 'rpz-outside-zone';

export interface Reject {
  readonly kind: RejectKind;
  readonly count: number;
  /** 1-based line of the first one. */
  readonly firstLine: number;
  /** Text of the first one, printable, at most 80 characters. */
  readonly sample: string;
}

const SAMPLE_OCTETS_MAX = 80;

export class Rejects {
  readonly #byKind = new Map<RejectKind, { count: number; firstLine: number; sample: string }>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Counts one; the text is kept for the first of each kind. */
  add(kind: RejectKind, line: number, octets: Uint8Array, from: number, to: number): void {
    this.#total++;
    const known = this.#byKind.get(kind);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const clipped = octets.slice(from, Math.min(to, from + SAMPLE_OCTETS_MAX));
    // A feed is written by strangers and this is shown on terminals.
    const sample = new TextDecoder().decode(clipped).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
    this.#byKind.set(kind, { count: 1, firstLine: line, sample });
  }

  /** The kinds that occurred, most frequent first. */
  list(): Reject[] {
    return [...this.#byKind]
      .map(([kind, seen]) => ({ kind, ...seen }))
      .sort((a, b) => b.count - a.count || a.firstLine - b.firstLine);
  }
}
