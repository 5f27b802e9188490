/**
 * The core without sockets: the real configuration, tables, decide, settle and forwarder, a clock
 * that a test turns, and an upstream that a test speaks for. Clients may have any source address.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PEER_SIZE } from '../../src/batch.ts';
import { Clock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Feed } from '../../src/config/types.ts';
import { COUNTERS, type CounterName } from '../../src/counters.ts';
import type { DetectMemory } from '../../src/detect/memory.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import type { Memory } from '../../src/memory.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { DROP, FORWARD, Query, type Verdict } from '../../src/query.ts';
import { buildReputation } from '../../src/reputation/compile.ts';
import { Forwarder, type Outlet } from '../../src/server/forwarder.ts';
import { compileSnapshot, type Snapshot } from '../../src/server/snapshot.ts';
import { Tables } from '../../src/tables.ts';
import { NAME_STRIDE } from '../../src/upstream/inflight.ts';
import type { Upstreams } from '../../src/upstream/upstreams.ts';
import { nameToText, typeToText } from '../../src/wire/text.ts';
import { workerMemory } from './memory.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

const NO_LIMIT = { queries: 0, misses: 0, burstMs: null };
const STORE_OCTETS = 1 << 20;
const RING_RECORDS = 1 << 12;
const NAMES_PER_PAIR = 64;
/** Far from zero, so that going back in time is possible to express. */
const START_MS = 1_000_000_000;

class HandClock extends Clock {
  override update(): void {
    this.nowMs = this.hand;
    this.nowSeconds = 1 + Math.floor(this.hand / 1000);
    this.wallMs = this.hand + this.setMs;
  }

  // Set after the base constructor called update.
  hand = START_MS;
  /** What the wall clock was set by. */
  setMs = 0;
}

/** A flight that waits for the test to answer it. */
export interface Asked {
  readonly flight: number;
  readonly name: string;
  readonly type: string;
  readonly keyFlags: number;
  readonly group: number;
}

class HandUpstreams {
  readonly asked: Asked[] = [];
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  submit(flight: number): void {
    const { inflight } = this.#memory;
    const at = flight * NAME_STRIDE;
    this.asked.push({
      flight,
      name: nameToText(inflight.nameOctets.slice(at, at + NAME_STRIDE)),
      type: typeToText(inflight.qtype[flight] ?? 0),
      keyFlags: inflight.keyFlags[flight] ?? 0,
      group: inflight.group[flight] ?? 0,
    });
  }

  abandon(flight: number): void {
    this.asked.splice(
      this.asked.findIndex((one) => one.flight === flight),
      1,
    );
  }

  flush(): void {}
}

class HandOutlet implements Outlet {
  readonly sent = new Map<number, Buffer>();
  readonly #out = new Uint8Array(1 << 16);

  prepare(query: Query): boolean {
    query.out = this.#out;
    query.outStart = 0;
    query.outRoom = query.overTcp === 1 ? 65535 : 4096;
    return true;
  }

  commit(query: Query, channel: number): void {
    if (this.sent.has(channel)) throw new Error(`client ${channel} was answered twice`);
    const end = query.outStart + query.outLength;
    this.sent.set(channel, Buffer.from(query.out.slice(query.outStart, end)));
  }

  flush(): void {}
}

