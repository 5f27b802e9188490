/**
 * Asks at an even pace over UDP sockets and TCP connections, and hands every answer to whoever
 * checks it, with the question and when it was asked. It keeps nothing of what is answered.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import { FrameReader } from '../../src/upstream/frames.ts';
import { type Endpoint, framed } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';
import { until } from '../support/until.ts';
import type { Question } from './world.ts';

/** Longer than any server here takes to give up. */
const LOST_MS = 8000;
const STEP_MS = 5;
const IDS = 65_536;
const CONNECT_MS = 500;

export interface Taken {
  readonly question: Question;
  /** Wall clock, ms. */
  readonly sentMs: number;
  readonly octets: Buffer;
}

export interface AskerOptions {
  readonly to: Endpoint;
  /** Source addresses; one UDP socket each. */
  readonly sources: readonly string[];
  readonly connections: number;
  readonly perSecond: number;
  readonly next: () => Question;
  readonly onAnswer: (taken: Taken) => void;
  readonly onLost: (question: Question, sentMs: number) => void;
}

interface Waiting {
  readonly question: Question;
  readonly sentMs: number;
}

/** One socket or connection: what was asked under which id. */
class Line {
  readonly #waiting = new Map<number, Waiting>();
  readonly #options: AskerOptions;
  readonly #send: (octets: Buffer) => boolean;
  #id = 0;

  constructor(options: AskerOptions, send: (octets: Buffer) => boolean) {
    this.#options = options;
    this.#send = send;
  }

  ask(question: Question): boolean {
    this.#id = (this.#id + 1) % IDS;
    const { name, type } = question;
    const octets = buildQuery({ id: this.#id, name, type, edns: { size: 1232 } });
    if (!this.#send(octets)) return false;
    this.#waiting.set(this.#id, { question, sentMs: Date.now() });
    return true;
  }

  take(octets: Buffer): void {
    const id = octets.readUInt16BE(0);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#options.onAnswer({ ...waiting, octets });
  }

  get isDone(): boolean {
    return this.#waiting.size === 0;
  }

  /** What is older than `beforeMs` is lost. */
  sweep(beforeMs: number): void {
    for (const [id, { question, sentMs }] of this.#waiting) {
      if (sentMs >= beforeMs) return;
      this.#waiting.delete(id);
      this.#options.onLost(question, sentMs);
    }
  }

  /** A connection that ended: what waits on it was never promised an answer. */
  forget(): void {
    this.#waiting.clear();
  }
}

export class Asker {
  readonly #options: AskerOptions;
  readonly #sockets: Socket[] = [];
  readonly #streams: TcpSocket[] = [];
  readonly #lines: Line[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  asked = 0;

  private constructor(options: AskerOptions) {
    this.#options = options;
  }

  static async start(options: AskerOptions): Promise<Asker> {
    const asker = new Asker(options);
    for (const source of options.sources) await asker.#openUdp(source);
    for (let i = 0; i < options.connections; i++) asker.#openTcp();
    asker.#run();
    return asker;
  }

  /** Asks no more; resolves when everything was answered or is lost. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#isStopped = true;
    const answered = () => (this.#lines.every((line) => line.isDone) ? true : null);
    await until('everything is answered', answered, LOST_MS).catch(() => {});
    for (const line of this.#lines) line.sweep(Number.POSITIVE_INFINITY);
    for (const socket of this.#sockets) socket.close();
    for (const stream of this.#streams) stream.destroy();
  }

  async #openUdp(source: string): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.on('error', () => {});
    socket.bind(0, source);
    await once(socket, 'listening');
    const { port, address } = this.#options.to;
    const line = new Line(this.#options, (octets) => {
      socket.send(octets, port, address);
      return true;
    });
    socket.on('message', (octets) => line.take(octets));
    this.#sockets.push(socket);
    this.#lines.push(line);
  }

  /** Opened anew when the server ends it, as it may. */
  #openTcp(): void {
    const { port, address } = this.#options.to;
    let stream = connect(port, address);
    const line = new Line(this.#options, (octets) => {
      if (stream.readyState !== 'open') return false;
      stream.write(framed(octets));
      return true;
    });
    const attend = (): void => {
      const reader = new FrameReader();
      stream.on('data', (chunk) =>
        reader.push(chunk, (octets, start, end) => {
          line.take(Buffer.from(octets.slice(start, end)));
          return true;
        }),
      );
      stream.on('error', () => {});
      stream.once('close', () => {
        line.forget();
        if (this.#isStopped) return;
        setTimeout(() => {
          if (this.#isStopped) return;
          stream = connect(port, address);
          attend();
        }, CONNECT_MS);
      });
      this.#streams.push(stream);
    };
    attend();
    this.#lines.push(line);
  }

  #run(): void {
    const start = performance.now();
    const { perSecond, next } = this.#options;
    let sweptMs = Date.now();
    let skipped = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - start) / 1000) * perSecond) - skipped;
      // After a pause of this very process there is no burst to make up for it.
      const most = Math.ceil((perSecond * STEP_MS * 10) / 1000) + 1;
      const count = Math.min(due - this.asked, most);
      skipped += due - this.asked - count;
      for (let i = 0; i < count; i++) this.#askOne(next());
      const now = Date.now();
      if (now - sweptMs < 1000) return;
      sweptMs = now;
      for (const line of this.#lines) line.sweep(now - LOST_MS);
    }, STEP_MS);
  }

  #askOne(question: Question): void {
    const line = this.#lines[this.asked % this.#lines.length];
    this.asked++;
    if (line?.ask(question) !== true) this.#lines[0]?.ask(question);
  }
}
