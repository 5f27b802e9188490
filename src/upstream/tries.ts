/**
 * Tries: which queries are on the wire, found again by the socket and the id of an answer.
 *
 * Each flight has two tries, the newest and the one before, so that an answer which arrives after
 * the retry left is still good; older ones are forgotten. Behind them stand single tries for probes
 * of servers, which belong to no flight. Each flight and probe has a row: the question as it was
 * asked, with the case that we chose.
 *
 * ```
 *   try   0 .. 2N-1      tries of the flights: flight f has 2f and 2f+1      row  try / 2
 *         2N .. 2N+P-1   probes                                             row  try - N
 * ```
 */

import { type Inflight, NAME_STRIDE } from './inflight.ts';
import { randomU16 } from './random.ts';

/** Draws of an id before we give up; at 32,768 ids taken on one socket, one in 65,536 fails. */
const DRAWS_MAX = 16;

export class Tries {
  readonly flights: number;
  /** Socket that the query left from / index in the socket table / -1: not on the wire. */
  readonly socket: Int32Array;
  /** Id of the query / as on the wire / 0..65535. */
  readonly id: Uint16Array;
  /** When it left / ms of the monotonic clock / as given. */
  readonly sentMs: Float64Array;
  /** Names as asked / octets with 0x20 case / row `r` at `r * NAME_STRIDE`. */
  readonly asked: Uint8Array;
  /** Octets of each asked name / octets / 1..255. */
  readonly askedLength: Uint16Array;
  /** Asked type / RR type / 0..65535. */
  readonly askedType: Uint16Array;

  /** First try of each bucket / try / -1 for none. */
  readonly #buckets: Int32Array;
  /** Next try of the bucket / try / -1 for none. */
  readonly #next: Int32Array;

  /** @param flights capacity of the Inflight table; @param probes single tries behind them */
  constructor(flights: number, probes: number) {
    const tries = flights * 2 + probes;
    const rows = flights + probes;
    this.flights = flights;
    this.socket = new Int32Array(tries).fill(-1);
    this.id = new Uint16Array(tries);
    this.sentMs = new Float64Array(tries);
    this.asked = new Uint8Array(rows * NAME_STRIDE);
    this.askedLength = new Uint16Array(rows);
    this.askedType = new Uint16Array(rows);
    this.#buckets = new Int32Array(flights * 4).fill(-1);
    this.#next = new Int32Array(tries).fill(-1);
  }

  rowOf(attempt: number): number {
    return attempt < this.flights * 2 ? attempt >>> 1 : attempt - this.flights;
  }

  isProbe(attempt: number): boolean {
    return attempt >= this.flights * 2;
  }

  /** The try of probe `probe`, 0..probes-1. */
  probe(probe: number): number {
    return this.flights * 2 + probe;
  }

  /**
   * Writes the flight's question into `row`, in a case that nobody can guess: one bit for every
   * letter on top of id and port (draft-vixie-dnsext-dns0x20).
   */
  ask(inflight: Inflight, flight: number, row: number): void {
    const from = flight * NAME_STRIDE;
    const to = row * NAME_STRIDE;
    const length = inflight.nameLength[flight]!;
    let bits = 0;
    let left = 0;
    for (let i = 0; i < length; i++) {
      const octet = inflight.nameOctets[from + i]!;
      // Length octets are under 64, so they are never taken for letters.
      if (octet < 97 /* 'a' */ || octet > 122 /* 'z' */) {
        this.asked[to + i] = octet;
        continue;
      }
      if (left === 0) {
        bits = randomU16();
        left = 16;
      }
      this.asked[to + i] = octet - ((bits & 1) << 5);
      bits >>>= 1;
      left--;
    }
    this.askedLength[row] = length;
    this.askedType[row] = inflight.qtype[flight]!;
  }

  /**
   * Puts a try on the wire of `socket` with a fresh random id.
   *
   * @returns the id, or -1 when no free one was drawn; the try is not on the wire then
   */
  open(attempt: number, socket: number, nowMs: number): number {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const id = randomU16();
      if (this.find(socket, id) !== -1) continue;
      this.socket[attempt] = socket;
      this.id[attempt] = id;
      this.sentMs[attempt] = nowMs;
      const bucket = this.#bucketOf(socket, id);
      this.#next[attempt] = this.#buckets[bucket]!;
      this.#buckets[bucket] = attempt;
      return id;
    }
    return -1;
  }

  /** @returns the try that left from `socket` with `id`, or -1 */
  find(socket: number, id: number): number {
    let attempt = this.#buckets[this.#bucketOf(socket, id)]!;
    for (let steps = 0; attempt !== -1 && steps < this.socket.length; steps++) {
      if (this.id[attempt] === id && this.socket[attempt] === socket) return attempt;
      attempt = this.#next[attempt]!;
    }
    return -1;
  }

  /** Takes a try off the wire: an answer to it finds nothing. @returns its socket, or -1 */
  drop(attempt: number): number {
    const socket = this.socket[attempt]!;
    if (socket === -1) return -1;
    this.socket[attempt] = -1;
    const bucket = this.#bucketOf(socket, this.id[attempt]!);
    const after = this.#next[attempt]!;
    let at = this.#buckets[bucket]!;
    if (at === attempt) {
      this.#buckets[bucket] = after;
      return socket;
    }
    for (let steps = 0; steps < this.socket.length; steps++) {
      const next = this.#next[at]!;
      if (next === attempt) {
        this.#next[at] = after;
        break;
      }
      at = next;
    }
    return socket;
  }

  /** Ids are random, so they spread by themselves; the socket only shifts them. */
  #bucketOf(socket: number, id: number): number {
    return (id ^ Math.imul(socket, 0x9e37)) & (this.#buckets.length - 1);
  }
}
