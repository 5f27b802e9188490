/** Asks for domains that nobody asked for before, and keeps when each was answered first. */

import { setTimeout as pause } from 'node:timers/promises';
import { type Endpoint, UdpClient } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';

const STEP_MS = 10;
/** Each new domain is followed by so many queries for ones of a moment ago. */
const AGAIN = 4;

export class Flood {
  /** performance.now() of the first answer, by the number of the domain. */
  readonly #answeredAt = new Map<number, number>();
  readonly #perSecond: number;
  #next = 0;
  #isOver = true;
  #running: Promise<void> = Promise.resolve();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Numbers of the domains that were asked for, in all. */
  get count(): number {
    return this.#next;
  }

  /** @returns domains that were answered before that time and not asked about here before */
  answeredBefore(atMs: number): string[] {
    const settled = [...this.#answeredAt].filter(([, at]) => at < atMs).map(([number]) => number);
    for (const number of settled) this.#answeredAt.delete(number);
    return settled.map(domainOf);
  }

  /** Forgets what may have been lost. */
  forget(): void {
    this.#answeredAt.clear();
  }

  async start(to: Endpoint, from: string): Promise<void> {
    const client = await UdpClient.open(to, from);
    this.#isOver = false;
    this.#running = this.#run(client);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(client: UdpClient): Promise<void> {
    const first = this.#next;
    const start = performance.now();
    while (!this.#isOver) {
      const due = first + ((performance.now() - start) / 1000) * this.#perSecond;
      while (this.#next < due) this.#send(client, this.#next++, first);
      this.#note(client, first);
      await pause(STEP_MS);
    }
    this.#note(client, first);
    client.close();
  }

  /** An id is the place in this run: a run of a round has fewer than there are ids. */
  #send(client: UdpClient, number: number, first: number): void {
    for (let i = 0; i <= AGAIN && number - i >= first; i++) {
      const one = number - i;
      client.send(buildQuery({ id: one - first, name: `www.${domainOf(one)}` }));
    }
  }

  #note(client: UdpClient, first: number): void {
    const now = performance.now();
    for (const id of client.order.splice(0)) {
      const number = first + id;
      if (!this.#answeredAt.has(number)) this.#answeredAt.set(number, now);
    }
    client.unasked.length = 0;
  }
}

function domainOf(number: number): string {
  return `d${number}.com`;
}