/** Compiles a configuration of files; `main.yaml` is the main one. */
export async function compileFiles(files: Files, revision: number): Promise<Snapshot> {
  const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-core-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    const loaded = loadConfig(join(directory, 'main.yaml'));
    // By a clock that stands still any number of queries is one burst.
    const isLimited = String(files['main.yaml']).includes('rate_limit');
    const config = isLimited ? loaded : { ...loaded, rateLimit: NO_LIMIT };
    const inputs = config.feeds.map((feed) => ({ feed, octets: octetsOf(feed) }));
    return await compileSnapshot(config, revision, async (rules) => buildReputation(inputs, rules));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function octetsOf({ source }: Feed): Uint8Array {
  if (source.kind === 'file') return readFileSync(source.path);
  if (source.kind === 'inline') return new TextEncoder().encode(source.entries.join('\n'));
  throw new Error(`a feed from ${source.url} needs a network`);
}

export interface ClientQuery {
  readonly from: string;
  readonly octets: Uint8Array;
  readonly overTcp?: boolean;
}

export class Valve {
  readonly memory: Memory;
  readonly meter = createMeter();
  readonly ring = createRing(RING_RECORDS);
  readonly clock = new HandClock();
  readonly outlet = new HandOutlet();
  readonly query = new Query();
  readonly forwarder: Forwarder;
  readonly faults: unknown[] = [];
  readonly #upstreams: HandUpstreams;
  readonly #out = new Uint8Array(1 << 16);
  #clients = 0;

  constructor(snapshot: Snapshot, storeOctets = STORE_OCTETS, detect?: DetectMemory) {
    const ring = new RingWriter(this.ring);
    const own = detect === undefined ? {} : { detect };
    this.memory = workerMemory({
      ring,
      storeOctets,
      namesPerPair: NAMES_PER_PAIR,
      meter: this.meter,
      ...own,
    });
    this.#upstreams = new HandUpstreams(this.memory);
    this.forwarder = new Forwarder(new Tables(snapshot.memory), this.memory, {
      clock: this.clock,
      outlet: this.outlet,
      onFault: (error) => this.faults.push(error),
    });
    this.clock.update();
    // The forwarder uses two methods of it; the rest is for whoever owns it.
    this.forwarder.upstreams = this.#upstreams as unknown as Upstreams;
  }

  static async open(files: Files): Promise<Valve> {
    return new Valve(await compileFiles(files, 1));
  }

  /** What upstream was asked and has not answered. */
  get asked(): Asked[] {
    return this.#upstreams.asked;
  }

  /** What a reload does in a worker. */
  swap(snapshot: Snapshot, hasNewRoutes = false): void {
    this.forwarder.tables = new Tables(snapshot.memory);
    if (hasNewRoutes) this.memory.store.clear();
  }

  pass(seconds: number): void {
    this.clock.hand += seconds * 1000;
    this.clock.update();
    this.forwarder.answerLate();
  }

  /** Sets the wall clock; no time passes. */
  setClock(seconds: number): void {
    this.clock.setMs += seconds * 1000;
    this.clock.update();
  }

  counter(name: CounterName): number {
    return this.memory.counters[COUNTERS.indexOf(name)] ?? 0;
  }

  /** Prepares the cursor as a listener does. */
  aim(client: ClientQuery): Query {
    const { query } = this;
    query.octets = client.octets;
    query.start = 0;
    query.end = client.octets.length;
    query.out = this.#out;
    query.outStart = 0;
    query.outRoom = client.overTcp === true ? 65535 : 4096;
    query.outLength = 0;
    query.peer = new Uint8Array(PEER_SIZE);
    query.peerAt = 0;
    addressToBytes(client.from, query.peer, 0);
    query.overTcp = client.overTcp === true ? 1 : 0;
    query.nowSeconds = this.clock.nowSeconds;
    query.nowMs = this.clock.nowMs;
    query.wallMs = this.clock.wallMs;
    return query;
  }

  /** Decides; an answer that comes later is found under the returned client number. */
  send(client: ClientQuery): { readonly verdict: Verdict; readonly client: number } {
    const query = this.aim(client);
    const number = this.#clients++;
    const verdict = this.forwarder.decide(query);
    if (verdict === FORWARD) this.forwarder.ask(query, number);
    else if (verdict !== DROP) {
      this.outlet.commit(query, number);
      this.forwarder.refresh(query);
    }
    return { verdict, client: number };
  }

  /** The response that a client got, or null. */
  response(client: number): Buffer | null {
    return this.outlet.sent.get(client) ?? null;
  }

  #take(asked: Asked): void {
    const at = this.asked.indexOf(asked);
    if (at === -1) throw new Error(`${asked.name} is not waiting`);
    this.asked.splice(at, 1);
  }

  /** @returns whether the valve took the answer */
  answer(asked: Asked, octets: Uint8Array): boolean {
    if (!this.forwarder.onAnswer(asked.flight, octets, 0, octets.length)) return false;
    this.#take(asked);
    return true;
  }

  fail(asked: Asked, ede: number): void {
    this.#take(asked);
    this.forwarder.onFailure(asked.flight, ede);
  }
}
