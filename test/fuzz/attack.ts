/**
 * What both transports of a campaign share: messages that are mutated in many ways, control queries
 * in between whose answers are known octet for octet, and the book of what was sent and came back.
 */

import { buildQuery, readMessage } from '../support/message.ts';
import { hold, mutate, type Random, word } from './mutate.ts';
import { checkAlone, checkReply } from './reply.ts';
import { SEEDS } from './world.ts';

/** Where the attackers sit: two workloads and a stranger. */
export const SOURCES = ['127.0.0.2', '127.0.0.3', '127.0.0.9'] as const;
export const PLACES = { api: '127.0.0.2/32', open: '127.0.0.3/32' };
/** How often the valve is looked at in one attack. */
export const SHARES = 20;
/** Room for any mutated message. */
export const MESSAGE_ROOM = 2048;
const IDS = 65_536;
/** Header and the longest question. */
const SAVED = 288;

/** The upstream answers names that begin so honestly. */
const HONEST_MARK = '00';
const CONTROLS: readonly (readonly [name: string, type: string])[] = [
  ['www.own.test', 'A'],
  [`${HONEST_MARK}.other.test`, 'AAAA'],
  [`${HONEST_MARK}.control.test`, 'A'],
  ['listed.example', 'HTTPS'],
  ['a.b.own.test', 'TXT'],
];
/** Control queries after that many have a name of their own, which goes upstream. */
const FRESH = CONTROLS.length;

/** So many messages, more or less, by as many senders as there are books. */
export interface Attack {
  readonly count: number;
  readonly random: Random;
  readonly books: readonly Book[];
}

/** Writes a hostile message. @returns its length */
export function writeHostile(out: Uint8Array, random: Random): number {
  const kind = random.next(64);
  if (kind === 0) {
    const length = random.next(60);
    for (let i = 0; i < length; i++) out[i] = random.next(256);
    return length;
  }
  const first = kind < 12 ? 0 : kind < 24 ? 2 : 12;
  const length = mutate(random.pick(SEEDS), first, out, random);
  if (kind === 63) return Math.min(length, random.next(24));
  if (kind > 60) out[2]! |= 0x80;
  return length;
}

/** What one sender sent by id, and what it was told; for as many attacks as one likes. */
export class Book {
  readonly replies = new Map<number, number>();
  sent = 0;
  controls = 0;
  readonly #octets = new Uint8Array(IDS * SAVED);
  /** -1: nothing is expected any more. */
  readonly #lengths = new Int32Array(IDS).fill(-1);
  /** Control number and 1; 0 for what is hostile. */
  readonly #control = new Uint8Array(IDS);
  readonly #known: (Buffer | null)[] = CONTROLS.map(() => null);
  readonly from: string;
  /** Of this book, in names that nobody else asks for. */
  readonly #number: number;
  #id = 0;
  #fresh = 0;

  constructor(from: string, number: number) {
    this.from = from;
    this.#number = number;
  }

  /** Gives the message in `out` an id of its own, and remembers it. */
  enter(out: Uint8Array, length: number, control = -1): void {
    this.#id = (this.#id + 1) & 0xffff;
    if (length >= 2) {
      out[0] = this.#id >>> 8;
      out[1] = this.#id & 0xff;
    }
    this.#octets.set(out.subarray(0, Math.min(length, SAVED)), this.#id * SAVED);
    this.#lengths[this.#id] = length;
    this.#control[this.#id] = control + 1;
    this.sent++;
  }

  /** Writes the next control query and enters it. @returns its length */
  writeControl(out: Uint8Array): number {
    const control = this.controls++ % (FRESH + 1);
    const [name, type] = CONTROLS[control] ?? [
      `${HONEST_MARK}${this.#number}-${this.#fresh++}.control.test`,
      'A',
    ];
    const query = buildQuery({ name, type, edns: { size: 1232 } });
    out.set(query);
    this.enter(out, query.length, control);
    return query.length;
  }

  /**
   * Holds a reply against what was sent under its id.
   *
   * @returns whether it answers a control query
   */
  take(reply: Buffer): boolean {
    const id = word(reply, 0);
    const length = this.#lengths[id] ?? -1;
    const query = this.#octets.subarray(id * SAVED, (id + 1) * SAVED);
    try {
      hold(length !== -1, 'one reply to one query');
      checkReply(query, length, reply);
      const control = (this.#control[id] ?? 0) - 1;
      this.#lengths[id] = -1;
      const rcode = word(reply, 2) & 15;
      this.replies.set(rcode, (this.replies.get(rcode) ?? 0) + 1);
      if (control === -1) return false;
      this.#checkControl(control, reply);
      return true;
    } catch (thrown) {
      const sent = Buffer.from(query.subarray(0, Math.max(0, length))).toString('hex');
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new Error(`${why}\nfrom ${this.from}: ${sent}\nreply: ${reply.toString('hex')}`);
    }
  }

  #checkControl(control: number, reply: Buffer): void {
    if (control === FRESH) {
      const { rcode, answers } = readMessage(reply);
      if (this.from === SOURCES[2]) hold(rcode === 5, 'a stranger is refused');
      else hold(answers.map(({ rdata }) => rdata).join() === '08080808', 'a fresh name resolves');
      return;
    }
    const masked = withoutTtl(reply);
    const known = this.#known[control];
    if (known === null || known === undefined) this.#known[control] = masked;
    else hold(known.equals(masked), `control query ${control} is answered as before`);
  }
}

/** What time changes about an answer of one record that was stored, and the id. */
function withoutTtl(reply: Buffer): Buffer {
  const masked = Buffer.from(reply);
  masked.writeUInt16BE(0, 0);
  const { answers, question } = readMessage(reply);
  if (answers.length === 1) masked.writeUInt32BE(0, 12 + question.length + 6);
  return masked;
}

export { checkAlone };
