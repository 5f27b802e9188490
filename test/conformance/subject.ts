/**
 * A server under test, seen from outside: where it listens, a client of it, and the upstream that it
 * forwards to. It knows nothing of what kind of server that is.
 */

import assert from 'node:assert/strict';
import {
  type Client,
  type Endpoint,
  openClient,
  TcpClient,
  type Transport,
} from '../support/client.ts';
import { buildQuery, type Message, type QueryShape, readMessage } from '../support/message.ts';
import { address } from '../support/records.ts';
import { type Asked, answerTo, type FakeServer, type Handler } from '../upstream/fake-server.ts';

/** Longer than servers wait for an upstream that says nothing. */
const PATIENCE_MS = 15_000;
export const ZONE = 'conformance.test';

/** What the upstream says to names that a check says nothing about. */
export function plainAnswer(asked: Asked): void {
  asked.reply(answerTo(asked, { answers: [address(1)] }));
}

export class Subject {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  readonly #upstream: FakeServer;
  /** Source address of the client. */
  readonly from: string;
  readonly #scripts = new Map<string, Handler>();
  readonly #prefix: string;
  #names = 0;
  #client: Client | null = null;

  constructor(endpoint: Endpoint, upstream: FakeServer, transport: Transport, from: string) {
    this.transport = transport;
    this.endpoint = endpoint;
    this.#upstream = upstream;
    this.from = from;
    this.#prefix = `${transport}${upstream.asked.length}`;
    upstream.handler = (asked, nth) => {
      const script = this.#scripts.get(asked.name.toLowerCase()) ?? plainAnswer;
      script(asked, nth);
    };
  }

  /** A name that nobody has asked for yet; the upstream answers it by `script`. */
  name(label = 'n', script?: Handler): string {
    const name = `${label}${++this.#names}.${this.#prefix}.${ZONE}`;
    if (script !== undefined) this.script(name, script);
    return name;
  }

  script(name: string, script: Handler): void {
    this.#scripts.set(name.toLowerCase(), script);
  }

  /** What the upstream was asked about a name, in any case. */
  asked(name: string): readonly Asked[] {
    return this.#upstream.asked.filter((one) => one.name.toLowerCase() === name.toLowerCase());
  }

  get upstreamCount(): number {
    return this.#upstream.asked.length;
  }

  /** The messages that reached the upstream while `act` ran. */
  async reaching(act: () => Promise<unknown>): Promise<readonly Asked[]> {
    const before = this.#upstream.asked.length;
    await act();
    return this.#upstream.asked.slice(before);
  }

  async ask(shape: QueryShape): Promise<Message> {
    return this.send(buildQuery(shape));
  }

  /** The response to a message; fails the check where none comes. */
  async send(message: Uint8Array): Promise<Message> {
    const octets = await this.exchange(message);
    assert.ok(octets !== null, 'no response');
    return readMessage(octets);
  }

  async exchange(message: Uint8Array, waitMs = PATIENCE_MS): Promise<Buffer | null> {
    return (await this.client()).exchange(message, waitMs);
  }

  /**
   * Sends what must not be answered, then a question that is: what came before has been dealt with.
   * @returns the messages that came and that nobody waited for
   */
  async unanswered(messages: readonly Uint8Array[]): Promise<readonly Buffer[]> {
    const client = await openClient(this.transport, this.endpoint, this.from);
    try {
      for (const message of messages) client.send(message);
      if (client instanceof TcpClient && client.isClosed) return client.unasked;
      await client.exchange(buildQuery({ name: this.name('fence') }), 3000);
      return client.unasked;
    } finally {
      client.close();
    }
  }

  /** The kept client; a stream that was closed is opened anew. */
  async client(): Promise<Client> {
    const kept = this.#client;
    if (kept !== null && !('isClosed' in kept && kept.isClosed)) return kept;
    this.#client = await openClient(this.transport, this.endpoint, this.from);
    return this.#client;
  }

  /** A stream of one's own. */
  stream(): Promise<TcpClient> {
    return TcpClient.open(this.endpoint, this.from);
  }

  /** The same server and upstream over the other transport. */
  async overOther(shape: QueryShape): Promise<Message> {
    const other = this.transport === 'udp' ? 'tcp' : 'udp';
    const client = await openClient(other, this.endpoint, this.from);
    try {
      return await client.ask(shape);
    } finally {
      client.close();
    }
  }

  close(): void {
    this.#client?.close();
  }
}
