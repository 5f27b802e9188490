/** A TCP connection of the asker, opened anew when the server ends it, as it may. */

import { connect, type Socket } from 'node:net';
import { FrameReader } from '../../src/upstream/frames.ts';
import { type Endpoint, framed } from '../support/client.ts';
import { type Line, type LineEvents, Waiting } from './line.ts';
import type { Question } from './world.ts';

const CONNECT_MS = 500;

export class TcpLine implements Line {
  readonly waiting: Waiting;
  readonly #to: Endpoint;
  readonly #events: LineEvents;
  #stream: Socket;
  #unsent: Buffer[] = [];
  #isClosed = false;

  constructor(to: Endpoint, events: LineEvents) {
    this.#to = to;
    this.#events = events;
    this.waiting = new Waiting(events);
    this.#stream = this.#open();
  }

  /** @returns false where there is no connection just now */
  ask(question: Question, query: Buffer): boolean {
    if (this.#stream.readyState !== 'open') return false;
    const id = this.waiting.enter(question);
    if (id === -1) return false;
    const octets = framed(query);
    octets.writeUInt16BE(id, 2);
    this.#unsent.push(octets);
    return true;
  }

  flush(): void {
    if (this.#unsent.length === 0) return;
    this.#stream.write(Buffer.concat(this.#unsent));
    this.#unsent = [];
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.destroy();
  }

  #open(): Socket {
    const stream = connect(this.#to.port, this.#to.address);
    const reader = new FrameReader();
    stream.on('data', (chunk) => {
      reader.push(chunk, (octets, start, end) => {
        this.waiting.take(Buffer.from(octets.slice(start, end)));
        return true;
      });
      this.#events.onBatch();
    });
    stream.on('error', () => {});
    stream.once('close', () => {
      this.waiting.abandon();
      this.#unsent = [];
      if (this.#isClosed) return;
      setTimeout(() => {
        if (!this.#isClosed) this.#stream = this.#open();
      }, CONNECT_MS);
    });
    return stream;
  }
}
