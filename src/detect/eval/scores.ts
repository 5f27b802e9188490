/** Scores: what was told, held against what was true. One run of a replay. */

import { REASON_TUNNEL } from '../../events/kinds.ts';
import { Source } from './benign.ts';
import { CARRIES, type Finding, OF_WORKLOAD } from './finding.ts';
import type { Listener, Outcome } from './replay.ts';
import type { Sample, Timeline } from './sample.ts';
import { Session } from './sessions.ts';

export class Scores implements Listener {
  /** In the order in which they began. */
  readonly sessions: Session[] = [];
  /** Rows that are labelled, and not as part of a tool's session. */
  readonly benign = new Map<string, Source>();
  /** Rows of recordings without labels. */
  readonly unlabelled = new Map<string, Source>();
  queries = 0;
  forwarded = 0;
  #timeline: Timeline | null = null;
  #running = new Map<string, Session>();
  /** The last sample, so that a query is counted once, before its findings. */
  #counted: Sample | null = null;

  begin(timeline: Timeline): void {
    this.#timeline = timeline;
    this.#running = new Map();
  }

  finding(sample: Sample, finding: Finding): void {
    const session = this.#sessionOf(sample) ?? this.#suspectOf(sample, finding);
    if (session !== null && CARRIES.has(finding.type)) session.raise(finding.type, sample);
    if (session === null) this.#sourceOf().tell(this.#timeline?.session ?? '', sample, finding);
  }

  outcome(sample: Sample, outcome: Outcome): void {
    this.queries++;
    if (outcome.isForwarded) this.forwarded++;
    const session = this.#sessionOf(sample);
    if (session === null) {
      this.#sourceOf().add(this.#timeline?.session ?? '', sample, outcome);
    } else if (outcome.isDenied && outcome.reason === REASON_TUNNEL) {
      session.raise(0, sample);
    }
  }

  /** The session that a query is part of, which has then counted it. */
  #sessionOf(sample: Sample): Session | null {
    const { truth, client } = sample;
    if (truth === null) return null;
    const key = `${truth.session}\t${truth.tool}\t${client}`;
    let session = this.#running.get(key);
    if (session === undefined) {
      session = new Session(truth, this.#timeline?.source ?? '', sample);
      this.#running.set(key, session);
      this.sessions.push(session);
    }
    if (this.#counted !== sample) session.add(sample);
    this.#counted = sample;
    return session;
  }

  /** A sum over a workload may pass its threshold by a query beside the session that filled it. */
  #suspectOf({ client }: Sample, { type }: Finding): Session | null {
    if (!OF_WORKLOAD.has(type)) return null;
    return this.#running.values().find((session) => session.client === client) ?? null;
  }

  #sourceOf(): Source {
    const { source = '', isLabelled = false } = this.#timeline ?? {};
    const sources = isLabelled ? this.benign : this.unlabelled;
    let found = sources.get(source);
    if (found === undefined) {
      found = new Source(source);
      sources.set(source, found);
    }
    return found;
  }
}
