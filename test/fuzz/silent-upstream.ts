/**
 * An upstream that does not answer until it is told to, and keeps what an attacker would like to
 * know of each question.
 */

import { createServer, type Server } from 'node:net';
import { Batch, PEER_PORT, PEER_SIZE, SLOT_STRIDE } from '../../src/batch.ts';
import { openUdp, type UdpPort } from '../../src/native/udp.ts';
import { word } from './mutate.ts';

/** One question as it left the valve. */
export interface Held {
  readonly id: number;
  readonly port: number;
  /** Name, type and class in the case that was chosen. */
  readonly question: Buffer;
  readonly peer: Buffer;
}

export class SilentUpstream {
  readonly port: number;
  /** Questions in the order in which they came, the last `capacity` of them. */
  readonly held: Held[] = [];
  asked = 0;
  /** Writes the answer to a question; null: there is none. @returns its length */
  answer: ((held: Held, out: Buffer) => number) | null = null;
  readonly #capacity: number;
  readonly #batch = new Batch();
  readonly #tcp: Server;
  #udp: UdpPort | null = null;

  private constructor(capacity: number, tcp: Server) {
    this.#capacity = capacity;
    this.#tcp = tcp;
    this.port = (tcp.address() as { port: number }).port;
  }

  static async start(capacity: number): Promise<SilentUpstream> {
    // A truncated or misspelt answer sends the valve here, where it hears nothing either.
    const tcp = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const upstream = new SilentUpstream(capacity, tcp);
    const place = {
      address: '127.0.0.1',
      port: upstream.port,
      family: 4,
      reusePort: false,
    } as const;
    const onBatch = (count: number): number => upstream.#take(count);
    const events = { batch: upstream.#batch, onBatch, onError: () => undefined };
    upstream.#udp = await openUdp({ ...place, ...events }, 'native');
    return upstream;
  }

  /** Sends from the address and port that the valve asked. */
  send(batch: Batch, count: number): void {
    this.#udp?.send(batch, count);
  }

  stop(): void {
    this.#udp?.close();
    this.#tcp.close();
  }

  #take(count: number): number {
    const { rx, rxLength, tx, txLength, txPeer, peer } = this.#batch;
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const start = i * SLOT_STRIDE;
      const octets = Buffer.from(rx.subarray(start, start + rxLength[i]!));
      if (octets.length < 17 || (word(octets, 2) & 0x8000) !== 0) continue;
      const from = Buffer.from(peer.subarray(i * PEER_SIZE, (i + 1) * PEER_SIZE));
      const question = octets.subarray(12, octets.indexOf(0, 12) + 5);
      const held = { id: word(octets, 0), port: word(from, PEER_PORT), question, peer: from };
      this.held[this.asked++ % this.#capacity] = held;
      if (this.answer === null) continue;
      const out = Buffer.from(tx.buffer, answers * SLOT_STRIDE, 512);
      txLength[answers] = this.answer(held, out);
      txPeer[answers++] = i;
    }
    return answers;
  }
}
