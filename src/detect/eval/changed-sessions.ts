/** The sessions of the main rate by themselves, changed by each transform, and what was found. */

import { type Found, foundOf, type MainFigures, toAlarm } from './figures.ts';
import type { Sample, Timeline } from './sample.ts';
import type { Scores } from './scores.ts';
import { isMain } from './sessions.ts';
import { TRANSFORMS, type Transform } from './transforms.ts';

/** Samples of a benign client that a session is put among. */
const BACKGROUND_MAX = 2000;

export interface TransformFigures
  extends Pick<MainFigures, 'found' | 'sessions' | 'queries_to_alarm' | 'octets_to_alarm'> {
  readonly transform: string;
  /** Of sessions that carried 1,000 octets or more before they were changed. */
  readonly large: Found;
}

/** Replays timelines through an engine of its own. */
export type Run = (timelines: readonly Timeline[]) => Scores;

export function changedSessions(
  timelines: readonly Timeline[],
  scores: Scores,
  run: Run,
): TransformFigures[] {
  const main = scores.sessions.filter(isMain);
  const sizes = new Map(main.map((session) => [keyOf(session, session.truth.session), session]));
  const own = timelines.flatMap((timeline) => alone(timeline, sizes));
  const background = busiest(timelines);
  return TRANSFORMS.map((transform) => {
    const changed = run(own.map((timeline) => applied(timeline, transform, background)));
    const large = changed.sessions.filter((session) => {
      return sizes.get(keyOf(session, session.truth.session))?.sizeClass === 'large';
    });
    const { sessions } = changed;
    const found = foundOf(sessions);
    return { transform: transform.name, ...found, large: foundOf(large), ...toAlarm(sessions) };
  });
}

interface Asker {
  readonly source: string;
  readonly client: string;
}

function keyOf({ source, client }: Asker, session: string): string {
  return `${source}\t${session}\t${client}`;
}

/** A timeline for each of the sessions in this one. */
function alone(timeline: Timeline, sessions: ReadonlyMap<string, unknown>): Timeline[] {
  const groups = Map.groupBy(timeline.samples, ({ truth, client }) =>
    truth === null ? '' : keyOf({ source: timeline.source, client }, truth.session),
  );
  return [...groups].flatMap(([key, samples]) =>
    sessions.has(key) ? [{ ...timeline, samples }] : [],
  );
}

function applied(
  timeline: Timeline,
  transform: Transform,
  background: readonly Sample[],
): Timeline {
  return { ...timeline, samples: transform.change(timeline.samples, background) };
}

/** What the client with the most benign queries asked first. */
function busiest(timelines: readonly Timeline[]): Sample[] {
  let most: readonly Sample[] = [];
  for (const { samples } of timelines) {
    const benign = samples.filter(({ truth }) => truth === null);
    for (const own of Map.groupBy(benign, ({ client }) => client).values()) {
      if (own.length > most.length) most = own;
    }
  }
  return most.slice(0, BACKGROUND_MAX);
}
