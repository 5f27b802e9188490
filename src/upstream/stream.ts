/**
 * PipelinedTransport: one connection to one server at a time, reused and pipelined (RFC 7766
 * 6.2.1), whatever it is made of.
 *
 * A connection that breaks must cost the question that broke it and no other. So when several were
 * waiting, each is asked again, one at a time on a new connection: the guilty one breaks that
 * alone. A question that waited alone on a reused connection is asked again too, since servers
 * close idle connections whenever they like.
 */

import type { Link, OpenLink } from './link.ts';
import type { StreamEvents, StreamFailure, StreamTransport } from './transport.ts';

/** Questions on the wire of one connection. */
const PIPELINE_MAX = 100;
/** Questions that wait for the wire, and those on it. */
const QUESTIONS_MAX = 1024;
/** Connections that take no more questions and still owe answers. */
const RETIRED_MAX = 4;
/**
 * Connections that may break on one question: among others, alone on one that was used before
 * (servers that close after each answer), and then alone on a new one.
 */
const BREAKS_MAX = 3;
/** How long nobody need try after no connection could be had; doubled each time. */
const REST_MIN_MS = 100;
const REST_MAX_MS = 1000;

const TOO_LATE: StreamFailure = { reason: 'no connection in time', certificate: false };

interface Question {
  readonly token: number;
  readonly message: Uint8Array;
  /** How many connections it was on that broke. */
  broke: number;
  /** Connection that was there, or being opened, when the question came. */
  since: Connection | null;
  /** Answers on the connection when the question left. */
  answersBefore: number;
}

/** One connection. Its events do nothing once the transport has let go of it. */
class Connection {
  link: Link | null = null;
  /** Questions on the wire by their token. */
  readonly sent = new Map<number, Question>();
  established = false;
  answers = 0;
}

export class PipelinedTransport implements StreamTransport {
  readonly #open: OpenLink;
  readonly #events: StreamEvents;
  readonly #clock: () => number;
  /** In the order of asking. */
  #waiting: Question[] = [];
  #connection: Connection | null = null;
  readonly #retired = new Set<Connection>();
  #depth = PIPELINE_MAX;
  #closed = false;
  /** Connections in a row that could not be had. */
  #failures = 0;
  #restUntilMs = 0;

  constructor(open: OpenLink, events: StreamEvents, clock: () => number) {
    this.#open = open;
    this.#events = events;
    this.#clock = clock;
  }

  get usable(): boolean {
    return this.#failures === 0 || this.#clock() >= this.#restUntilMs;
  }

