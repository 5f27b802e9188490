/**
 * An upstream whose every answer has an address of its own, and what is known of each answer: when
 * it was made, and when the first copy of it came to whoever asked. By then the resolver had it, so
 * that from then on its age is known without regard to what waited where.
 */

import { A, QNAME, record } from '../support/records.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import { TICK_TTL } from './world.ts';

/** Of the address: one that is no private one. The other three octets are the number. */
const FIRST_OCTET = 8;
const NUMBER_MAX = 0xffffff;
/** A TTL is in whole seconds: what it says may be up to one more than what is left. */
const ROUNDING_MS = 1000;

interface Tick {
  readonly name: string;
  readonly madeMs: number;
  /** When the first copy came; infinity before. */
  seenMs: number;
}

export class Ticks {
  readonly #all: Tick[] = [];
  /** From an answer to its first copy, at most, ms: how long it waited on the way. */
  slowestMs = 0;
  /** Answers that were seen again at a known age, and the highest age, ms. */
  aged = 0;
  oldestMs = 0;

  readonly answer = (asked: Asked): void => {
    const rdata = Buffer.alloc(4);
    rdata.writeUInt32BE(this.#all.length & NUMBER_MAX);
    rdata[0] = FIRST_OCTET;
    this.#all.push({ name: asked.name.toLowerCase(), madeMs: Date.now(), seenMs: Infinity });
    asked.reply(answerTo(asked, { answers: [record(QNAME, A, rdata, TICK_TTL)] }));
  };

  /**
   * What is wrong with one copy; null where nothing is.
   *
   * @param rdata hexadecimal
   */
  check(
    name: string,
    { rdata, ttl }: { rdata: string; ttl: number },
    sentMs: number,
  ): string | null {
    const tick = this.#all[Number.parseInt(rdata.slice(2), 16)];
    if (tick === undefined || tick.name !== name) return `an address that nobody gave: ${rdata}`;
    if (ttl > TICK_TTL) return `a TTL of ${ttl}, over ${TICK_TTL}`;
    const nowMs = Date.now();
    if (sentMs <= tick.seenMs) {
      if (tick.seenMs === Infinity) this.slowestMs = Math.max(this.slowestMs, nowMs - tick.madeMs);
      tick.seenMs = Math.min(tick.seenMs, nowMs);
      return null;
    }
    const ageMs = sentMs - tick.seenMs;
    this.aged++;
    this.oldestMs = Math.max(this.oldestMs, ageMs);
    if (ttl * 1000 + ageMs < TICK_TTL * 1000 + ROUNDING_MS) return null;
    return `TTL ${ttl} at an age of at least ${ageMs} ms`;
  }
}
