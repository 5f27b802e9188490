/**
 * Cost: nanoseconds that the detectors take per question that goes upstream, and per answer.
 *
 * The questions are prepared; a pass restores each to the one cursor, as a worker has it, and
 * examines it. What restoring alone takes is measured in the same way and taken off.
 */

import { useHugePages } from '../../native/huge-pages.ts';
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
const PASSES = 9;
const PAGE = 4096;
/** Queries that are timed together: short beside the time slices of a busy machine. */
const CHUNK = 250;
const START_SECONDS = 1e9;

export interface Cost {
  readonly queries: number;
  readonly passes: number;
  /** Means over the queries. */
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
  return {
    queries: prepared.length,
    passes: PASSES,
    examine_ns: meanOfMedians(passes.map(({ questions }) => questions)),
    examine_answer_ns: meanOfMedians(passes.map(({ answers }) => answers)),
    pair_octets: CHANNEL_WORDS * Int32Array.BYTES_PER_ELEMENT,
    state_octets: world.config.detect.memoryBytes,
  };
}

/** Of each chunk the median of the passes, so that who shares the machine is not measured too. */
function meanOfMedians(passes: readonly (readonly number[])[]): number {
  const chunks = passes[0]?.length ?? 0;
  let sum = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    sum +=
      quantile(
        passes.map((pass) => pass[chunk] ?? 0),
        0.5,
      ) ?? 0;
  }
  return sum / Math.max(1, chunks);
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

interface Pass {
  /** Mean ns of a question, and of an answer, by chunk. */
  readonly questions: readonly number[];
  readonly answers: readonly number[];
}

/** From empty rows on. */
function onePass(world: World, tables: Tables, prepared: readonly Prepared[]): Pass {
  const engine = new Engine(world, tables);
  const { query, memory } = engine;
  // As in a worker.
  useHugePages(memory.slabs);
  touch(engine.detect);
  const answered = prepared.filter(({ answer }) => answer !== null);
  const questions = timed(
    prepared,
    (one) => restore(engine, one),
    () => examine(query, tables, memory),
  );
  const answers = timed(
    answered,
    (one) => restoreAnswer(engine, one),
    () => examineAnswer(query, tables, memory),
  );
  return { questions, answers };
}

/**
 * Has the kernel give the pages of fresh memory, as it has done for a daemon that has run a while:
 * left to the first query of each it took 6.5 us of a question.
 */
function touch(value: unknown): void {
  if (ArrayBuffer.isView(value)) {
    const octets = new Uint8Array(value.buffer);
    for (let at = 0; at < octets.length; at += PAGE) octets[at] = octets[at] ?? 0;
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) touch(inner);
  }
}

/** Mean ns of `call` by chunk: what `aim` takes alone is taken off. */
function timed(
  prepared: readonly Prepared[],
  aim: (one: Prepared) => void,
  call: () => void,
): number[] {
  const means: number[] = [];
  for (let at = 0; at < prepared.length; at += CHUNK) {
    const chunk = prepared.slice(at, at + CHUNK);
    // The first round fetches the questions into the processor's caches.
    for (const one of chunk) aim(one);
    const startedMs = performance.now();
    for (const one of chunk) aim(one);
    const preparedMs = performance.now();
    for (const one of chunk) {
      aim(one);
      call();
    }
    const endedMs = performance.now();
    means.push(((endedMs - preparedMs - (preparedMs - startedMs)) * 1e6) / chunk.length);
  }
  return means;
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
