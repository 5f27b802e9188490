/** A UDP socket of the asker: questions leave and answers come in batches. */

import { Batch, PEER_FAMILY, PEER_PORT, SLOT_STRIDE } from '../../src/batch.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { chooseBackend, openUdp, type UdpPort } from '../../src/native/udp.ts';
import type { Endpoint } from '../support/client.ts';
import { type Line, type LineEvents, Waiting } from './line.ts';
import type { Question } from './world.ts';

export class UdpLine implements Line {
  readonly waiting: Waiting;
  readonly #out = new Batch();
  readonly #in = new Batch();
  #port: UdpPort | null = null;
  #count = 0;

  private constructor(events: LineEvents) {
    this.waiting = new Waiting(events);
  }

  static async open(to: Endpoint, source: string, events: LineEvents): Promise<UdpLine> {
    const line = new UdpLine(events);
    const { peer, txPeer } = line.#out;
    addressToBytes(to.address, peer, 0);
    peer[PEER_PORT] = to.port >>> 8;
    peer[PEER_PORT + 1] = to.port & 0xff;
    peer[PEER_FAMILY] = 4;
    txPeer.fill(0);
    line.#port = await openUdp(
      {
        address: source,
        port: 0,
        family: 4,
        reusePort: false,
        batch: line.#in,
        onBatch: (count) => {
          line.#take(count);
          events.onBatch();
          return 0;
        },
        onError: () => {},
      },
      chooseBackend().backend,
    );
    return line;
  }

  /** @returns false where all ids wait for an answer */
  ask(question: Question, query: Buffer): boolean {
    const id = this.waiting.enter(question);
    if (id === -1) return false;
    const { tx, txLength, capacity } = this.#out;
    const at = this.#count * SLOT_STRIDE;
    tx.set(query, at);
    tx[at] = id >>> 8;
    tx[at + 1] = id & 0xff;
    txLength[this.#count++] = query.length;
    if (this.#count === capacity) this.flush();
    return true;
  }

  flush(): void {
    if (this.#count === 0) return;
    this.#port?.send(this.#out, this.#count);
    this.#count = 0;
  }

  close(): void {
    this.#port?.close();
  }

  #take(count: number): void {
    const { rx, rxLength } = this.#in;
    for (let i = 0; i < count; i++) {
      const length = rxLength[i] ?? 0;
      if (length > 0) this.waiting.take(Buffer.from(rx.buffer, i * SLOT_STRIDE, length));
    }
  }
}
