/**
 * Replay: recorded queries through the engine that decides for the daemon, at the recorded time.
 *
 * Timelines follow each other with a week between them: the answer store is emptied and what the
 * ledgers held has faded, as if one valve had seen them all. Answers come at once.
 */

import { PEER_SIZE } from '../../batch.ts';
import { keyFlagsOf } from '../../cache/lookup.ts';
import { createCounters } from '../../counters.ts';
import { AT_KIND, KIND_FINDING } from '../../events/kinds.ts';
import { createRing, RingReader, RingWriter } from '../../events/ring.ts';
import { Memory } from '../../memory.ts';
import { decide } from '../../pipeline.ts';
import { FORWARD, Query } from '../../query.ts';
import { respondFailure, respondToWaiter, settle } from '../../settle.ts';
import type { Tables } from '../../tables.ts';
import { HEADER_SIZE, RD } from '../../wire/constants.ts';
import { writeU16 } from '../../wire/octets.ts';
import { createDetectMemory } from '../create.ts';
import { registrableLabel } from '../registrable.ts';
import { type Finding, readFinding } from './finding.ts';
import { ResponseBuilder } from './response.ts';
import type { Reply, Sample, Timeline } from './sample.ts';
import type { Addresses, World } from './world.ts';

/** Clocks of rows are whole seconds in 31 bits: from 2001 there are 36 years. */
const EPOCH_SECONDS = 1e9;
const LAST_SECONDS = 2 ** 31 - 1;
const GAP_SECONDS = 7 * 86_400;
const SPAN_MAX_SECONDS = LAST_SECONDS - EPOCH_SECONDS - GAP_SECONDS;

const RING_RECORDS = 1 << 12;
/** Samples between two emptyings of the history's ledger, which nobody reads here. */
const FLUSH_EVERY = 1024;
const OUT_SIZE = 65_535;
/** The unspecified address: no workload claims it. */
const NOBODY = new Uint8Array(16);
const MESSAGE_MAX = HEADER_SIZE + 255 + 4;

/** What was decided about a sample; overwritten by the next one. */
export class Outcome {
  /** Number of the workload; 0 where no workload claims the address. */
  workload = 0;
  /** The registrable domain: lower-case wire octets, as latin1. */
  domain = '';
  /** Went upstream, or would have. */
  isForwarded = false;
  isDenied = false;
  /** REASON_* of the decision. */
  reason = 0;
}

/** Told of everything in the order of time: findings first, then the outcome of their sample. */
export interface Listener {
  begin(timeline: Timeline): void;
  finding(sample: Sample, finding: Finding): void;
  outcome(sample: Sample, outcome: Outcome): void;
}

export class Replay {
  readonly #world: World;
  readonly #tables: Tables;
  readonly #listener: Listener;
  readonly #query = new Query();
  readonly #message = new Uint8Array(MESSAGE_MAX);
  readonly #responses = new ResponseBuilder();
  readonly #outcome = new Outcome();
  #memory: Memory;
  #reader: RingReader;
  #startSeconds = EPOCH_SECONDS;
  #addresses: Addresses = new Map();

  constructor(world: World, tables: Tables, listener: Listener) {
    this.#world = world;
    this.#tables = tables;
    this.#listener = listener;
    const query = this.#query;
    query.octets = this.#message;
    query.out = new Uint8Array(OUT_SIZE);
    query.outRoom = OUT_SIZE;
    query.peer = new Uint8Array(PEER_SIZE);
    // An answer is given whole, whatever its size.
    query.overTcp = 1;
    const engine = newMemory(world);
    this.#memory = engine.memory;
    this.#reader = engine.reader;
  }

