/** Each answer of the valve against what is true; counts all, and keeps the first that are wrong. */

import { type Message, readMessage } from '../support/message.ts';
import type { Taken } from './asker.ts';
import { contentOf, type Oracle } from './oracle.ts';
import { PatternReader } from './pattern.ts';
import type { Stalls } from './stalls.ts';
import type { Ticks } from './ticks.ts';
import type { Question } from './world.ts';

const [NOERROR, SERVFAIL, NXDOMAIN] = [0, 2, 3];
const BLOCKED = 15;
export const FILTERED = 17;
const KEPT = 20;
/** Octets of one question's answers that are known: the order of records and what is in force. */
const PATTERNS_MAX = 100;

/** When SERVFAIL is an honest answer; wall clock, ms. */
export interface Outage {
  readonly fromMs: number;
  /** Infinity while it lasts. */
  untilMs: number;
}

/** From which moment on a switched name must be allowed, or denied; null while it changes. */
export type Switch = 'allowed' | 'denied' | null;

/** What an answer is, apart from when it came. */
type Kind = 'data' | 'denied' | 'filtered' | 'failed' | 'tick';
interface Found {
  readonly kind: Kind;
  /** Of a tick, which is read each time, and of a failure, which is told. */
  readonly message: Message | null;
  readonly highestTtl: number;
}

/** What the answers to each kind of question are, where nothing fails. */
const WANTED = {
  data: 'data',
  denied: 'denied',
  listed: 'filtered',
  tick: 'tick',
} as const satisfies Partial<Record<Question['kind'], Kind>>;

export interface CheckSources {
  readonly oracle: Oracle;
  readonly ticks: Ticks;
  readonly stalls: Stalls;
}

export class Check {
  readonly #oracle: Oracle;
  readonly #ticks: Ticks;
  readonly #stalls: Stalls;
  readonly #reader = new PatternReader();
  readonly #known = new WeakMap<Question, Map<string, Kind>>();
  readonly outages: Outage[] = [];
  /** What was so when a query was asked, newest last. */
  readonly switches: { readonly sinceMs: number; readonly to: Switch }[] = [];
  readonly counts = {
    answers: 0,
    /** Of these, read apart; the others had the octets of one that was. */
    readApart: 0,
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

  constructor({ oracle, ticks, stalls }: CheckSources) {
    this.#oracle = oracle;
    this.#ticks = ticks;
    this.#stalls = stalls;
  }

  take(taken: Taken): void {
    this.counts.answers++;
    const { question, sentMs } = taken;
    const nowMs = Date.now();
    const slow = nowMs - sentMs;
    if (slow > this.slowestMs && !this.#isOutage(sentMs, nowMs)) this.slowestMs = slow;
    try {
      const found = this.#find(question, taken.octets);
      const problem = typeof found === 'string' ? found : this.#judge(taken, found, nowMs);
      if (problem !== null) this.#wrong(question, problem);
    } catch (error) {
      this.#wrong(question, `unreadable: ${String(error)}`);
    }
  }

  /** Of a query that nothing was ever said to. */
  lost(question: Question, sentMs: number): void {
    this.counts.lost++;
    if (this.examples.length < KEPT) {
      this.examples.push(`lost: ${question.name} ${question.type}, asked ${iso(sentMs)}`);
    }
  }

  /** What an answer is, or what is wrong with it whenever it came. */
  #find(question: Question, octets: Buffer): Found | string {
    const pattern = this.#reader.read(octets);
    const { highestTtl } = this.#reader;
    const known = this.#patternsOf(question);
    const kind = pattern === null ? undefined : known.get(pattern);
    if (kind !== undefined) return { kind, message: null, highestTtl };
    this.counts.readApart++;
    const message = readMessage(octets);
    const read = this.#kindOf(question, message);
    if (read === null) return this.#contradiction(question, message);
    // The others are told of one by one, or are never the same twice.
    const isKept = read === 'data' || read === 'denied' || read === 'filtered';
    if (isKept && pattern !== null && known.size < PATTERNS_MAX) known.set(pattern, read);
    return { kind: read, message, highestTtl };
  }

  #patternsOf(question: Question): Map<string, Kind> {
    let known = this.#known.get(question);
    if (known === undefined) {
      known = new Map();
      this.#known.set(question, known);
    }
    return known;
  }

  /** Null for what is none of them. */
  #kindOf(question: Question, message: Message): Kind | null {
    const { rcode, ede, answers } = message;
    if (rcode === SERVFAIL) return 'failed';
    const isDenial = rcode === NXDOMAIN && answers.length === 0;
    if (isDenial && ede === BLOCKED) return 'denied';
    if (isDenial && ede === FILTERED) return 'filtered';
    if (question.kind === 'tick') return rcode === NOERROR && answers.length === 1 ? 'tick' : null;
    if (question.kind !== 'data' && question.kind !== 'switched') return null;
    const truth = this.#oracle.truthOf(question);
    return rcode === truth.rcode && contentOf(message) === truth.answers ? 'data' : null;
  }

  #contradiction(question: Question, message: Message): string {
    const shown = `rcode ${message.rcode}, EDE ${message.ede}`;
    if (question.kind !== 'data' && question.kind !== 'switched') return shown;
    const { rcode, answers } = this.#oracle.truthOf(question);
    return `${shown}, answered\n${contentOf(message)}\n  and not rcode ${rcode}\n${answers}`;
  }

  #judge({ question, sentMs }: Taken, found: Found, nowMs: number): string | null {
    const { kind, message, highestTtl } = found;
    if (kind === 'denied' || kind === 'filtered') this.counts.denied++;
    const to = question.kind === 'switched' ? this.#switchAt(sentMs, nowMs) : 'allowed';
    if (to === null) return null;
    if (question.kind === 'switched') this.counts.switched++;
    const allowed = question.kind === 'switched' ? 'data' : WANTED[question.kind];
    const wanted = to === 'allowed' ? allowed : 'denied';
    if (kind === 'failed' && (wanted === 'data' || wanted === 'tick')) {
      return this.#failed(message, sentMs, nowMs);
    }
    if (kind !== wanted) return `it is ${kind}, and must be ${wanted}`;
    if (kind === 'tick') return this.#tick(question, message, sentMs);
    if (kind !== 'data') return null;
    const { ttlMax } = this.#oracle.truthOf(question);
    return highestTtl <= ttlMax ? null : `a TTL of ${highestTtl}, over ${ttlMax}`;
  }

  /** What only time makes wrong is judged where time was kept. */
  #failed(message: Message | null, sentMs: number, nowMs: number): string | null {
    this.counts.servfail++;
    if (this.#isOutage(sentMs, nowMs)) return null;
    if (!this.#stalls.covers(sentMs, nowMs)) {
      return `SERVFAIL (EDE ${message?.ede}), the upstreams are up`;
    }
    this.counts.excused++;
    return null;
  }

  #tick({ name }: Question, message: Message | null, sentMs: number): string | null {
    this.counts.ticks++;
    const [record] = message?.answers ?? [];
    return record === undefined ? 'no address' : this.#ticks.check(name, record, sentMs);
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
