/**
 * Asks for the names of exceptions and quarantines from several sockets, and holds the answers
 * against what must be so.
 */

import { type Endpoint, UdpClient } from '../support/client.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import type { Subject } from './subject.ts';

const SOCKETS = 6;
const [SERVFAIL, NXDOMAIN] = [2, 3];
const BLOCKED = 15;
const WAIT_MS = 1500;
/** A TTL is in whole seconds. */
const ROUNDING_MS = 1000;

export class Probe {
  readonly #from: string;
  #clients: UdpClient[] = [];
  readonly problems: string[] = [];
  /** Answers that had to be one thing and were. */
  right = 0;
  /** Answers that say that the upstream did not answer in time: neither. */
  failed = 0;
  /** How long after its end a quarantine was still seen to hold, at most, ms. */
  heldLateMs = 0;

  constructor(from: string) {
    this.#from = from;
  }

  async open(to: Endpoint): Promise<void> {
    this.close();
    const opening = Array.from({ length: SOCKETS }, () => UdpClient.open(to, this.#from));
    this.#clients = await Promise.all(opening);
  }

  close(): void {
    for (const client of this.#clients) client.close();
    this.#clients = [];
  }

  /** One query from each socket. */
  async look(subject: Subject): Promise<void> {
    await Promise.all(this.#clients.map((client) => this.#ask(client, subject)));
  }

  /** What every socket gets for a name; null for no answer. */
  async all(name: string): Promise<(Message | null)[]> {
    return Promise.all(this.#clients.map((client) => askOrNull(client, name)));
  }

  async #ask(client: UdpClient, subject: Subject): Promise<void> {
    const { version } = subject;
    const sentMs = Date.now();
    const message = await askOrNull(client, subject.name);
    const receivedMs = Date.now();
    if (message === null || subject.version !== version) return;
    const must = subject.mustResolve(sentMs, receivedMs);
    this.#noteLate(subject, message, sentMs);
    if (must === null) return;
    const problem = this.#problem(subject, message, must, receivedMs);
    if (problem === null) this.right++;
    else this.#say(subject, problem);
  }

  #noteLate({ kind, isStanding, untilMs }: Subject, { rcode }: Message, sentMs: number): void {
    if (kind !== 'quarantine' || !isStanding || rcode !== NXDOMAIN) return;
    if (sentMs > untilMs) this.heldLateMs = Math.max(this.heldLateMs, sentMs - untilMs);
  }

  #problem(subject: Subject, message: Message, must: boolean, nowMs: number): string | null {
    const { rcode, ede, answers } = message;
    if (!must) {
      return rcode === NXDOMAIN && ede === BLOCKED ? null : `let through: rcode ${rcode}`;
    }
    if (rcode === SERVFAIL) {
      this.failed++;
      return null;
    }
    if (answers.length === 0) return `denied: rcode ${rcode}, EDE ${ede}`;
    if (subject.kind === 'quarantine') return null;
    const ttlMs = Math.max(...answers.map(({ ttl }) => ttl)) * 1000;
    const overMs = nowMs + ttlMs - ROUNDING_MS - subject.untilMs;
    return overMs <= 0 ? null : `a TTL of ${ttlMs / 1000} s, ${overMs} ms beyond its end`;
  }

  #say({ name, document }: Subject, problem: string): void {
    const known = document === null ? 'never asked for' : `${document.id} ${document.state}`;
    this.problems.push(`${name} (${known}, until ${document?.until}): ${problem}`);
  }
}

async function askOrNull(client: UdpClient, name: string): Promise<Message | null> {
  const octets = await client.exchange(buildQuery({ name, edns: { size: 1232 } }), WAIT_MS);
  return octets === null ? null : readMessage(octets);
}
