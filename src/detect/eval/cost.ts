/**
 * Cost: nanoseconds that the detectors take per question that goes upstream, and per answer.
 *
 * The questions are prepared; a pass restores each to the one cursor, as a worker has it, and
 * examines it. What restoring alone takes is measured in the same way and taken off.
 */

import { FORWARD } from '../../query.ts';
import type { Tables } from '../../tables.ts';
import { copyName, WireName } from '../../wire/name.ts';
import { CHANNEL_WORDS } from '../channels.ts';
import { examine, examineAnswer } from '../examine.ts';
import { Engine } from './engine.ts';
import type { Timeline } from './sample.ts';
import { quantile } from './statistics.ts';
import type { World } from './world.ts';

const QUERIES_MAX = 20_000;
const PASSES = 7;
const START_SECONDS = 1e9;

export interface Cost {
  readonly queries: number;
  readonly passes: number;
  /** Means over the queries; of the passes the median. */
  readonly examine_ns: number;
  readonly examine_answer_ns: number;
  /** Of one (workload, domain). */
  readonly pair_octets: number;
  /** Of all rows together, for all workers. */
  readonly state_octets: number;
}

interface Prepared {
  readonly name: WireName;
  readonly qtype: number;
  readonly workload: number;
  readonly reason: number;
  readonly matchedLabel: number;
  readonly wallMs: number;
  /** The clean answer; null where there was none. */
  readonly answer: Uint8Array | null;
  readonly answers: number;
  readonly rcode: number;
}

export function measureCost(world: World, timelines: readonly Timeline[], tables: Tables): Cost {
  const prepared = prepare(world, timelines, tables);
  const passes = Array.from({ length: PASSES }, () => onePass(world, tables, prepared));
  const median = (values: readonly number[]): number => quantile(values, 0.5) ?? 0;
  return {
    queries: prepared.length,
    passes: PASSES,
    examine_ns: median(passes.map(({ question }) => question)),
    examine_answer_ns: median(passes.map(({ answer }) => answer)),
    pair_octets: CHANNEL_WORDS * Int32Array.BYTES_PER_ELEMENT,
    state_octets: world.config.detect.memoryBytes,
  };
}

/** Questions that go upstream, from the beginning of every timeline as many as its share. */
function prepare(world: World, timelines: readonly Timeline[], tables: Tables): Prepared[] {
  const engine = new Engine(world, tables);
  const prepared: Prepared[] = [];
  const total = timelines.reduce((sum, { samples }) => sum + samples.length, 0);
  for (const timeline of timelines) {
    const addresses = world.addresses(timeline);
    const own = Math.ceil((timeline.samples.length * QUERIES_MAX) / Math.max(total, QUERIES_MAX));
    for (const { name, qtype, client, at, reply } of timeline.samples.slice(0, own)) {
      const address = addresses.get(client) ?? new Uint8Array(16);
      const question = { name, qtype, address, seconds: START_SECONDS + at };
      if (engine.decide(question) !== FORWARD) continue;
      prepared.push(prepareOne(engine, engine.settle(reply)));
    }
  }
  return prepared;
}

function prepareOne({ query, memory }: Engine, isSettled: boolean): Prepared {
  const name = new WireName();
  copyName(query.name, name);
  const { clean } = memory;
  return {
    name,
    qtype: query.qtype,
    workload: query.workload,
    reason: query.decision.reason,
    matchedLabel: query.decision.matchedLabel,
    wallMs: query.wallMs,
    answer: isSettled ? clean.octets.slice(0, clean.length) : null,
    answers: clean.answers,
    rcode: clean.rcode,
  };
}

interface Means {
  readonly question: number;
  readonly answer: number;
}

/** From empty rows on. Means in ns. */
function onePass(world: World, tables: Tables, prepared: readonly Prepared[]): Means {
  const engine = new Engine(world, tables);
  const { query, memory } = engine;
  const answered = prepared.filter(({ answer }) => answer !== null);
  // The first round fetches the questions into the processor's caches, for the others as for it.
  timed(prepared, (one) => restore(engine, one));
  const restored = timed(prepared, (one) => restore(engine, one));
  const examined = timed(prepared, (one) => {
    restore(engine, one);
    examine(query, tables, memory);
  });
  const restoredAnswers = timed(answered, (one) => restoreAnswer(engine, one));
  const examinedAnswers = timed(answered, (one) => {
    restoreAnswer(engine, one);
    examineAnswer(query, tables, memory);
  });
  return { question: examined - restored, answer: examinedAnswers - restoredAnswers };
}

/** Mean ns of a call. */
function timed(prepared: readonly Prepared[], call: (one: Prepared) => void): number {
  const startedMs = performance.now();
  for (const one of prepared) call(one);
  return ((performance.now() - startedMs) * 1e6) / Math.max(1, prepared.length);
}

function restore({ query }: Engine, one: Prepared): void {
  copyName(one.name, query.name);
  query.qtype = one.qtype;
  query.workload = one.workload;
  query.wallMs = one.wallMs;
  query.decision.allowed = 1;
  query.decision.reason = one.reason;
  query.decision.matchedLabel = one.matchedLabel;
}

function restoreAnswer(engine: Engine, one: Prepared): void {
  restore(engine, one);
  const { clean } = engine.memory;
  if (one.answer !== null) clean.octets.set(one.answer);
  clean.length = one.answer?.length ?? 0;
  clean.answers = one.answers;
  clean.rcode = one.rcode;
}
