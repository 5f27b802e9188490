/**
 * TcpTransport: one connection to one server, reused and pipelined (RFC 7766 6.2.1).
 *
 * A connection that breaks must cost the question that broke it and no other. So when several were
 * waiting, each is asked once more, one at a time on a new connection: the guilty one breaks that
 * alone. A question that waited alone on a reused connection is asked once more too, since servers
 * close idle connections whenever they like.
 */

import { connect, type Socket } from 'node:net';
import type { SocketAddress } from '../config/types.ts';
import { messageId } from '../wire/header.ts';
import { writeU16 } from '../wire/octets.ts';
import { FrameReader } from './frames.ts';
import { randomU16 } from './random.ts';
import type { StreamEvents, StreamTransport } from './transport.ts';

/** Questions on the wire of one connection. */
const PIPELINE_MAX = 100;
/** Questions that wait for the wire, and those on it. */
const QUESTIONS_MAX = 1024;
/** Octets that the server has not taken yet; beyond, nothing more is written. */
const UNSENT_MAX = 64 * 1024;
/** RFC 7766 6.2.3: idle connections are closed after seconds. */
const IDLE_MS = 10_000;

interface Question {
  readonly token: number;
  readonly message: Uint8Array;
  /** It was on a connection that broke. */
  asked: boolean;
  /** Frames of the connection when the question left. */
  framesBefore: number;
}

/** One connection. Its callbacks do nothing once the transport holds another. */
class Connection {
  readonly socket: Socket;
  readonly reader = new FrameReader();
  /** Questions on the wire by their id. */
  readonly sent = new Map<number, Question>();
  established = false;
  frames = 0;

  constructor(address: SocketAddress) {
    this.socket = connect({ host: address.address, port: address.port, noDelay: true });
  }
}

export class TcpTransport implements StreamTransport {
  /** Answers that no question waited for. */
  strays = 0;

  readonly #address: SocketAddress;
  readonly #events: StreamEvents;
  /** In the order of asking. */
  #waiting: Question[] = [];
  #connection: Connection | null = null;
  #depth = PIPELINE_MAX;
  #closed = false;

  constructor(address: SocketAddress, events: StreamEvents) {
    this.#address = address;
    this.#events = events;
  }

  ask(message: Uint8Array, token: number): boolean {
    const onWire = this.#connection?.sent.size ?? 0;
    if (this.#closed || this.#waiting.length + onWire >= QUESTIONS_MAX) return false;
    this.#waiting.push({ token, message, asked: false, framesBefore: 0 });
    this.#pump();
    return true;
  }

  cancel(token: number): void {
    this.#remove(token);
  }

  giveUp(token: number): void {
    const connection = this.#connection;
    const question = this.#remove(token);
    if (connection === null) return;
    // Nothing whole has come since: half a frame, or no connection at all, holds everybody up.
    const stuck = question !== null && question.framesBefore === connection.frames;
    const unused = !connection.established && this.#waiting.length === 0;
    if (!stuck && !unused) return;
    // Our own guess, so nobody else pays for it.
    this.#waiting.unshift(...this.#detach(connection));
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#connection?.socket.destroy();
    this.#connection = null;
  }

  /** @returns the question when it was on the wire */
  #remove(token: number): Question | null {
    this.#waiting = this.#waiting.filter((question) => question.token !== token);
    const sent = this.#connection?.sent;
    if (sent === undefined) return null;
    for (const [id, question] of sent) {
      if (question.token !== token) continue;
      sent.delete(id);
      return question;
    }
    return null;
  }

  /** Writes what may be written, connecting first if need be. */
  #pump(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    const connection = this.#connection ?? this.#connect();
    if (!connection.established) return;
    while (
      this.#waiting.length > 0 &&
      connection.sent.size < this.#depth &&
      connection.socket.writableLength < UNSENT_MAX
    ) {
      this.#write(connection, this.#waiting.shift() as Question);
    }
  }

  #write(connection: Connection, question: Question): void {
    let id = randomU16();
    // At most 100 of 65,536 are taken.
    while (connection.sent.has(id)) id = randomU16();
    connection.sent.set(id, question);
    question.framesBefore = connection.frames;
    const { message } = question;
    // RFC 7766 8: length and message in one write.
    const frame = new Uint8Array(2 + message.length);
    writeU16(frame, 0, message.length);
    frame.set(message, 2);
    writeU16(frame, 2, id);
    connection.socket.write(frame);
  }

  #connect(): Connection {
    const connection = new Connection(this.#address);
    const { socket } = connection;
    this.#connection = connection;
    socket.on('connect', () => {
      connection.established = true;
      if (this.#connection === connection) this.#pump();
    });
    socket.on('data', (chunk) => this.#read(connection, chunk));
    socket.on('drain', () => this.#pump());
    // 'close' follows, and says all that matters.
    socket.on('error', () => undefined);
    socket.on('end', () => this.#broken(connection));
    socket.on('close', () => this.#broken(connection));
    socket.setTimeout(IDLE_MS, () => {
      if (connection.established && connection.sent.size === 0) socket.destroy();
    });
    return connection;
  }

  #read(connection: Connection, chunk: Uint8Array): void {
    if (this.#connection !== connection) return;
    const whole = connection.reader.push(chunk, (octets, start, end) => {
      this.#frame(connection, octets, start, end);
      return this.#connection === connection;
    });
    if (whole) this.#pump();
    else this.#broken(connection);
  }

  #frame(connection: Connection, octets: Uint8Array, start: number, end: number): void {
    const id = messageId(octets, start);
    const question = connection.sent.get(id);
    if (question === undefined) {
      // Forged, or the answer to a question that was cancelled: the others go on waiting.
      this.strays++;
      return;
    }
    connection.frames++;
    connection.sent.delete(id);
    if (connection.sent.size === 0 && this.#waiting.length === 0) this.#depth = PIPELINE_MAX;
    this.#events.onMessage(question.token, octets, start, end);
  }

  /** The connection ended. Its questions are asked once more, or fail. */
  #broken(connection: Connection): void {
    if (this.#connection !== connection) return;
    const sent = this.#detach(connection);
    const failed = connection.established ? [] : this.#waiting.splice(0);
    const again: Question[] = [];
    const guilty = sent.length === 1 && connection.frames === 0;
    if (sent.length > 1) this.#depth = 1;
    for (const question of sent) {
      if (question.asked || guilty) failed.push(question);
      else again.push(question);
      question.asked = true;
    }
    this.#waiting.unshift(...again);
    for (const question of failed) this.#events.onBroken(question.token);
    this.#pump();
  }

  /** @returns the questions that were on its wire */
  #detach(connection: Connection): Question[] {
    this.#connection = null;
    connection.socket.destroy();
    return [...connection.sent.values()];
  }
}