  ask(message: Uint8Array, token: number): boolean {
    const onWire = this.#connection?.sent.size ?? 0;
    if (this.#closed || this.#waiting.length + onWire >= QUESTIONS_MAX) return false;
    const question: Question = { token, message, broke: 0, since: null, answersBefore: 0 };
    this.#waiting.push(question);
    this.#pump();
    question.since = this.#connection;
    return true;
  }

  cancel(token: number): void {
    this.#remove(token);
  }

  giveUp(token: number): void {
    const connection = this.#connection;
    const question = this.#remove(token);
    if (connection === null || question === null) return;
    if (!connection.established) {
      // Whoever came later waits for the same connection, which took too long already.
      if (question.since === connection) this.#broken(connection, TOO_LATE);
      return;
    }
    // Nothing whole has come since: half a frame holds everybody up.
    const isStuck = question.since === connection && question.answersBefore === connection.answers;
    if (!isStuck) return;
    // Our own guess, so nobody else pays for it.
    this.#waiting.unshift(...this.#detach(connection));
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    for (const connection of this.#retired) this.#detach(connection);
    if (this.#connection !== null) this.#detach(this.#connection);
  }

  #remove(token: number): Question | null {
    for (const connection of this.#connections()) {
      const question = connection.sent.get(token);
      if (question === undefined) continue;
      connection.sent.delete(token);
      connection.link?.forget(token);
      this.#settleRetired(connection);
      return question;
    }
    const index = this.#waiting.findIndex((question) => question.token === token);
    return index === -1 ? null : (this.#waiting.splice(index, 1)[0] ?? null);
  }

  #connections(): Connection[] {
    const current = this.#connection;
    return current === null ? [...this.#retired] : [current, ...this.#retired];
  }

  #holds(connection: Connection): boolean {
    return this.#connection === connection || this.#retired.has(connection);
  }

  /** Writes what may be written, connecting first if need be. */
  #pump(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    const connection = this.#connection ?? this.#connect();
    const { link, sent } = connection;
    if (!connection.established || link === null) return;
    while (this.#waiting.length > 0 && sent.size < this.#depth && link.hasRoom) {
      const question = this.#waiting.shift() as Question;
      sent.set(question.token, question);
      question.since = connection;
      question.answersBefore = connection.answers;
      link.send(question.message, question.token);
    }
  }

  #connect(): Connection {
    const connection = new Connection();
    this.#connection = connection;
    connection.link = this.#open({
      onReady: () => this.#ready(connection),
      onMessage: (token, octets, start, end) => {
        if (!this.#holds(connection)) return;
        connection.answers++;
        if (!this.#answered(connection, token)) return;
        this.#events.onMessage(token, octets, start, end);
      },
      onRefused: (token) => {
        if (this.#answered(connection, token)) this.#events.onBroken(token);
      },
      onUntouched: (token) => this.#untouched(connection, token),
      onRoom: () => this.#pump(),
      onRetired: () => this.#retire(connection),
      onEnd: (failure) => this.#broken(connection, failure),
    });
    return connection;
  }

  #ready(connection: Connection): void {
    if (this.#connection !== connection) return;
    connection.established = true;
    this.#failures = 0;
    this.#events.onConnected();
    this.#pump();
  }

  /** Takes a question off the wire. @returns whether it was there */
  #answered(connection: Connection, token: number): boolean {
    if (!this.#holds(connection) || !connection.sent.delete(token)) return false;
    const isIdle = connection.sent.size === 0 && this.#waiting.length === 0;
    if (isIdle && this.#connection === connection) this.#depth = PIPELINE_MAX;
    this.#settleRetired(connection);
    return true;
  }

  /** The question is asked again, as if it had never left. */
  #untouched(connection: Connection, token: number): void {
    const question = connection.sent.get(token);
    if (question === undefined || !this.#answered(connection, token)) return;
    if (++question.broke === BREAKS_MAX) this.#events.onBroken(token);
    else this.#waiting.unshift(question);
    this.#pump();
  }

  #retire(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#retired.add(connection);
    const [oldest] = this.#retired;
    if (this.#retired.size > RETIRED_MAX && oldest !== undefined) this.#broken(oldest, TOO_LATE);
    this.#settleRetired(connection);
    this.#pump();
  }

  #settleRetired(connection: Connection): void {
    if (connection.sent.size === 0 && this.#retired.has(connection)) this.#detach(connection);
  }

  /** The connection ended. Its questions are asked again, or fail. */
  #broken(connection: Connection, failure: StreamFailure): void {
    if (!this.#holds(connection)) return;
    const { established, answers } = connection;
    const sent = this.#detach(connection);
    const failed = established ? [] : this.#waiting.splice(0);
    const again: Question[] = [];
    const isGuilty = sent.length === 1 && answers === 0;
    if (sent.length > 1) this.#depth = 1;
    for (const question of sent) {
      if (++question.broke === BREAKS_MAX || isGuilty) failed.push(question);
      else again.push(question);
    }
    this.#waiting.unshift(...again);
    if (!established) this.#rest(failure);
    for (const question of failed) this.#events.onBroken(question.token);
    this.#pump();
  }

  #rest(failure: StreamFailure): void {
    const restMs = Math.min(REST_MAX_MS, REST_MIN_MS * 2 ** this.#failures);
    this.#failures++;
    this.#restUntilMs = this.#clock() + restMs;
    this.#events.onUnreachable(failure);
  }

  /** @returns the questions that were on its wire */
  #detach(connection: Connection): Question[] {
    if (this.#connection === connection) this.#connection = null;
    this.#retired.delete(connection);
    connection.link?.close();
    return [...connection.sent.values()];
  }
}
