/**
 * Custody: exceptions and quarantines of a running resolver. Opened before it listens, so that
 * nothing is answered that is contained; then tied to its workers, its alerts and its audit log.
 */

import { join } from 'node:path';
import type { Alert } from '../alerts/alert.ts';
import type { Act, Actor } from '../audit/record.ts';
import type { Pattern } from '../config/types.ts';
import { takeSnapshot } from '../evidence/snapshot.ts';
import { type AnyStep, Book } from '../overrides/book.ts';
import type { Moment } from '../overrides/clock.ts';
import { type Enforcer, overridesOf } from '../overrides/current.ts';
import { Keeper, type Outcome } from '../overrides/keeper.ts';
import { machineClock } from '../overrides/moment.ts';
import type { Overrides } from '../overrides/override.ts';
import { overridesPath } from '../overrides/read.ts';
import type { QuarantineRecord } from '../overrides/records.ts';
import type { Asked, RequestPolicy } from '../overrides/request.ts';
import { OverridesStore } from '../overrides/store.ts';
import { fromFirstUse, fromStep, type Ownership } from '../overrides/tell.ts';
import { dueSteps, Watch } from '../overrides/watch.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import { explainName, type Snapshot } from './snapshot.ts';

/** How far back the evidence of a quarantine goes. */
const EVIDENCE_MS = 30 * 86_400_000;
/** In the state directory. */
const EVIDENCE_FOLDER = 'evidence';
/** Stands for every name below a suffix. */
const ANY_LABEL = 'x';
/** Of the precedence: what is denied to everybody. */
const GLOBAL_STEP = 3;

/** What custody is tied to. */
export interface CustodyTies {
  /** Of the policy in force. */
  readonly snapshot: () => Snapshot;
  readonly inForce: Enforcer;
  readonly raise: (alert: Alert) => void;
  readonly audit: (act: Act) => Promise<unknown>;
  readonly report: (line: string) => void;
}

/** A quarantine, and why it has no evidence: null where it has, and where nobody knows any more. */
export interface Secured {
  readonly record: QuarantineRecord;
  readonly failure: string | null;
}

export class Custody {
  readonly #book: Book;
  readonly #now: () => Moment;

  private constructor(book: Book, now: () => Moment) {
    this.#book = book;
    this.#now = now;
  }

  /** @throws DnsvalveError DATABASE for a store that is there and cannot be read (fail closed) */
  static open(stateDirectory: string, now = machineClock()): Custody {
    return new Custody(new Book(OverridesStore.open(overridesPath(stateDirectory))), now);
  }

  get book(): Book {
    return this.#book;
  }

  /** What holds now: without what was over while nothing ran. */
  inForce(): Overrides {
    return overridesOf(this.#book.read(), this.#now());
  }

  /** From here on people and time may act. */
  async attend(ties: CustodyTies): Promise<Attended> {
    const attended = new Attended(this.#book, this.#now, ties);
    const due = dueSteps(this.#book, this.#now());
    if (due.length > 0) await attended.keeper.settle(due);
    return attended;
  }
}

/** Custody of a resolver that runs. */
export class Attended {
  readonly keeper: Keeper;
  readonly #ties: CustodyTies;
  readonly #now: () => Moment;
  readonly #watch: Watch;
  /** Snapshots under way and taken, by quarantine: why there is none, or null. */
  readonly #evidence = new Map<string, Promise<string | null>>();
  /** One after the other: each holds a whole configuration, and takes a core for seconds. */
  #snapshots: Promise<unknown> = Promise.resolve();

  constructor(book: Book, now: () => Moment, ties: CustodyTies) {
    this.#ties = ties;
    this.#now = now;
    const { inForce, audit, report, raise } = ties;
    const describe = (workload: string): Ownership => this.#describe(workload);
    const onStep = (step: AnyStep): void => {
      const alert = fromStep(step, describe);
      if (alert !== null) raise(alert);
    };
    const policy = (): RequestPolicy => policyOf(ties.snapshot());
    this.keeper = new Keeper({ book, inForce, policy, now, onStep, audit, report });
    this.#watch = new Watch({
      keeper: this.keeper,
      now,
      use: () => inForce.overrideUse(),
      ended: () => inForce.endedOverrides(),
      onFirstUse: (record) => raise(fromFirstUse(record, describe)),
    });
  }

  /** Contains, and then takes the evidence; `evidence` waits for it. */
  async quarantine(asked: Asked, by: Actor): Promise<Outcome<QuarantineRecord>> {
    const outcome = await this.keeper.quarantine(asked, by);
    const { id, workload } = outcome.record;
    if (workload !== null) {
      const untilMs = this.#now().wallMs;
      const taken = this.#snapshots.then(() => this.#snapshot(id, workload, untilMs));
      this.#snapshots = taken.catch(() => {});
      this.#evidence.set(id, taken);
    }
    return outcome;
  }

  /**
   * The quarantine once its snapshot is taken, or cannot be: then with the reason, as long as this
   * process runs.
   */
  async evidence(id: string): Promise<Secured | null> {
    const failure = (await this.#evidence.get(id)) ?? null;
    const record = this.keeper.book.quarantines.get(id);
    return record === undefined ? null : { record, failure };
  }

  async close(): Promise<void> {
    await this.#watch.close();
    this.keeper.book.close();
  }

  /** @returns why there is none, or null */
  async #snapshot(id: string, workload: string, untilMs: number): Promise<string | null> {
    const { config } = this.#ties.snapshot();
    const stamp = new Date(untilMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const file = join(config.stateDirectory, EVIDENCE_FOLDER, `${id}-${workload}-${stamp}.jsonl`);
    const { sha256, failure } = await takeSnapshot({
      configPath: config.files[0] ?? '',
      historyPath: config.history.path,
      workload,
      sinceMs: untilMs - EVIDENCE_MS,
      untilMs,
      output: file,
    });
    if (failure !== null) this.#ties.report(`quarantine ${id}: no evidence: ${failure}`);
    this.keeper.evidence(id, { file: failure === null ? file : null, sha256, failure });
    return failure;
  }

  #describe(workload: string): Ownership {
    const { workloads } = this.#ties.snapshot().config;
    return workloads.find(({ name }) => name === workload) ?? { owner: null, env: null };
  }
}

/** The policy in force, as requests are judged by it. */
export function policyOf(snapshot: Snapshot): RequestPolicy {
  const { people, exceptions, workloads } = snapshot.config;
  return {
    people,
    exceptions,
    workloads,
    blockedBy: (workload, pattern, type) => {
      const index = workloads.findIndex(({ name }) => name === workload) + 1;
      for (const name of examplesOf(pattern)) {
        const { steps, feed, rule } = explainName(snapshot, name, type, index);
        const isGlobal = steps.some(({ step, matched }) => matched && step === GLOBAL_STEP);
        if (isGlobal) return feed === '' ? `everyone.deny (${rule})` : `feed ${feed}`;
      }
      return null;
    },
  };
}

/** Names that stand for all of a pattern: itself, and one below. */
function examplesOf({ kind, name }: Pattern): WireName[] {
  const texts = [...(kind === 'below' ? [] : [name]), ...(kind === 'exact' ? [] : [below(name)])];
  return texts.map((text) => {
    const wire = nameToWire(text);
    const read = new WireName();
    readName(wire, 0, wire.length, read);
    return read;
  });
}

/** A name that is as long as names get has none below. */
function below(name: string): string {
  return name.length > 251 ? name : `${ANY_LABEL}.${name}`;
}
