/**
 * Replay: recorded queries through the engine, at the recorded time.
 *
 * Timelines follow each other with a week between them: the answer store is emptied and what the
 * ledgers held has faded, as if one valve had seen them all. Answers come at once.
 */

import { AT_KIND, KIND_FINDING } from '../../events/kinds.ts';
import { FORWARD } from '../../query.ts';
import type { Tables } from '../../tables.ts';
import { registrableLabel } from '../registrable.ts';
import { Engine } from './engine.ts';
import { type Finding, readFinding } from './finding.ts';
import type { Sample, Timeline } from './sample.ts';
import type { Addresses, World } from './world.ts';

/** Clocks of rows are whole seconds in 31 bits: from 2001 there are 36 years. */
const EPOCH_SECONDS = 1e9;
const LAST_SECONDS = 2 ** 31 - 1;
const GAP_SECONDS = 7 * 86_400;
const SPAN_MAX_SECONDS = LAST_SECONDS - EPOCH_SECONDS - GAP_SECONDS;

/** Samples between two emptyings of the history's ledger, which nobody reads here. */
const FLUSH_EVERY = 1024;
/** The unspecified address: no workload claims it. */
const NOBODY = new Uint8Array(16);

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
  readonly #outcome = new Outcome();
  #engine: Engine;
  #startSeconds = EPOCH_SECONDS;
  #addresses: Addresses = new Map();

  constructor(world: World, tables: Tables, listener: Listener) {
    this.#world = world;
    this.#tables = tables;
    this.#listener = listener;
    this.#engine = new Engine(world, tables);
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
    this.#engine.memory.store.clear();
    this.#startSeconds += spanSeconds + GAP_SECONDS;
  }

  #startAnew(): void {
    this.#engine = new Engine(this.#world, this.#tables);
    this.#startSeconds = EPOCH_SECONDS;
  }

  #take(sample: Sample): void {
    const engine = this.#engine;
    const verdict = engine.decide({
      name: sample.name,
      qtype: sample.qtype,
      address: this.#addresses.get(sample.client) ?? NOBODY,
      seconds: this.#startSeconds + Math.min(sample.at, SPAN_MAX_SECONDS),
    });
    if (verdict === FORWARD) engine.respond(engine.settle(sample.reply));
    this.#drain(sample);
    this.#note(verdict === FORWARD);
    this.#listener.outcome(sample, this.#outcome);
  }

  #note(isForwarded: boolean): void {
    const { workload, decision, name } = this.#engine.query;
    const outcome = this.#outcome;
    outcome.isForwarded = isForwarded;
    outcome.workload = workload;
    outcome.isDenied = decision.allowed === 0;
    outcome.reason = decision.reason;
    const at = name.labelAt[registrableLabel(name, this.#tables.suffixes)] ?? 0;
    const domain = Buffer.from(name.octets.buffer, at, name.length - at);
    outcome.domain = domain.toString('latin1');
  }

  #flush(sample: Sample): void {
    const { ledger } = this.#engine.memory;
    for (ledger.flush(); ledger.pending > 0; ledger.flush()) this.#drain(sample);
    this.#drain(sample);
  }

  #drain(sample: Sample): void {
    const { reader } = this.#engine;
    for (let at = reader.peek(); at !== -1; at = reader.peek()) {
      if (reader.view.getUint32(at + AT_KIND, true) === KIND_FINDING) {
        this.#listener.finding(sample, readFinding(reader, at));
      }
      reader.release();
    }
  }
}
