/**
 * UpstreamCookie: the cookie between us and one server (RFC 7873 5.1, 5.3). A forger off the path
 * sees neither half of it, so an answer of a server that is known to send cookies counts only with
 * ours in it: 64 bits on top of id, port and letter case.
 *
 * A server that stops sending them is found out over TCP, where nobody off the path can forge; one
 * that stumbles over the option gets none for an hour. No cookie of a client is ever at hand here.
 */

import { BADCOOKIE, HEADER_SIZE, OPTION_COOKIE, TYPE_OPT } from '../wire/constants.ts';
import { CLIENT_COOKIE_SIZE } from '../wire/cookie.ts';
import {
  additionalCount,
  answerCount,
  authorityCount,
  messageFlags,
  rcodeOf,
} from '../wire/header.ts';
import { skipName } from '../wire/name.ts';
import { copyOctets, readU16, writeU16 } from '../wire/octets.ts';
import { randomU16 } from './random.ts';

/** Nothing to object to. */
export const COOKIE_FINE = 0;
/** It has not our cookie, and must: as good as forged. */
export const COOKIE_WRONG = 1;
/** BADCOOKIE with a server cookie that will do: worth asking again. */
export const COOKIE_RENEWED = 2;

/** A server cookie has 8 to 32 octets. */
const SERVER_COOKIE_MIN = 8;
const SERVER_COOKIE_MAX = 32;
/** Octets that `append` adds at most. */
export const COOKIE_OPTION_MAX = 4 + CLIENT_COOKIE_SIZE + SERVER_COOKIE_MAX;
/** A client cookie serves so long; without cookies a server is asked for as long. */
const RENEW_MS = 3_600_000;
/** Timeouts in a row after which a server of which nothing is known is asked without. */
const SILENCE = 2;

/** What `find` found. */
const ABSENT = 0;
const FOREIGN = 1;
const OURS = 2;

