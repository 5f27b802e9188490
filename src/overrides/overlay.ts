/**
 * Overlay: main's hold on what is in force. It lays exceptions and quarantines over a compiled
 * policy, again for every policy that comes, and keeps what must outlive the tables: when an
 * exception ends on the monotonic clock, and how often it was used.
 */

import { DnsvalveError } from '../errors.ts';
import type { TablesMemory } from '../tables.ts';
import { compileOverrides } from './compile.ts';
import { EXCEPTIONS_MAX, LIFELINES_MAX, noOverrides, QUARANTINES_MAX } from './memory.ts';
import { type ActiveException, NO_OVERRIDES, type Overrides } from './override.ts';
import { octetsOf, RuleTexts } from './rule-texts.ts';
import { type OverrideUse, Slots } from './slots.ts';

/** Wall clock and shared monotonic clock, ms. */
export interface OverlayClocks {
  wallMs(): number;
  sharedMs(): number;
}

/** A compiled policy, as far as overrides are laid over it. */
export interface Overlaid {
  readonly config: { readonly workloads: readonly { readonly name: string }[] };
  readonly memory: TablesMemory;
}

export class Overlay {
  readonly #slots: Slots;
  #overrides = NO_OVERRIDES;
  #texts: RuleTexts | null = null;
  /** The policy that overrides were laid over last, and its first revision. */
  #base: TablesMemory | null = null;
  #since = 0;

  constructor(clocks: OverlayClocks) {
    this.#slots = new Slots(clocks);
  }

  get overrides(): Overrides {
    return this.#overrides;
  }

  /**
   * @throws DnsvalveError USAGE when it is more than the tables hold, or a text is taken; then
   *   nothing changes
   */
  set(overrides: Overrides): void {
    check(overrides);
    this.#overrides = overrides;
  }

  /** The policy with what is in force over it. */
  over<Snapshot extends Overlaid>(base: Snapshot, revision: number): Snapshot {
    if (this.#base !== base.memory) this.#since = revision;
    this.#base = base.memory;
    const own = { revision, policyRevision: this.#since };
    const { exceptions, quarantines } = this.#overrides;
    if (exceptions.length === 0 && quarantines.length === 0) {
      if (this.#texts?.base !== base.memory.rules) this.#texts = null;
      const overrides = noOverrides();
      return { ...base, memory: { ...base.memory, ...own, overrides } };
    }
    const texts = this.#textsOver(base);
    const overrides = compileOverrides(this.#overrides, {
      workloads: base.config.workloads.map(({ name }) => name),
      firstRule: texts.first,
      ruleCount: () => texts.count,
      ruleOf: (text) => texts.numberOf(text),
      slotOf: (exception: ActiveException) => this.#slots.take(exception),
      slots: this.#slots.memory,
    });
    return { ...base, memory: { ...base.memory, ...own, rules: texts.memory, overrides } };
  }

  /** Every worker decides by what is in force: nobody uses what was there before. */
  settle(): void {
    this.#slots.releaseAllBut(this.#overrides.exceptions);
  }

  /** Ids of exceptions in force that a worker found over. */
  ended(): string[] {
    return this.#slots.endedOf(this.#overrides.exceptions);
  }

  /** Of every exception that was in force since the start, but for the oldest of very many. */
  use(): OverrideUse[] {
    return this.#slots.use();
  }

  #textsOver({ memory }: Overlaid): RuleTexts {
    const { exceptions, quarantines } = this.#overrides;
    const wanted = [...exceptions, ...quarantines].map(({ text }) => text);
    const isOther = this.#texts?.base !== memory.rules;
    if (this.#texts === null || isOther || !this.#texts.hasRoom(wanted)) {
      this.#texts = new RuleTexts(memory.rules, octetsOf(wanted));
    }
    return this.#texts;
  }
}

function check({ exceptions, quarantines }: Overrides): void {
  if (exceptions.length > EXCEPTIONS_MAX) refuse(exceptions.length, 'exceptions', EXCEPTIONS_MAX);
  if (quarantines.length > QUARANTINES_MAX) {
    refuse(quarantines.length, 'quarantines', QUARANTINES_MAX);
  }
  const texts = new Set<string>();
  for (const { id, text } of [...exceptions, ...quarantines]) {
    if (texts.has(text)) throw new DnsvalveError('USAGE', `${id}: another has the text "${text}"`);
    texts.add(text);
  }
  for (const { id, lifelines } of quarantines) {
    if (lifelines.length > LIFELINES_MAX) {
      refuse(lifelines.length, `lifelines of ${id}`, LIFELINES_MAX);
    }
  }
}

function refuse(count: number, what: string, most: number): never {
  throw new DnsvalveError('USAGE', `${count} ${what}: at most ${most} may be in force at once`);
}
