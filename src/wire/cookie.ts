/**
 * Server cookies (RFC 7873, in the layout of RFC 9018 4): made, and known again, without memory of
 * any client. Fast lane.
 *
 * ```
 *  0..7  client cookie, as it came
 *  8     version, 1; 9..11 reserved, 0
 * 12..15 when it was made, seconds since 1970 modulo 2^32
 * 16..23 SipHash-2-4 over the sixteen before and the client's address
 * ```
 *
 * Who can send a valid one has received it at its address before: over UDP the only proof that
 * there is of a source.
 */

import type { Query } from '../query.ts';
import { copyOctets, readU32, writeU32 } from './octets.ts';
import { sipHash, sipHigh, sipLow } from './siphash.ts';

export const CLIENT_COOKIE_SIZE = 8;
/** Client cookie and server cookie. */
export const FULL_COOKIE_SIZE = 24;
const HASHED = 16;
const VERSION = 1;

/** What is done about cookies, as `cookies` in the configuration says. */
export const COOKIES_OFF = 0;
/** A full cookie with every answer to a query that has one. */
export const COOKIES_ANSWERED = 1;
/** And over UDP nothing but that, while its server cookie is not valid. */
export const COOKIES_OFFERED = 2;
/** And over UDP nothing but TC to a query that has none. */
export const COOKIES_ALL = 3;

/** RFC 9018 4.3: valid for an hour, and from clocks five minutes ahead; renewed at half. */
const VALID_SECONDS = 3600;
const AHEAD_SECONDS = 300;
const RENEW_SECONDS = 1800;

/**
 * Secrets in shared memory: which one is in use, then three of four words. The one before it is
 * known still, and the next is written into the third, which nobody reads.
 */
export const SECRETS = 3;
export const SECRET_WORDS = 4;
export const SECRETS_SIZE = 1 + SECRETS * SECRET_WORDS;

export class ServerCookies {
  readonly #secrets: Int32Array;
  /** What is hashed: a cookie's first sixteen octets, then 4 or 16 of the client's address. */
  readonly #hashed = new Uint8Array(HASHED + 16);

  /** @param secrets SECRETS_SIZE words; see cookie-secrets.ts for who writes them */
  constructor(secrets: Int32Array) {
    this.#secrets = secrets;
  }

  /**
   * Looks at the cookie of a query, and puts the one for its response into `query.cookie`: the same
   * while it is new enough, else a fresh one.
   *
   * @returns whether the query's server cookie is valid
   */
  judge(query: Query): boolean {
    const { octets, cookieAt, cookieLength } = query;
    const hashed = this.#hashed;
    copyOctets(octets, cookieAt, hashed, 0, CLIENT_COOKIE_SIZE);
    const end = this.#putAddress(query);
    const now = Math.floor(query.wallMs / 1000) | 0;
    const newest = Atomics.load(this.#secrets, 0);
    let isValid = false;
    if (cookieLength === FULL_COOKIE_SIZE && octets[cookieAt + CLIENT_COOKIE_SIZE] === VERSION) {
      copyOctets(octets, cookieAt + CLIENT_COOKIE_SIZE, hashed, CLIENT_COOKIE_SIZE, 8);
      // RFC 1982: seconds are compared modulo 2^32.
      const age = (now - (readU32(hashed, 12) | 0)) | 0;
      if (age <= VALID_SECONDS && age >= -AHEAD_SECONDS) {
        isValid = this.#isBy(newest, end, octets, cookieAt + HASHED);
        if (isValid && age <= RENEW_SECONDS) {
          copyOctets(octets, cookieAt, query.cookie, 0, FULL_COOKIE_SIZE);
          return true;
        }
        isValid ||= this.#isBy((newest + 2) % SECRETS, end, octets, cookieAt + HASHED);
      }
    }
    this.#make(newest, end, now, query.cookie);
    return isValid;
  }

  #make(secret: number, end: number, now: number, cookie: Uint8Array): void {
    const hashed = this.#hashed;
    writeU32(hashed, CLIENT_COOKIE_SIZE, VERSION << 24);
    writeU32(hashed, 12, now);
    this.#hash(secret, end);
    copyOctets(hashed, 0, cookie, 0, HASHED);
    for (let i = 0; i < 4; i++) {
      cookie[HASHED + i] = sipLow >>> (i * 8);
      cookie[HASHED + 4 + i] = sipHigh >>> (i * 8);
    }
  }

  #isBy(secret: number, end: number, octets: Uint8Array, at: number): boolean {
    this.#hash(secret, end);
    // All of them, so that the time taken tells nobody how many were right.
    let wrong = 0;
    for (let i = 0; i < 4; i++) {
      wrong |= octets[at + i]! ^ ((sipLow >>> (i * 8)) & 0xff);
      wrong |= octets[at + 4 + i]! ^ ((sipHigh >>> (i * 8)) & 0xff);
    }
    return wrong === 0;
  }

  #hash(secret: number, end: number): void {
    sipHash(this.#hashed, 0, end, this.#secrets, 1 + secret * SECRET_WORDS);
  }

  /** The client's address, four octets when it is one of IPv4. @returns where it ends */
  #putAddress({ peer, peerAt }: Query): number {
    let isMapped = peer[peerAt + 10] === 0xff && peer[peerAt + 11] === 0xff;
    for (let i = 0; i < 10; i++) isMapped &&= peer[peerAt + i] === 0;
    const skipped = isMapped ? 12 : 0;
    copyOctets(peer, peerAt + skipped, this.#hashed, HASHED, 16 - skipped);
    return HASHED + 16 - skipped;
  }
}
