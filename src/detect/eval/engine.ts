/**
 * Engine: one cursor and the memory of one worker, driven by hand. `decide`, `settle` and
 * `respondToWaiter` are the daemon's; only the sockets, the clock and the upstream are not.
 */

import { PEER_SIZE } from '../../batch.ts';
import { keyFlagsOf } from '../../cache/lookup.ts';
import { createCounters } from '../../counters.ts';
import { createRing, RingReader, RingWriter } from '../../events/ring.ts';
import { Memory } from '../../memory.ts';
import { decide } from '../../pipeline.ts';
import { Query, type Verdict } from '../../query.ts';
import { respondFailure, respondToWaiter, settle } from '../../settle.ts';
import type { Tables } from '../../tables.ts';
import { CLASS_IN, HEADER_SIZE, RD } from '../../wire/constants.ts';
import { SECRETS_SIZE } from '../../wire/cookie.ts';
import { writeU16 } from '../../wire/octets.ts';
import { createDetectMemory } from '../create.ts';
import type { DetectMemory } from '../memory.ts';
import { ResponseBuilder } from './response.ts';
import type { Reply } from './sample.ts';
import type { World } from './world.ts';

const RING_RECORDS = 1 << 12;
const OUT_SIZE = 65_535;
const MESSAGE_MAX = HEADER_SIZE + 255 + 4;

export interface Question {
  /** Wire form, case kept. */
  readonly name: Uint8Array;
  readonly qtype: number;
  /** Who asks: 16 octets. */
  readonly address: Uint8Array;
  /** Seconds since the epoch. */
  readonly seconds: number;
}

export class Engine {
  readonly query = new Query();
  readonly memory: Memory;
  /** What the workers of a daemon share. */
  readonly detect: DetectMemory;
  readonly reader: RingReader;
  readonly #tables: Tables;
  readonly #message = new Uint8Array(MESSAGE_MAX);
  readonly #responses = new ResponseBuilder();

  constructor({ config }: World, tables: Tables) {
    const ring = createRing(RING_RECORDS);
    this.#tables = tables;
    this.reader = new RingReader(ring);
    this.detect = createDetectMemory(config.detect.memoryBytes);
    this.memory = new Memory({
      ring: new RingWriter(ring),
      counters: createCounters(),
      storeOctets: config.cache.sizeBytes,
      namesPerPair: config.history.namesPerDomain,
      detect: this.detect,
      owner: 1,
      cookieSecrets: new Int32Array(SECRETS_SIZE),
    });
    const { query } = this;
    query.octets = this.#message;
    query.out = new Uint8Array(OUT_SIZE);
    query.outRoom = OUT_SIZE;
    query.peer = new Uint8Array(PEER_SIZE);
    // An answer is given whole, whatever its size.
    query.overTcp = 1;
  }

  /** Decides a question as if it had just come. */
  decide({ name, qtype, address, seconds }: Question): Verdict {
    const { query } = this;
    const message = this.#message;
    writeU16(message, 2, RD);
    writeU16(message, 4, 1);
    message.set(name, HEADER_SIZE);
    const end = HEADER_SIZE + name.length;
    writeU16(message, end, qtype);
    writeU16(message, end + 2, CLASS_IN);
    query.end = end + 4;
    query.peer.set(address);
    query.wallMs = seconds * 1000;
    query.nowMs = query.wallMs;
    query.nowSeconds = Math.floor(seconds);
    return decide(query, this.#tables, this.memory);
  }

  /** Takes in what upstream answered to the question that was just decided. */
  settle(reply: Reply | null): boolean {
    if (reply === null) return false;
    const { query, memory } = this;
    const { octets, length } = this.#responseOf(reply);
    return settle(octets, 0, length, query, keyFlagsOf(query), this.#tables, memory);
  }

  /** Responds to who asked; `settle` said whether there is an answer. */
  respond(isSettled: boolean): void {
    if (isSettled) respondToWaiter(this.query, this.#tables, this.memory);
    else respondFailure(this.query, -1, this.#tables, this.memory);
  }

  #responseOf(reply: Reply): { readonly octets: Uint8Array; readonly length: number } {
    if (reply.kind === 'message') return { octets: reply.octets, length: reply.octets.length };
    this.#responses.build(this.#message, this.query.end, reply);
    return this.#responses;
  }
}
