/**
 * The keeper: what people do to exceptions and quarantines, one act at a time, on the main thread.
 *
 * Every act is judged, kept and put in force by one call without a pause between judging and
 * keeping: of two people who do the same, one is first, and the other is told. What opens is on the
 * disk before it is in force; what closes is in force before it is on the disk. An act returns when
 * every worker decides by it.
 */

import type { Act, Actor } from '../audit/record.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { AnyStep, Book } from './book.ts';
import type { Moment } from './clock.ts';
import { type Enforcer, overridesOf } from './current.ts';
import { exceptionDocument, quarantineDocument } from './document.ts';
import { quarantine, release } from './hold.ts';
import { activate, approve, extend, reject, request, revoke } from './life.ts';
import { EXCEPTIONS_MAX, QUARANTINES_MAX } from './memory.ts';
import { refuseNoApprover, refuseNoGlass, refuseUnknown, whoIs } from './people.ts';
import { type ExceptionRecord, isOpen, isStanding, type QuarantineRecord } from './records.ts';
import { type Asked, type RequestPolicy, readDuration, readHold, readRequest } from './request.ts';
import type { Step, Who } from './step.ts';

export interface KeeperOptions {
  readonly book: Book;
  readonly inForce: Enforcer;
  readonly policy: () => RequestPolicy;
  readonly now: () => Moment;
  /** Every step that was taken, for alerts and whoever else is to hear of it. */
  readonly onStep: (step: AnyStep) => void;
  /** Resolves when the log has it, or cannot have it now. Never rejects. */
  readonly audit: (act: Act) => Promise<unknown>;
  /** Tells a person that something is not on the disk or not in force. */
  readonly report: (line: string) => void;
}

/** What an evidence snapshot came to. */
export interface Evidence {
  /** Null where there is none. */
  readonly file: string | null;
  readonly sha256: string | null;
  /** Why there is none. */
  readonly failure: string | null;
}

/** What came of an act. */
export interface Outcome<R> {
  readonly record: R;
  /** False where it holds in this process and the disk does not have it. */
  readonly isDurable: boolean;
}

