/** A backend of TCP streams without sockets: the test plays the clients, octet by octet. */

import { PEER_SIZE } from '../../src/batch.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import type { TcpOptions, TcpStreams } from '../../src/native/tcp.ts';
import {
  EV_DATA,
  LENGTH,
  ROW,
  SLOT,
  START,
  TAKEN,
  type TcpBatch,
  WATCH_READ,
} from '../../src/native/tcp-batch.ts';

export class FakeStreams implements TcpStreams {
  readonly batch: TcpBatch;
  readonly #onBatch: (count: number) => void;
  /** Octets that clients got, by slot; kept when their slot is dropped. */
  readonly got: Buffer[] = [];
  /** Octets that a client still takes; endless when not there. */
  readonly room = new Map<number, number>();
  readonly watched = new Map<number, number>();
  readonly dropped: number[] = [];
  readonly finished: number[] = [];
  sends = 0;
  resumed = 0;
  /** What `finish` says. */
  finishesAtOnce = true;

  constructor(options: TcpOptions) {
    this.batch = options.batch;
    this.#onBatch = (count) => options.onBatch(count);
  }

  /** One round of events. */
  round(...events: readonly { slot: number; flags: number; octets?: Uint8Array }[]): void {
    let at = 0;
    for (const [i, { slot, flags, octets = new Uint8Array(0) }] of events.entries()) {
      this.batch.rx.set(octets, at);
      const hasData = octets.length > 0 ? EV_DATA : 0;
      this.batch.events.set([slot, flags | hasData, at, octets.length], i * ROW);
      at += octets.length;
    }
    this.#onBatch(events.length);
  }

  /** Writes who a slot's client is. */
  from(slot: number, address: string): void {
    addressToBytes(address, this.batch.peers, slot * PEER_SIZE);
    this.watched.set(slot, WATCH_READ);
  }

  async listen(): Promise<number> {
    return 53;
  }

  send(count: number): number {
    const { segments, tx } = this.batch;
    let left = 0;
    this.sends++;
    for (let at = 0; at < count * ROW; at += ROW) {
      const slot = segments[at + SLOT] as number;
      const length = segments[at + LENGTH] as number;
      const room = this.room.get(slot) ?? length;
      const taken = slot === -1 ? length : Math.min(room, length);
      segments[at + TAKEN] = taken;
      if (taken !== length) left++;
      if (taken <= 0 || slot === -1) continue;
      if (this.room.has(slot)) this.room.set(slot, room - taken);
      const start = segments[at + START] as number;
      const before = this.got[slot] ?? Buffer.alloc(0);
      this.got[slot] = Buffer.concat([before, tx.subarray(start, start + taken)]);
    }
    return left;
  }

  watch(slot: number, watched: number): void {
    this.watched.set(slot, watched);
  }

  finish(slot: number): boolean {
    this.finished.push(slot);
    return this.finishesAtOnce;
  }

  drop(slot: number): void {
    this.dropped.push(slot);
  }

  resume(): void {
    this.resumed++;
  }

  stopListening(): void {}

  close(): void {}

  /** The messages that a client got whole. */
  messages(slot: number): Buffer[] {
    let octets = this.got[slot] ?? Buffer.alloc(0);
    const found: Buffer[] = [];
    while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
      const end = 2 + octets.readUInt16BE(0);
      found.push(octets.subarray(2, end));
      octets = octets.subarray(end);
    }
    return found;
  }
}
