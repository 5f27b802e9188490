/** An evaluation: read, replay, score; again at other thresholds and with changed sessions. */

import { changedSessions, type TransformFigures } from './changed-sessions.ts';
import { type Cost, measureCost } from './cost.ts';
import {
  type CaptureFigures,
  captureFigures,
  type MainFigures,
  type MissedSession,
  mainFigures,
  missedSessions,
  type ToolFigures,
  type TrafficFigures,
  toolFigures,
  trafficFigures,
} from './figures.ts';
import { type Recording, readInputs } from './inputs.ts';
import { Replay } from './replay.ts';
import { type RocPoint, rocPoint, THRESHOLD_FACTORS } from './roc.ts';
import type { Timeline } from './sample.ts';
import { Scores } from './scores.ts';
import { type Overrides, World } from './world.ts';

export interface EvalOptions extends Overrides {
  /** A configuration whose workloads the clients are, or null: each client is one. */
  readonly config: string | null;
  readonly roc: boolean;
  readonly transform: boolean;
  readonly cost: boolean;
}

export interface Evaluation {
  readonly settings: {
    readonly config: string | null;
    readonly tunnel_threshold: number;
    readonly tunnel_action: string;
  };
  readonly replayed: {
    readonly files: number;
    readonly timelines: number;
    readonly clients: number;
    readonly queries: number;
    readonly forwarded: number;
    readonly seconds: number;
  };
  readonly captures: readonly CaptureFigures[];
  readonly tools: readonly ToolFigures[];
  readonly main: MainFigures;
  readonly missed: readonly MissedSession[];
  readonly benign: TrafficFigures | null;
  readonly unlabelled: TrafficFigures | null;
  readonly roc: readonly RocPoint[];
  readonly transforms: readonly TransformFigures[];
  readonly cost: Cost | null;
}

/**
 * @param note told of files that are left out
 * @throws DnsvalveError that names the file and the place in it
 */
export async function evaluate(
  paths: readonly string[],
  options: EvalOptions,
  note: (text: string) => void,
): Promise<Evaluation> {
  const recordings = await readInputs(paths, note);
  noteCuts(recordings, note);
  const timelines = recordings.flatMap((recording) => recording.timelines);
  const world = await World.compile(timelines, options.config);
  const startedMs = performance.now();
  const scores = scoresOf(world, timelines, options);
  const seconds = (performance.now() - startedMs) / 1000;
  const { tunnel } = world.config.detect;
  return {
    settings: {
      config: options.config,
      tunnel_threshold: options.threshold ?? tunnel.threshold,
      tunnel_action: options.action ?? tunnel.action,
    },
    replayed: {
      files: recordings.length,
      timelines: timelines.length,
      clients: timelines.reduce((sum, timeline) => sum + world.addresses(timeline).size, 0),
      queries: scores.queries,
      forwarded: scores.forwarded,
      seconds,
    },
    captures: recordings.flatMap(({ path, counts }) =>
      counts === null ? [] : [captureFigures(path, counts)],
    ),
    tools: toolFigures(scores),
    main: mainFigures(scores),
    missed: missedSessions(scores),
    benign: trafficFigures(scores.benign),
    unlabelled: trafficFigures(scores.unlabelled),
    roc: options.roc ? rocOf(world, timelines, options) : [],
    transforms: options.transform
      ? changedSessions(timelines, scores, (changed) => scoresOf(world, changed, options))
      : [],
    cost: options.cost ? measureCost(world, timelines, world.tables(options)) : null,
  };
}

function noteCuts(recordings: readonly Recording[], note: (text: string) => void): void {
  for (const { path, cutOctets } of recordings) {
    if (cutOctets > 0)
      note(`${path}: ends within a packet; its last ${cutOctets} octets are left out`);
  }
}

/** One run through an engine of its own. */
function scoresOf(world: World, timelines: readonly Timeline[], overrides: Overrides): Scores {
  const scores = new Scores();
  const replay = new Replay(world, world.tables(overrides), scores);
  for (const timeline of timelines) replay.run(timeline);
  return scores;
}

function rocOf(world: World, timelines: readonly Timeline[], options: Overrides): RocPoint[] {
  const base = options.threshold ?? world.config.detect.tunnel.threshold;
  return THRESHOLD_FACTORS.map((factor) => {
    const threshold = Math.round(base * factor);
    return rocPoint(threshold, scoresOf(world, timelines, { ...options, threshold }));
  });
}
