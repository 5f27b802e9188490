/**
 * Asks over UDP sockets and TCP connections, at an even pace or with so many questions under way,
 * and hands every answer to whoever checks it, with the question and when it was asked. It keeps
 * nothing of what is answered.
 */

import type { Endpoint } from '../support/client.ts';
import { until } from '../support/until.ts';
import { type Line, type LineEvents, queryOf } from './line.ts';
import { TcpLine } from './tcp-line.ts';
import { UdpLine } from './udp-line.ts';
import type { Question } from './world.ts';

/** Longer than any server here takes to give up. */
const LOST_MS = 8000;
const STEP_MS = 5;
const SWEEP_MS = 1000;
/** One question of so many is asked over TCP where there are connections. */
const TCP_EVERY = 10;
/** Questions that leave over one socket before the next has its turn. */
const TOGETHER = 16;
/** So many steps' worth of questions leave at once at most. */
const CATCH_UP_STEPS = 10;

export interface Taken {
  readonly question: Question;
  /** Wall clock, ms. */
  readonly sentMs: number;
  /** Until the call returns. */
  readonly octets: Buffer;
}

/** So many questions a second, or so many under way. */
export type Pace = { readonly perSecond: number } | { readonly underWay: number };

export interface AskerOptions {
  readonly to: Endpoint;
  /** Source addresses; one UDP socket each. */
  readonly sources: readonly string[];
  readonly connections: number;
  readonly pace: Pace;
  readonly next: () => Question;
  readonly onAnswer: (taken: Taken) => void;
  readonly onLost: (question: Question, sentMs: number) => void;
}

export class Asker {
  readonly #options: AskerOptions;
  readonly #udp: UdpLine[] = [];
  readonly #tcp: TcpLine[] = [];
  #lines: readonly Line[] = [];
  #timer: NodeJS.Timeout | null = null;
  #startMs = 0;
  #sweptMs = 0;
  /** Of an even pace: questions that were due while this very process stood still. */
  #skipped = 0;
  #turn = 0;
  #underWay = 0;
  asked = 0;

  private constructor(options: AskerOptions) {
    this.#options = options;
  }

  static async start(options: AskerOptions): Promise<Asker> {
    const asker = new Asker(options);
    for (const source of options.sources) {
      const line = await UdpLine.open(options.to, source, asker.#events());
      asker.#udp.push(line);
    }
    for (let i = 0; i < options.connections; i++) {
      asker.#tcp.push(new TcpLine(options.to, asker.#events()));
    }
    asker.#lines = [...asker.#udp, ...asker.#tcp];
    asker.#run();
    return asker;
  }

  /** Asks no more; resolves when everything was answered or is lost. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const answered = () => (this.#lines.every(({ waiting }) => waiting.isDone) ? true : null);
    await until('everything is answered', answered, LOST_MS).catch(() => {});
    for (const { waiting } of this.#lines) waiting.sweep(Number.POSITIVE_INFINITY);
    for (const line of this.#lines) line.close();
  }

  #events(): LineEvents {
    return {
      onAnswer: (question, sentMs, octets) => {
        this.#underWay--;
        this.#options.onAnswer({ question, sentMs, octets });
      },
      onLost: (question, sentMs) => {
        this.#underWay--;
        this.#options.onLost(question, sentMs);
      },
      onForgotten: () => {
        this.#underWay--;
      },
      onBatch: () => {
        if ('underWay' in this.#options.pace) this.#step();
      },
    };
  }

  #run(): void {
    this.#startMs = performance.now();
    this.#sweptMs = this.#startMs;
    this.#timer = setInterval(() => {
      this.#step();
      const now = performance.now();
      if (now - this.#sweptMs < SWEEP_MS) return;
      this.#sweptMs = now;
      for (const { waiting } of this.#lines) waiting.sweep(Date.now() - LOST_MS);
    }, STEP_MS);
  }

  #step(): void {
    if (this.#timer === null) return;
    this.#askMany(this.#due());
  }

  /** How many questions are to leave now. */
  #due(): number {
    const { pace } = this.#options;
    if ('underWay' in pace) return Math.max(0, pace.underWay - this.#underWay);
    const seconds = (performance.now() - this.#startMs) / 1000;
    const due = Math.floor(seconds * pace.perSecond) - this.#skipped;
    // After a pause of this very process there is no burst to make up for it.
    const most = Math.ceil((pace.perSecond * STEP_MS * CATCH_UP_STEPS) / 1000) + 1;
    const count = Math.min(due - this.asked, most);
    this.#skipped += due - this.asked - count;
    return count;
  }

  /** In turns, so that each socket has its share. */
  #askMany(count: number): void {
    for (let i = 0; i < count; i++) {
      this.asked++;
      if (i % TOGETHER === 0) this.#turn++;
      if (this.#ask(this.#options.next())) this.#underWay++;
    }
    for (const line of this.#lines) line.flush();
  }

  #ask(question: Question): boolean {
    const query = queryOf(question);
    if (this.#tcp.length > 0 && this.asked % TCP_EVERY === 0) {
      const line = this.#tcp[this.#turn % this.#tcp.length];
      if (line?.ask(question, query) === true) return true;
    }
    return this.#udp[this.#turn % this.#udp.length]?.ask(question, query) ?? false;
  }
}
