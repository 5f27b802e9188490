/**
 * The book: all records in memory, with what the store does not have yet. Openings are written
 * first and hold then; closings hold at once and are written when the disk takes them.
 */

import { DnsvalveError, messageOf } from '../errors.ts';
import type { OverridesRead } from './read.ts';
import {
  type ExceptionRecord,
  isStanding,
  type QuarantineRecord,
  type Transition,
} from './records.ts';
import type { Step } from './step.ts';
import type { OverridesStore } from './store.ts';

export type AnyStep = Step<ExceptionRecord> | Step<QuarantineRecord>;
type AnyRecord = AnyStep['record'];

export class Book {
  readonly exceptions = new Map<string, ExceptionRecord>();
  readonly quarantines = new Map<string, QuarantineRecord>();
  readonly #store: OverridesStore;
  /** Ids whose record the store does not have as it is. */
  readonly #unsaved = new Set<string>();
  readonly #counted = new Set<string>();
  #transitions: Transition[] = [];
  #lastError: string | null = null;

  constructor(store: OverridesStore) {
    this.#store = store;
    const { exceptions, quarantines } = store.read();
    for (const record of exceptions) this.exceptions.set(record.id, record);
    for (const record of quarantines) this.quarantines.set(record.id, record);
  }

  /** Why the store lacks something; null where it has everything. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** Records that the store does not have as they are. */
  get unsavedCount(): number {
    return this.#unsaved.size;
  }

  /** All records. */
  read(): OverridesRead {
    const { exceptions, quarantines } = this;
    return { exceptions: [...exceptions.values()], quarantines: [...quarantines.values()] };
  }

  isAnyStanding(): boolean {
    return this.exceptions.values().some(isStanding);
  }

  /** Numbers are given in order and never again. */
  nextExceptionNumber(): number {
    return largest(this.exceptions.values()) + 1;
  }

  nextQuarantineNumber(): number {
    return largest(this.quarantines.values()) + 1;
  }

  /** Takes a step that opens. @throws DnsvalveError SYSTEM where it cannot be kept: it is none */
  commit({ record, transition }: AnyStep): void {
    try {
      this.#write([record], [transition]);
    } catch (error) {
      this.#lastError = messageOf(error);
      const text = `${this.#store.path}: ${messageOf(error)}; nothing has changed`;
      throw new DnsvalveError('SYSTEM', text, error);
    }
    this.#set(record);
  }

  /** Takes a step that closes, or one that changes nothing for queries. `save` keeps it. */
  take({ record, transition }: AnyStep): void {
    this.#set(record);
    this.#unsaved.add(record.id);
    this.#transitions.push(transition);
  }

  /** Takes a record whose counts or notes changed. */
  note(record: AnyRecord): void {
    this.#set(record);
    this.#unsaved.add(record.id);
  }

  /** Takes counts that may wait until `noteCounts`. */
  count(record: ExceptionRecord): void {
    this.exceptions.set(record.id, record);
    this.#counted.add(record.id);
  }

  noteCounts(): void {
    for (const id of this.#counted) this.#unsaved.add(id);
    this.#counted.clear();
  }

  /**
   * Writes what waits; where nothing does after a failure, a record that the store has, to find out
   * whether it takes any again.
   *
   * @returns whether the store has everything now
   */
  save(): boolean {
    if (this.#unsaved.size === 0 && this.#lastError === null) return true;
    try {
      const probe = this.exceptions.values().next().value ?? this.quarantines.values().next().value;
      this.#write(this.#unsaved.size === 0 && probe !== undefined ? [probe] : [], []);
      return true;
    } catch (error) {
      this.#lastError = messageOf(error);
      return false;
    }
  }

  close(): void {
    this.#store.close();
  }

  #write(more: readonly AnyRecord[], steps: readonly Transition[]): void {
    const kept = [...this.#unsaved].flatMap((id) => this.#find(id) ?? []);
    const records = [...kept, ...more];
    this.#store.write({
      exceptions: records.filter((record) => 'requester' in record),
      quarantines: records.filter((record) => 'orderedBy' in record),
      transitions: [...this.#transitions, ...steps],
    });
    this.#unsaved.clear();
    this.#transitions = [];
    this.#lastError = null;
  }

  #find(id: string): AnyRecord | undefined {
    return this.exceptions.get(id) ?? this.quarantines.get(id);
  }

  #set(record: AnyRecord): void {
    if ('requester' in record) this.exceptions.set(record.id, record);
    else this.quarantines.set(record.id, record);
  }
}

function largest(records: Iterable<{ readonly number: number }>): number {
  let most = 0;
  for (const { number } of records) most = Math.max(most, number);
  return most;
}