  run(timeline: Timeline): void {
    const { samples } = timeline;
    const spanSeconds = Math.min(samples.at(-1)?.at ?? 0, SPAN_MAX_SECONDS);
    if (this.#startSeconds + spanSeconds > LAST_SECONDS) this.#startAnew();
    this.#addresses = this.#world.addresses(timeline);
    this.#listener.begin(timeline);
    for (const [i, sample] of samples.entries()) {
      this.#take(sample);
      if (i % FLUSH_EVERY === 0) this.#flush(sample);
    }
    this.#memory.store.clear();
    this.#startSeconds += spanSeconds + GAP_SECONDS;
  }

  #startAnew(): void {
    const engine = newMemory(this.#world);
    this.#memory = engine.memory;
    this.#reader = engine.reader;
    this.#startSeconds = EPOCH_SECONDS;
  }

  #take(sample: Sample): void {
    const query = this.#query;
    this.#aim(sample);
    const verdict = decide(query, this.#tables, this.#memory);
    const outcome = this.#outcome;
    outcome.isForwarded = verdict === FORWARD;
    if (verdict === FORWARD) this.#answer(sample.reply);
    this.#drain(sample);
    outcome.workload = query.workload;
    outcome.isDenied = query.decision.allowed === 0;
    outcome.reason = query.decision.reason;
    const at = query.name.labelAt[registrableLabel(query.name, this.#tables.suffixes)] ?? 0;
    outcome.domain = Buffer.from(query.name.octets.buffer, at, query.name.length - at).toString(
      'latin1',
    );
    this.#listener.outcome(sample, outcome);
  }

  /** Points the cursor at the sample's question, as it would come from its client. */
  #aim({ at, client, name, qtype }: Sample): void {
    const query = this.#query;
    const message = this.#message;
    writeU16(message, 2, RD);
    writeU16(message, 4, 1);
    message.set(name, HEADER_SIZE);
    const end = HEADER_SIZE + name.length;
    writeU16(message, end, qtype);
    writeU16(message, end + 2, 1);
    query.end = end + 4;
    query.peer.set(this.#addresses.get(client) ?? NOBODY);
    const seconds = this.#startSeconds + Math.min(at, SPAN_MAX_SECONDS);
    query.wallMs = seconds * 1000;
    query.nowMs = query.wallMs;
    query.nowSeconds = Math.floor(seconds);
  }

  #answer(reply: Reply | null): void {
    const query = this.#query;
    const tables = this.#tables;
    const memory = this.#memory;
    let isUsable = false;
    if (reply !== null) {
      const { octets, length } = this.#responseOf(reply);
      isUsable = settle(octets, 0, length, query, keyFlagsOf(query), tables, memory);
    }
    if (isUsable) respondToWaiter(query, tables, memory);
    else respondFailure(query, -1, tables, memory);
  }

  #responseOf(reply: Reply): { readonly octets: Uint8Array; readonly length: number } {
    if (reply.kind === 'message') return { octets: reply.octets, length: reply.octets.length };
    this.#responses.build(this.#message, this.#query.end, reply);
    return this.#responses;
  }

  #flush(sample: Sample): void {
    const { ledger } = this.#memory;
    for (ledger.flush(); ledger.pending > 0; ledger.flush()) this.#drain(sample);
    this.#drain(sample);
  }

  #drain(sample: Sample): void {
    const reader = this.#reader;
    for (let at = reader.peek(); at !== -1; at = reader.peek()) {
      if (reader.view.getUint32(at + AT_KIND, true) === KIND_FINDING) {
        this.#listener.finding(sample, readFinding(reader, at));
      }
      reader.release();
    }
  }
}

/** The memory of one worker, as the daemon's own with these settings. */
function newMemory({ config }: World): { memory: Memory; reader: RingReader } {
  const ring = createRing(RING_RECORDS);
  const memory = new Memory({
    ring: new RingWriter(ring),
    counters: createCounters(),
    storeOctets: config.cache.sizeBytes,
    namesPerPair: config.history.namesPerDomain,
    detect: createDetectMemory(config.detect.memoryBytes),
    owner: 1,
  });
  return { memory, reader: new RingReader(ring) };
}
