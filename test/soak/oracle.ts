/**
 * What is true: the answers of Unbound over the same data, and the TTLs that the authority gives.
 * Both are asked once for every question before the soak begins, and Unbound again all the while,
 * so that nobody has to believe that the data stayed the same.
 */

import { type Client, type Endpoint, UdpClient } from '../support/client.ts';
import { buildQuery, type Message, readMessage } from '../support/message.ts';
import type { Question } from './world.ts';

const ATTEMPTS = 5;
const TOGETHER = 50;

export interface Truth {
  readonly rcode: number;
  /** `owner type rdata` of each record, sorted. */
  readonly answers: string;
  /** The highest TTL that a record of the response may have. */
  readonly ttlMax: number;
}

/** What two answers to one question must have in common. */
export function contentOf({ answers }: Message): string {
  const lines = answers.map(({ owner, type, rdata }) => `${owner.toLowerCase()} ${type} ${rdata}`);
  return lines.toSorted().join('\n');
}

export function highestTtl({ answers, authorities }: Message): number {
  return Math.max(0, ...[...answers, ...authorities].map(({ ttl }) => ttl));
}

export class Oracle {
  readonly #truths = new Map<string, Truth>();
  readonly #unbound: Client;
  readonly #authority: Client;
  /** How often Unbound was asked again. */
  asked = 0;
  /** Where it then said something else: the data would not be what it was. */
  readonly doubts: string[] = [];

  private constructor(unbound: Client, authority: Client) {
    this.#unbound = unbound;
    this.#authority = authority;
  }

  /** Asks both for all. @throws Error where they disagree: then nothing is known */
  static async consult(
    unbound: Endpoint,
    authority: Endpoint,
    questions: readonly Question[],
  ): Promise<Oracle> {
    const from = '127.0.0.1';
    const oracle = new Oracle(
      await UdpClient.open(unbound, from),
      await UdpClient.open(authority, from),
    );
    for (let at = 0; at < questions.length; at += TOGETHER) {
      await Promise.all(questions.slice(at, at + TOGETHER).map((one) => oracle.#learn(one)));
    }
    return oracle;
  }

  truthOf({ name, type }: Question): Truth {
    const truth = this.#truths.get(`${name} ${type}`);
    if (truth === undefined) throw new Error(`nothing is known about ${name} ${type}`);
    return truth;
  }

  /** Asks Unbound once more. */
  async ask(question: Question): Promise<void> {
    const message = await answerOf(this.#unbound, question);
    this.asked++;
    const { rcode, answers } = this.truthOf(question);
    if (message.rcode === rcode && contentOf(message) === answers) return;
    this.doubts.push(`${question.name} ${question.type}: ${message.rcode}`);
  }

  close(): void {
    this.#unbound.close();
    this.#authority.close();
  }

  async #learn(question: Question): Promise<void> {
    const { name, type } = question;
    const recursive = await answerOf(this.#unbound, question);
    const own = await answerOf(this.#authority, question);
    const answers = contentOf(recursive);
    if (recursive.rcode !== own.rcode || answers !== contentOf(own)) {
      throw new Error(`Unbound and the authority disagree about ${name} ${type}`);
    }
    const ttlMax = highestTtl(own);
    this.#truths.set(`${name} ${type}`, { rcode: own.rcode, answers, ttlMax });
  }
}

async function answerOf(client: Client, { name, type }: Question): Promise<Message> {
  const query = buildQuery({ name, type, edns: { size: 1232 } });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const octets = await client.exchange(query, 3000);
    if (octets !== null) return readMessage(octets);
  }
  throw new Error(`no answer for ${name} ${type}`);
}
