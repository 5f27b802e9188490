/**
 * Memory: all that the straight line may change. Owned by one worker, bounded at start.
 */

import { Inspection } from './cache/inspect.ts';
import { CleanAnswer } from './cache/sanitise.ts';
import { Store } from './cache/store.ts';
import { type DetectMemory, Detectors } from './detect/memory.ts';
import { type ByteRingMemory, createByteRing } from './events/byte-ring.ts';
import { Findings } from './events/findings.ts';
import { Ledger } from './events/ledger.ts';
import type { RingWriter } from './events/ring.ts';
import { createMeter, Meter } from './metrics/meter.ts';
import { Responses } from './overload/responses.ts';
import { Shield } from './overload/shield.ts';
import { Tap } from './querylog/tap.ts';
import { Inflight } from './upstream/inflight.ts';
import { Waiters } from './upstream/waiters.ts';
import { ServerCookies } from './wire/cookie.ts';
import { WireName } from './wire/name.ts';
import type { TargetAnswer } from './zones/alias.ts';

/** Slots of the ledger's tables. 65,536 pairs and names take about 15 MB. */
const LEDGER_CAPACITY = 1 << 16;
/** Questions upstream at a time, and clients that may wait for them. */
const FLIGHTS = 8192;
const WAITERS = 16384;
/** At 200 ms a question these are 10,000 of them a second, and a quarter of the flights. */
const WAITERS_PER_WORKLOAD = 2048;

export interface MemorySettings {
  readonly ring: RingWriter;
  readonly counters: Float64Array;
  /** Cells of metrics/meter.ts; its own where nobody reads them. */
  readonly meter?: Float64Array;
  /** Slab of the answer store. */
  readonly storeOctets: number;
  /** Full names remembered under one (workload, registrable domain). */
  readonly namesPerPair: number;
  /** Shared with the other workers. */
  readonly detect: DetectMemory;
  /** Number of the thread, 1 or more. */
  readonly owner: number;
  /** Where the query log and dnstap read; without it nobody does. */
  readonly tapRing?: ByteRingMemory;
  /** Shared with the other workers: what server cookies are made with (wire/cookie.ts). */
  readonly cookieSecrets: Int32Array;
}

/** Of the ring that nobody reads. */
const NO_RING = 64;

export class Memory {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly inflight = new Inflight(FLIGHTS);
  readonly waiters = new Waiters(WAITERS, WAITERS_PER_WORKLOAD);
  readonly clean = new CleanAnswer();
  /** What inspection found for everybody, and for the lists of one workload. */
  readonly inspection = new Inspection();
  readonly chain = new Inspection();
  /** Where an alias of a local zone leads: the name that is asked upstream for it. */
  readonly aliasTarget = new WireName();
  readonly aliasAnswer: TargetAnswer = { octets: new Uint8Array(0), start: 0, length: 0, age: 0 };
  /** Cells named in counters.ts. */
  readonly counters: Float64Array;

  readonly meter: Meter;
  readonly findings: Findings;
  readonly shield = new Shield();
  readonly responses = new Responses();
  readonly tap: Tap;
  readonly detectors: Detectors;
  readonly cookies: ServerCookies;

  constructor(settings: MemorySettings) {
    const { ring, counters, storeOctets, namesPerPair, detect, owner } = settings;
    this.store = new Store(storeOctets);
    this.ledger = new Ledger(ring, LEDGER_CAPACITY, namesPerPair);
    this.counters = counters;
    this.meter = new Meter(settings.meter ?? createMeter());
    this.findings = new Findings(ring);
    this.tap = new Tap(settings.tapRing ?? createByteRing(NO_RING));
    this.detectors = new Detectors(detect, owner);
    this.cookies = new ServerCookies(settings.cookieSecrets);
  }

  /** What is large and asked at random. */
  get slabs(): readonly Uint8Array[] {
    return [...this.store.slabs, ...this.ledger.handover.slabs, ...this.detectors.slabs];
  }
}
