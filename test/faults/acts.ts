/** What people do to exceptions and quarantines while the daemon is killed again and again. */

import type { AuditRecord } from '../../src/audit/record.ts';
import { Random } from '../detect/random.ts';
import type { AgentReply, Person } from './person.ts';
import { type Document, Subject } from './subject.ts';

/** What the configuration calls the workload, and the suffix that only exceptions open. */
export const WORKLOAD = 'client';
export const OPENED = 'partner.example';
/** Quarantines are of domains below it. */
export const HELD = 'com';
/** An act that got no answer because the daemon is gone. */
const GONE = 'DAEMON';

export interface Acknowledged {
  readonly act: AuditRecord['act'];
  readonly id: string;
}

export class Acts {
  readonly subjects: Subject[] = [];
  /** All that a command returned for, in order. */
  readonly acknowledged: Acknowledged[] = [];
  /** Refusals, which are answers too. */
  refused = 0;
  /** Whoever starts a new stretch gives another. */
  random = new Random(0);
  readonly #asker: Person;
  readonly #approver: Person;
  #count = 0;

  constructor(people: { asker: Person; approver: Person }) {
    this.#asker = people.asker;
    this.#approver = people.approver;
  }

  /** One act of somebody's choice; resolves when it was answered, or cannot be any more. */
  async any(): Promise<void> {
    const draw = this.random.below(10);
    const requested = this.#pick((one) => one.isRequested);
    const open = this.#pick((one) => one.kind === 'exception' && one.isStanding);
    const held = this.#pick((one) => one.kind === 'quarantine' && one.isStanding);
    if (draw < 3 && requested !== null) return this.#act(requested, 'exception-approve');
    if (draw === 3 && requested !== null) return this.#act(requested, 'exception-reject');
    if (draw === 4 && open !== null) return this.#act(open, 'exception-revoke');
    if (draw === 5 && held !== null) return this.#act(held, 'release');
    if (draw < 8) return this.#request();
    return this.#quarantine();
  }

  #request(): Promise<void> {
    const subject = this.#add('exception', `x${++this.#count}.${OPENED}`);
    const question = {
      workload: WORKLOAD,
      pattern: subject.name,
      reason: 'campaign',
      for: this.random.below(3) === 0 ? '1h' : `${2 + this.random.below(6)}s`,
      now: this.random.below(3) === 0,
    };
    return this.#asked(subject, 'exception-request', this.#asker, question);
  }

  #quarantine(): Promise<void> {
    const domain = `q${++this.#count}.${HELD}`;
    const subject = this.#add('quarantine', `www.${domain}`);
    const time = this.random.below(2) === 0 ? {} : { for: `${2 + this.random.below(5)}s` };
    return this.#asked(subject, 'quarantine', this.#asker, { domain, ...time });
  }

  #add(kind: Subject['kind'], name: string): Subject {
    const subject = new Subject(kind, name);
    this.subjects.push(subject);
    return subject;
  }

  #act(subject: Subject, act: Acknowledged['act']): Promise<void> {
    return this.#asked(subject, act, this.#approver, { id: subject.document?.id });
  }

  async #asked(
    subject: Subject,
    act: Acknowledged['act'],
    person: Person,
    question: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    subject.begin(act);
    this.#take(subject, act, await person.ask(act, question));
  }

  #take(subject: Subject, act: Acknowledged['act'], { result, code, error }: AgentReply): void {
    if (error === null) {
      const document = result as Document;
      subject.settle(document);
      this.acknowledged.push({ act, id: document.id });
      return;
    }
    // Nobody answered: what became of it is looked up when the daemon is back.
    if (code === GONE) return;
    this.refused++;
    // It ended in the meantime; what it is now is looked up, too.
    subject.settle(subject.document);
    subject.pending = subject.document === null ? null : act;
  }

  #pick(isFit: (subject: Subject) => boolean): Subject | null {
    const fit = this.subjects.slice(-40).filter(isFit);
    return fit[this.random.below(Math.max(1, fit.length))] ?? null;
  }
}
