/** What a UDP socket and a TCP connection of the asker have in common: what waits under which id. */

import { buildQuery } from '../support/message.ts';
import type { Question } from './world.ts';

const IDS = 65_536;

export interface LineEvents {
  readonly onAnswer: (question: Question, sentMs: number, octets: Buffer) => void;
  readonly onLost: (question: Question, sentMs: number) => void;
  /** It was never promised an answer: its connection ended. */
  readonly onForgotten: () => void;
  /** After all answers that came together. */
  readonly onBatch: () => void;
}

export interface Line {
  readonly waiting: Waiting;
  /** Sends what was asked since the last time. */
  flush(): void;
  close(): void;
}

/** Ids are given in turn, and none is given again before its question was answered or is lost. */
export class Waiting {
  readonly #questions = new Array<Question | undefined>(IDS);
  readonly #sentMs = new Float64Array(IDS);
  readonly #events: LineEvents;
  #next = 0;
  /** The oldest that may wait. */
  #oldest = 0;
  #count = 0;

  constructor(events: LineEvents) {
    this.#events = events;
  }

  get isDone(): boolean {
    return this.#count === 0;
  }

  /** @returns the id of the question; -1 where all wait */
  enter(question: Question): number {
    const id = this.#next;
    if (this.#questions[id] !== undefined) return -1;
    this.#questions[id] = question;
    this.#sentMs[id] = Date.now();
    this.#next = (id + 1) % IDS;
    this.#count++;
    return id;
  }

  take(octets: Buffer): void {
    const id = octets.length < 2 ? 0 : octets.readUInt16BE(0);
    const question = this.#questions[id];
    if (question === undefined) return;
    this.#forget(id);
    this.#events.onAnswer(question, this.#sentMs[id] ?? 0, octets);
  }

  /** What is older than `beforeMs` is lost. */
  sweep(beforeMs: number): void {
    while (this.#count > 0) {
      const id = this.#oldest;
      const question = this.#questions[id];
      if (question !== undefined) {
        const sentMs = this.#sentMs[id] ?? 0;
        if (sentMs >= beforeMs) return;
        this.#forget(id);
        this.#events.onLost(question, sentMs);
      }
      this.#oldest = (id + 1) % IDS;
    }
    this.#oldest = this.#next;
  }

  /** What waits on a connection that ended. */
  abandon(): void {
    for (; this.#count > 0; this.#oldest = (this.#oldest + 1) % IDS) {
      if (this.#questions[this.#oldest] === undefined) continue;
      this.#forget(this.#oldest);
      this.#events.onForgotten();
    }
    this.#oldest = this.#next;
  }

  #forget(id: number): void {
    this.#questions[id] = undefined;
    this.#count--;
  }
}

const queries = new WeakMap<Question, Buffer>();

/** The query for a question, without an id; the same octets every time. */
export function queryOf(question: Question): Buffer {
  let query = queries.get(question);
  if (query === undefined) {
    const { name, type } = question;
    query = buildQuery({ name, type, edns: { size: 1232 } });
    queries.set(question, query);
  }
  return query;
}
