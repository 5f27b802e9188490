/** Hostile datagrams in batches, never more under way than the valve's queue holds. */

import { BATCH_CAPACITY, Batch, SLOT_STRIDE } from '../../src/batch.ts';
import { openUdp, type UdpPort } from '../../src/native/udp.ts';
import { type Attack, type Book, MESSAGE_ROOM, SHARES, writeHostile } from './attack.ts';
import type { Random } from './mutate.ts';

/** Batches of one source whose control query is not yet answered. */
const UNDER_WAY = 6;
const PATIENCE_MS = 20_000;

class Attacker {
  readonly book: Book;
  readonly #random: Random;
  readonly #out = new Batch();
  readonly #in = new Batch();
  readonly #take: () => boolean;
  #port: UdpPort | null = null;
  underWay = 0;

  /** @param take whether one more batch may be sent */
  constructor(book: Book, random: Random, take: () => boolean) {
    this.book = book;
    this.#random = random;
    this.#take = take;
  }

  async open(port: number, onError: (error: unknown) => void): Promise<void> {
    this.#port = await openUdp(
      {
        address: this.book.from,
        port: 0,
        family: 4,
        reusePort: false,
        connect: { address: '127.0.0.1', port },
        batch: this.#in,
        onBatch: (count) => {
          try {
            this.#onBatch(count);
          } catch (thrown) {
            onError(thrown);
          }
          return 0;
        },
        onError: (errno) => onError(new Error(`errno ${errno} from the valve's port`)),
      },
      'native',
    );
  }

  close(): void {
    this.#port?.close();
  }

  fill(): void {
    while (this.underWay < UNDER_WAY && this.#take()) {
      const { tx, txLength } = this.#out;
      for (let i = 0; i < BATCH_CAPACITY; i++) {
        const to = i * SLOT_STRIDE;
        const slot = tx.subarray(to, to + MESSAGE_ROOM);
        if (i === BATCH_CAPACITY - 1) {
          txLength[i] = this.book.writeControl(slot);
        } else {
          const length = writeHostile(slot, this.#random);
          this.book.enter(slot, length);
          txLength[i] = length;
        }
      }
      const sent = this.#port?.send(this.#out, BATCH_CAPACITY) ?? 0;
      if (sent !== BATCH_CAPACITY) throw new Error(`the kernel took ${sent} of a batch`);
      this.underWay++;
    }
  }

  #onBatch(count: number): void {
    const { rx, rxLength } = this.#in;
    for (let i = 0; i < count; i++) {
      const from = i * SLOT_STRIDE;
      const reply = Buffer.from(rx.buffer, from, rxLength[i]!);
      if (this.book.take(reply)) this.underWay--;
    }
    this.fill();
  }
}

/**
 * Sends `count` messages, and resolves when every control query was answered as it must be.
 *
 * @param attack by whom: a book for each
 * @param onShare called at each of SHARES parts of the way
 */
export async function attackOverUdp(
  port: number,
  { count, random, books }: Attack,
  onShare: () => void,
): Promise<void> {
  const batches = Math.max(1, Math.ceil(count / BATCH_CAPACITY));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  const take = (): boolean => {
    if (sent === batches) return false;
    if (sent % Math.ceil(batches / SHARES) === 0) onShare();
    sent++;
    return true;
  };
  const attackers = books.map((book) => new Attacker(book, random, take));
  for (const one of attackers) await one.open(port, reject);
  for (const one of attackers) one.fill();
  let before = -1;
  const watch = setInterval(() => {
    const now = attackers.reduce(
      (sum, { book }) => sum + [...book.replies.values()].reduce((a, b) => a + b, 0),
      0,
    );
    if (now === before) reject(new Error('a control query was not answered'));
    before = now;
  }, PATIENCE_MS);
  const look = setInterval(() => {
    if (sent === batches && attackers.every(({ underWay }) => underWay === 0)) resolve();
  }, 5);
  try {
    await promise;
  } finally {
    clearInterval(watch);
    clearInterval(look);
    for (const one of attackers) one.close();
  }
}
