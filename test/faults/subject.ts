/**
 * What the campaign knows of one exception or one domain's quarantine: what was acknowledged last,
 * what was asked for and never answered, and what its name must be answered with.
 */

import type { ExceptionDocument, QuarantineDocument } from '../../src/overrides/document.ts';

/**
 * A quarantine ends when the main thread takes it off, and not on the fast lane: on a busy machine
 * it lasts longer by a moment, and never less.
 */
const HOLD_SLACK_MS = 2000;

export type Document = ExceptionDocument | QuarantineDocument;

export class Subject {
  readonly kind: 'exception' | 'quarantine';
  /** The one name that it is about. */
  readonly name: string;
  /** As the daemon acknowledged it, or as it was found after a kill; null before. */
  document: Document | null = null;
  /** The act that is under way, or was when the daemon was killed. */
  pending: string | null = null;
  /** Grows with every change of the two above. */
  version = 0;

  constructor(kind: Subject['kind'], name: string) {
    this.kind = kind;
    this.name = name;
  }

  begin(act: string): void {
    this.pending = act;
    this.version++;
  }

  /** @param document what is known now; not given: what was known before still is */
  settle(document: Document | null = this.document): void {
    this.document = document;
    this.pending = null;
    this.version++;
  }

  get isStanding(): boolean {
    const state = this.document?.state;
    return this.pending === null && (state === 'active' || state === 'approved');
  }

  get isRequested(): boolean {
    return this.pending === null && this.document?.state === 'requested';
  }

  /** ms since the epoch; infinity for what has no end, or no beginning. */
  get untilMs(): number {
    const until = this.document?.until ?? null;
    return until === null ? Number.POSITIVE_INFINITY : Date.parse(until);
  }

  /** Whether an answer between the two times must let the name through; null where either may be. */
  mustResolve(sentMs: number, receivedMs: number): boolean | null {
    if (this.pending !== null) return null;
    const isOpeningSubject = this.kind === 'exception';
    // The store says so a moment before the workers hear of it.
    const isJustOver = this.document?.state === 'expired' && sentMs < this.untilMs + HOLD_SLACK_MS;
    if (!this.isStanding && !isOpeningSubject && isJustOver) return null;
    if (!this.isStanding) return !isOpeningSubject;
    if (receivedMs < this.untilMs) return isOpeningSubject;
    const slackMs = isOpeningSubject ? 0 : HOLD_SLACK_MS;
    return sentMs >= this.untilMs + slackMs ? !isOpeningSubject : null;
  }

  /**
   * What is wrong with what the store has after a kill; null where nothing is. Takes it for what is
   * known from now on.
   */
  reconcile(found: Document | null, nowMs: number): string | null {
    const problem = this.#contradiction(found, nowMs);
    this.settle(found);
    return problem;
  }

  #contradiction(found: Document | null, nowMs: number): string | null {
    const known = this.document;
    if (known === null) {
      const isHarmless = found === null || this.pending !== null;
      return isHarmless ? null : 'is there and nobody asked for it';
    }
    const { id, state } = known;
    if (found === null) return `${id} was ${state}, and is gone`;
    if (found.id !== id) return `${id} became ${found.id}`;
    // What was under way may have come to be or not; what came before it holds.
    if (this.pending !== null || found.state === state) return this.#moved(found);
    if (state === 'approved' && found.state === 'active') return this.#moved(found);
    const isOver = found.state === 'expired' && nowMs >= this.untilMs;
    return isOver ? null : `${id} was ${state} until ${known.until}, and is ${found.state}`;
  }

  /** An end that nobody moved stays where it is. */
  #moved(found: Document): string | null {
    const known = this.document;
    if (known === null || this.pending !== null || found.until === known.until) return null;
    return `${known.id} was to end at ${known.until}, and now at ${found.until}`;
  }
}