export class UpstreamCookie {
  /** The server has sent our cookie back with one of its own, and is held to it. */
  isKnown = false;
  /** The last answer that was judged had an OPT record. */
  hadOpt = false;
  readonly #client = new Uint8Array(CLIENT_COOKIE_SIZE);
  /** The one before: answers to what left with it may be under way. */
  readonly #before = new Uint8Array(CLIENT_COOKIE_SIZE);
  readonly #server = new Uint8Array(SERVER_COOKIE_MAX);
  #serverLength = 0;
  #nowMs: number;
  #renewMs = 0;
  #offUntilMs = 0;
  /** What `find` learnt, until it is taken over. */
  #upperRcode = 0;
  #foundAt = 0;
  #foundLength = 0;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    this.#renew();
  }

  /** The clock, a few times a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs >= this.#renewMs) this.#renew();
  }

  /**
   * Adds our cookie to a query that ends in our OPT record.
   *
   * @param streak timeouts of the server since its last answer
   * @returns the length of the message from `at` on
   */
  append(out: Uint8Array, at: number, length: number, streak: number): number {
    if (this.#isOff(streak)) return length;
    const size = CLIENT_COOKIE_SIZE + this.#serverLength;
    const option = at + length;
    writeU16(out, option - 2, 4 + size);
    writeU16(out, option, OPTION_COOKIE);
    writeU16(out, option + 2, size);
    copyOctets(this.#client, 0, out, option + 4, CLIENT_COOKIE_SIZE);
    copyOctets(this.#server, 0, out, option + 4 + CLIENT_COOKIE_SIZE, this.#serverLength);
    return length + 4 + size;
  }

  /**
   * Looks at a message over UDP that answers a question of ours in all else, and takes over the
   * server's cookie.
   */
  judge(octets: Uint8Array, start: number, end: number, streak: number): number {
    const wasOff = this.#isOff(streak);
    const found = this.#find(octets, start, end);
    // It answers what has no cookie, and was silent to what had: something on the way drops it.
    if (wasOff && streak >= SILENCE) this.#offUntilMs = this.#nowMs + RENEW_MS;
    if (found === FOREIGN || (found === ABSENT && this.isKnown)) return COOKIE_WRONG;
    if (found === ABSENT || this.#foundLength === 0) return COOKIE_FINE;
    this.#learn(octets);
    return this.#isBadCookie(octets, start) ? COOKIE_RENEWED : COOKIE_FINE;
  }

  /** The same over TCP: whatever it says is the server's own word. */
  judgeStream(octets: Uint8Array, start: number, end: number): number {
    const found = this.#find(octets, start, end);
    if (found === OURS && this.#foundLength > 0) {
      this.#learn(octets);
      return this.#isBadCookie(octets, start) ? COOKIE_RENEWED : COOKIE_FINE;
    }
    this.isKnown = false;
    this.#serverLength = 0;
    if (found === FOREIGN) this.#offUntilMs = this.#nowMs + RENEW_MS;
    return COOKIE_FINE;
  }

  /**
   * The server called a query a FORMERR, whose OPT record it understood.
   *
   * @returns whether our cookie may be why; then it gets none for an hour
   */
  giveUp(): boolean {
    if (!this.hadOpt || this.isKnown || this.#nowMs < this.#offUntilMs) return false;
    this.#offUntilMs = this.#nowMs + RENEW_MS;
    return true;
  }

  #isOff(streak: number): boolean {
    return !this.isKnown && (this.#nowMs < this.#offUntilMs || streak >= SILENCE);
  }

  #renew(): void {
    this.#before.set(this.#client);
    for (let i = 0; i < CLIENT_COOKIE_SIZE; i += 2) writeU16(this.#client, i, randomU16());
    // The server's is bound to the one before.
    this.#serverLength = 0;
    this.#renewMs = this.#nowMs + RENEW_MS;
  }

  #learn(octets: Uint8Array): void {
    copyOctets(octets, this.#foundAt, this.#server, 0, this.#foundLength);
    this.#serverLength = this.#foundLength;
    this.isKnown = true;
  }

  /** The first COOKIE option of the OPT record; what cannot be walked has none. */
  #find(octets: Uint8Array, start: number, end: number): number {
    this.hadOpt = false;
    this.#foundLength = 0;
    const records =
      answerCount(octets, start) + authorityCount(octets, start) + additionalCount(octets, start);
    let at = skipName(octets, start + HEADER_SIZE, end) + 4;
    for (let record = 0; record < records; record++) {
      at = skipName(octets, at, end);
      if (at === -1 || at + 10 > end) return ABSENT;
      const next = at + 10 + readU16(octets, at + 8);
      if (next > end) return ABSENT;
      if (readU16(octets, at) === TYPE_OPT) return this.#findOption(octets, at, next);
      at = next;
    }
    return ABSENT;
  }

  /** @param opt the type field of the OPT record; @param end the end of its options */
  #findOption(octets: Uint8Array, opt: number, end: number): number {
    this.hadOpt = true;
    this.#upperRcode = octets[opt + 4]!;
    let at = opt + 10;
    while (at + 4 <= end) {
      const size = readU16(octets, at + 2);
      if (at + 4 + size > end) return ABSENT;
      if (readU16(octets, at) === OPTION_COOKIE) return this.#compare(octets, at + 4, size);
      at += 4 + size;
    }
    return ABSENT;
  }

  /** A client cookie alone proves the server as well, but is nothing to hold it to. */
  #compare(octets: Uint8Array, at: number, size: number): number {
    const length = size - CLIENT_COOKIE_SIZE;
    if (length < 0 || length > SERVER_COOKIE_MAX) return FOREIGN;
    if (length > 0 && length < SERVER_COOKIE_MIN) return FOREIGN;
    const isOurs = equal(this.#client, octets, at);
    if (!isOurs && !equal(this.#before, octets, at)) return FOREIGN;
    this.#foundAt = at + CLIENT_COOKIE_SIZE;
    this.#foundLength = isOurs ? length : 0;
    return OURS;
  }

  #isBadCookie(octets: Uint8Array, start: number): boolean {
    return ((this.#upperRcode << 4) | rcodeOf(messageFlags(octets, start))) === BADCOOKIE;
  }
}

function equal(cookie: Uint8Array, octets: Uint8Array, at: number): boolean {
  let wrong = 0;
  for (let i = 0; i < CLIENT_COOKIE_SIZE; i++) wrong |= cookie[i]! ^ octets[at + i]!;
  return wrong === 0;
}