/** A worker that does not answer for so long must not keep a closing from the disk. */
const PATIENCE_MS = 1000;
/** A request has fewer. */
const ASKED_PARTS = 12;
/** The wall clock may be slewed a little between two looks. */
const CLOCK_SLACK_MS = 200;
const SELF: Actor = { via: 'process', uid: process.getuid?.() ?? null, pid: process.pid };

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #book: Book;
  /** Wall clock less time since boot when the overrides were put in force last. */
  #offsetMs: number;
  /** The last record on its way to the audit log. */
  #audited: Promise<unknown> = Promise.resolve();
  /** What was not put in force, and is tried again. */
  #isBehind = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#book = options.book;
    this.#offsetMs = offsetOf(options.now());
  }

  get book(): Book {
    return this.#book;
  }

  async request(asked: Asked, by: Actor): Promise<Outcome<ExceptionRecord>> {
    const taken = this.#judged('exception-request', asked, by, (who, now) => {
      refuseUnknown(who);
      const facts = readRequest(asked, this.#options.policy());
      if (facts.isBreakGlass) refuseNoGlass(who, this.#options.policy());
      this.#refuseSame(facts);
      const step = request({ ...facts, number: this.#book.nextExceptionNumber() }, who, now);
      this.#book.commit(step);
      return step;
    });
    return this.#opened(taken);
  }

  async approve(id: unknown, by: Actor): Promise<Outcome<ExceptionRecord>> {
    const taken = this.#judged('exception-approve', { id }, by, (who, now) => {
      const record = this.#exception(id);
      refuseNoApprover(record, who, this.#options.policy());
      const step = approve(record, who, now);
      this.#book.commit(step);
      return step;
    });
    return this.#opened(taken);
  }

  async extend(id: unknown, duration: unknown, by: Actor): Promise<Outcome<ExceptionRecord>> {
    const taken = this.#judged('exception-extend', { id, for: duration }, by, (who, now) => {
      const record = this.#exception(id);
      const policy = this.#options.policy();
      refuseNoApprover(record, who, policy);
      const durationMs = readDuration(duration, record.workload, policy);
      const step = extend(record, durationMs, who, now);
      this.#book.commit(step);
      return step;
    });
    return this.#opened(taken);
  }

  async reject(id: unknown, by: Actor): Promise<Outcome<ExceptionRecord>> {
    const taken = this.#judged('exception-reject', { id }, by, (who, now) => {
      const record = this.#exception(id);
      refuseNoApprover(record, who, this.#options.policy());
      const step = reject(record, who, now);
      this.#book.take(step);
      return step;
    });
    return this.#closed(taken);
  }

  /** Whoever may speak to the socket may close. */
  async revoke(id: unknown, by: Actor): Promise<Outcome<ExceptionRecord>> {
    const taken = this.#judged('exception-revoke', { id }, by, (who, now) => {
      const step = revoke(this.#exception(id), who, now);
      this.#book.take(step);
      return step;
    });
    return this.#closed(taken);
  }

  async quarantine(asked: Asked, by: Actor): Promise<Outcome<QuarantineRecord>> {
    const taken = this.#judged('quarantine', asked, by, (who, now) => {
      const facts = readHold(asked, this.#options.policy());
      this.#refuseHeld(facts);
      const step = quarantine({ ...facts, number: this.#book.nextQuarantineNumber() }, who, now);
      this.#book.take(step);
      return step;
    });
    return this.#closed(taken);
  }

  async release(id: unknown, by: Actor): Promise<Outcome<QuarantineRecord>> {
    const taken = this.#judged('release', { id }, by, (who, now) => {
      refuseUnknown(who);
      const step = release(this.#held(id), who, now);
      this.#book.commit(step);
      return step;
    });
    refuseBehind(taken.record.id, await this.#putInForce());
    await this.#audited;
    return { record: taken.record, isDurable: true };
  }

  /** Steps that time brought: they hold already, or close now. */
  async settle(steps: readonly AnyStep[]): Promise<void> {
    for (const step of steps) this.#book.take(step);
    await this.#putInForce();
    this.#save();
    for (const step of steps) {
      const isException = 'requester' in step.record;
      this.#tell(step, isException ? 'exception-expire' : 'quarantine-expire', SELF);
    }
  }

  /** Notes where the evidence of a quarantine is, or why there is none. */
  evidence(id: string, taken: Evidence): void {
    const before = this.#held(id);
    const { file, sha256, failure } = taken;
    const record = { ...before, evidence: file, evidenceSha256: sha256 };
    const note = failure === null ? `evidence: ${file}` : `no evidence: ${failure}`;
    const { state } = record;
    const atMs = this.#options.now().wallMs;
    const head = { subject: id, atMs, act: 'evidence', from: state, to: state };
    const step = { before, record, transition: { ...head, actor: 'dnsvalve', note } };
    this.#book.take(step);
    this.#save();
    this.#tell(step, 'quarantine-evidence', SELF);
  }

  /**
   * Puts in force what is not: after a failure, and where the wall clock was set, because workers
   * judge ends by it. Then marks as active what every worker decides by.
   */
  async catchUp(): Promise<void> {
    const movedMs = Math.abs(offsetOf(this.#options.now()) - this.#offsetMs);
    const isClockSet = movedMs > CLOCK_SLACK_MS && this.#book.isAnyStanding();
    if (this.#isBehind || isClockSet) await this.#putInForce();
    if (!this.#isBehind) this.#activateAll();
    this.#save();
  }

  #judged<R extends ExceptionRecord | QuarantineRecord>(
    act: Act['act'],
    asked: Asked,
    by: Actor,
    judge: (who: Who, now: Moment) => Step<R>,
  ): Step<R> {
    const { now, audit, policy } = this.#options;
    const who = whoIs(by.via === 'control' ? by.uid : null, policy());
    try {
      const step = judge(who, now());
      this.#tell(step as AnyStep, act, by, who);
      return step;
    } catch (error) {
      const details = { person: who.name, asked: noted(asked), refused: messageOf(error) };
      void audit({ act, by, details });
      throw error;
    }
  }

  #tell(step: AnyStep, act: Act['act'], by: Actor, who: Who | null = null): void {
    const { audit, onStep } = this.#options;
    const { before, record, transition } = step;
    const details = {
      id: record.id,
      ...(who === null ? {} : { person: who.name }),
      ...(transition.note === '' ? {} : { note: transition.note }),
      before: before === null ? null : documentOf(before),
      after: documentOf(record),
      refused: null,
    };
    this.#audited = audit({ act, by, details });
    onStep(step);
  }

  /** @throws DnsvalveError SYSTEM where the workers did not take it; it is kept, and tried again */
  async #opened({ record }: Step<ExceptionRecord>): Promise<Outcome<ExceptionRecord>> {
    if (isStanding(record)) {
      refuseBehind(record.id, await this.#putInForce());
      this.#activateAll();
      this.#save();
    }
    await this.#audited;
    return { record: this.#exception(record.id), isDurable: true };
  }

  /** In force first, then on the disk: nothing delays a closing. */
  async #closed<R extends { readonly id: string }>({ record }: Step<R>): Promise<Outcome<R>> {
    const inForce = this.#putInForce();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, PATIENCE_MS);
    await Promise.race([inForce, late.promise]);
    clearTimeout(timer);
    const isDurable = this.#save();
    refuseBehind(record.id, await inForce);
    // It holds already; who is told so must find it in the log after a crash.
    await this.#audited;
    return { record, isDurable };
  }

  /** @returns whether every worker decides by what the book has */
  async #putInForce(): Promise<boolean> {
    const { inForce, now, report } = this.#options;
    const moment = now();
    this.#offsetMs = offsetOf(moment);
    try {
      this.#isBehind = false;
      await inForce.override(overridesOf(this.#book.read(), moment));
      return true;
    } catch (error) {
      this.#isBehind = true;
      report(`overrides are not in force: ${messageOf(error)}`);
      return false;
    }
  }

  #activateAll(): void {
    const moment = this.#options.now();
    for (const record of this.#book.exceptions.values()) {
      const step = activate(record, moment);
      if (step === null) continue;
      this.#book.take(step);
      this.#options.onStep(step);
    }
  }

  #save(): boolean {
    const before = this.#book.lastError;
    const isSaved = this.#book.save();
    const { lastError } = this.#book;
    if (lastError !== null && lastError !== before) {
      this.#options.report(`overrides hold, and are not on the disk: ${lastError}`);
    }
    return isSaved;
  }

  #exception(id: unknown): ExceptionRecord {
    const record = this.#book.exceptions.get(String(id));
    if (record !== undefined) return record;
    throw new DnsvalveError('USAGE', `exception "${shown(id)}": there is none; give ex-N`);
  }

  /** By its id, or by what it holds. */
  #held(id: unknown): QuarantineRecord {
    const name = String(id);
    const named = this.#book.quarantines.get(name);
    if (named !== undefined) return named;
    const active = [...this.#book.quarantines.values()].filter(({ state }) => state === 'active');
    const found = active.find(
      ({ workload, pattern }) => workload === name || pattern === name || pattern === `.${name}`,
    );
    if (found !== undefined) return found;
    const ids = active.map((record) => record.id).join(', ') || 'none';
    throw new DnsvalveError('USAGE', `"${shown(id)}": is not quarantined; in force are: ${ids}`);
  }

  #refuseSame(facts: { workload: string; pattern: string; types: readonly number[] | null }): void {
    const open = [...this.#book.exceptions.values()].filter(isOpen);
    if (open.length >= EXCEPTIONS_MAX) {
      throw new DnsvalveError(
        'USAGE',
        `${EXCEPTIONS_MAX} exceptions are open or asked for: revoke some`,
      );
    }
    const same = open.find(
      ({ workload, pattern, types }) =>
        workload === facts.workload &&
        pattern === facts.pattern &&
        String(types) === String(facts.types),
    );
    if (same === undefined) return;
    const advice =
      same.state === 'requested' ? 'have it approved' : 'extend it, or revoke it first';
    const text = `${same.id} by ${same.requester} is ${same.state} for the same; ${advice}`;
    throw new DnsvalveError('USAGE', text);
  }

  #refuseHeld(facts: { workload: string | null; pattern: string | null }): void {
    const { workload, pattern } = facts;
    const active = [...this.#book.quarantines.values()].filter(({ state }) => state === 'active');
    if (active.length >= QUARANTINES_MAX) {
      throw new DnsvalveError('USAGE', `${QUARANTINES_MAX} quarantines are in force: release some`);
    }
    const same = active.find(
      (record) => record.workload === workload && record.pattern === pattern,
    );
    if (same === undefined) return;
    const text = `${workload ?? pattern}: ${same.id} by ${same.orderedBy} holds already`;
    throw new DnsvalveError('USAGE', `${text}; release it first to change it`);
  }
}

function documentOf(record: ExceptionRecord | QuarantineRecord): object {
  return 'requester' in record ? exceptionDocument(record) : quarantineDocument(record);
}

function refuseBehind(id: string, isInForce: boolean): void {
  if (isInForce) return;
  const text = 'is kept, and not in force on all workers yet; the log of the daemon says why';
  throw new DnsvalveError('SYSTEM', `${id}: ${text}`);
}

function offsetOf({ wallMs, bootMs }: Moment): number {
  return wallMs - bootMs;
}

/** What was asked, as the audit log keeps it: who asks may ask with 64 kB. */
function noted(asked: Asked): object {
  const parts = Object.entries(asked).slice(0, ASKED_PARTS);
  const text = (value: unknown): unknown =>
    typeof value === 'boolean' ? value : shown(Array.isArray(value) ? value.join(', ') : value);
  return Object.fromEntries(parts.map(([key, value]) => [shown(key), text(value)]));
}

/** Of what was asked, in a sentence. */
function shown(value: unknown): string {
  return String(value).slice(0, 80);
}
