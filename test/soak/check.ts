/** Each answer of the valve against what is true; counts all, and keeps the first that are wrong. */

import { type Message, readMessage } from '../support/message.ts';
import type { Taken } from './asker.ts';
import { contentOf, highestTtl, type Oracle } from './oracle.ts';
import type { Stalls } from './stalls.ts';
import { ageOf } from './tick.ts';
import { type Question, TICK_TTL } from './world.ts';

const [NOERROR, SERVFAIL, NXDOMAIN] = [0, 2, 3];
const BLOCKED = 15;
export const FILTERED = 17;
const KEPT = 20;
/** What rounding to whole seconds at two ends may add. */
const ROUNDING = 1;

/** When SERVFAIL is an honest answer; wall clock, ms. */
export interface Outage {
  readonly fromMs: number;
  /** Infinity while it lasts. */
  untilMs: number;
}

/** From which moment on a switched name must be allowed, or denied; null while it changes. */
export type Switch = 'allowed' | 'denied' | null;

export class Check {
  readonly #oracle: Oracle;
  readonly #stalls: Stalls;
  readonly outages: Outage[] = [];
  /** What was so when a query was asked, newest last. */
  readonly switches: { readonly sinceMs: number; readonly to: Switch }[] = [];
  readonly counts = {
    answers: 0,
    servfail: 0,
    denied: 0,
    ticks: 0,
    switched: 0,
    lost: 0,
    excused: 0,
  };
  wrong = 0;
  readonly examples: string[] = [];
  /** Milliseconds, the longest answer that was no SERVFAIL and outside of outages. */
  slowestMs = 0;

  constructor(oracle: Oracle, stalls: Stalls) {
    this.#oracle = oracle;
    this.#stalls = stalls;
  }

  take(taken: Taken): void {
    this.counts.answers++;
    const nowMs = Date.now();
    let message: Message;
    try {
      message = readMessage(taken.octets);
    } catch (error) {
      this.#wrong(taken.question, `unreadable: ${String(error)}`);
      return;
    }
    const isOutage = this.#isOutage(taken.sentMs, nowMs);
    if (!isOutage) this.slowestMs = Math.max(this.slowestMs, nowMs - taken.sentMs);
    const problem = this.#problem(taken, message, nowMs, isOutage);
    if (problem !== null) this.#wrong(taken.question, problem);
  }

  /** Of a query that nothing was ever said to. */
  lost(question: Question, sentMs: number): void {
    this.counts.lost++;
    if (this.examples.length < KEPT) {
      this.examples.push(`lost: ${question.name} ${question.type}, asked ${iso(sentMs)}`);
    }
  }

  #problem(taken: Taken, message: Message, nowMs: number, isOutage: boolean): string | null {
    const { question } = taken;
    if (question.kind === 'denied') return this.#denied(message, BLOCKED);
    if (question.kind === 'listed') return this.#denied(message, FILTERED);
    if (question.kind === 'switched') {
      const to = this.#switchAt(taken.sentMs, nowMs);
      if (to !== 'allowed') return to === null ? null : this.#denied(message, BLOCKED);
      this.counts.switched++;
    }
    if (message.rcode === SERVFAIL) {
      this.counts.servfail++;
      if (isOutage) return null;
      return this.#late(taken.sentMs, nowMs, `SERVFAIL (EDE ${message.ede}), the upstreams are up`);
    }
    return question.kind === 'tick'
      ? this.#tick(message, nowMs, taken.sentMs)
      : this.#data(question, message);
  }

  #denied(message: Message, ede: number): string | null {
    this.counts.denied++;
    const isDenial = message.rcode === NXDOMAIN && message.answers.length === 0;
    if (isDenial && message.ede === ede) return null;
    return `not denied: rcode ${message.rcode}, EDE ${message.ede}`;
  }

  #data(question: Question, message: Message): string | null {
    const { rcode, answers, ttlMax } = this.#oracle.truthOf(question);
    if (message.rcode !== rcode) return `rcode ${message.rcode}, not ${rcode}`;
    const content = contentOf(message);
    if (content !== answers) return `answered\n${content}\n  and not\n${answers}`;
    const ttl = highestTtl(message);
    return ttl <= ttlMax ? null : `a TTL of ${ttl}, over ${ttlMax}`;
  }

  /** The address says when it was made: its age and its TTL together are no more than at first. */
  #tick(message: Message, nowMs: number, sentMs: number): string | null {
    this.counts.ticks++;
    const [record] = message.answers;
    if (message.rcode !== NOERROR || record === undefined) return `rcode ${message.rcode}`;
    const ageMax = ageOf(record.rdata, nowMs);
    const ageMin = ageOf(record.rdata, sentMs);
    if (ageMax < 0) return `made ${-ageMax} s in the future`;
    const whole = record.ttl + Math.max(0, ageMin);
    if (whole <= TICK_TTL + ROUNDING) return null;
    return this.#late(sentMs, nowMs, `TTL ${record.ttl} at an age of ${ageMin} s`);
  }

  /** What only time makes wrong is judged where time was kept. */
  #late(sentMs: number, nowMs: number, problem: string): string | null {
    if (!this.#stalls.covers(sentMs, nowMs)) return problem;
    this.counts.excused++;
    return null;
  }

  #switchAt(sentMs: number, nowMs: number): Switch {
    const before = this.switches.findLast(({ sinceMs }) => sinceMs < sentMs);
    const during = this.switches.some(({ sinceMs }) => sinceMs >= sentMs && sinceMs <= nowMs);
    return during ? null : (before?.to ?? null);
  }

  #isOutage(sentMs: number, nowMs: number): boolean {
    return this.outages.some(({ fromMs, untilMs }) => nowMs >= fromMs && sentMs <= untilMs);
  }

  #wrong({ name, type }: Question, problem: string): void {
    this.wrong++;
    if (this.examples.length < KEPT) {
      this.examples.push(`${iso(Date.now())} ${name} ${type}: ${problem}`);
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
