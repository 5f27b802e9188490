/**
 * Uses of rules: what the records say about which rule decided, added up per (workload, rule) until
 * it is written, ten seconds apart. Counting one takes a look-up by two numbers and makes nothing.
 *
 * Exact for names that detail is kept of. Queries for names beyond the bound of detail are counted
 * for the rule that decided last below their domain.
 */

import {
  AT_ALLOWED,
  AT_DENIED,
  AT_FAILED,
  AT_FIRST_MS,
  AT_FOLDED,
  AT_KIND,
  AT_LAST_MS,
  AT_REVISION,
  AT_RULE,
  AT_WORKLOAD,
  KIND_NAME,
  KIND_PAIR,
} from '../events/kinds.ts';
import type { RecordPlace } from './record.ts';
import type { Workload } from './snapshots.ts';
import type { Store } from './store.ts';

/** Pause between two writes, ms. */
const WRITE_MS = 10_000;
/** Rows of one flush, about 20 ms; the rest waits for the next. */
const WRITE_ROWS = 2000;
/** Uses in memory. Beyond it they are forgotten, but for those that wait, and made anew. */
const REMEMBERED = 65_536;
/** Rule numbers are below this: a policy has some hundred thousand. */
const RULE_NUMBERS = 2 ** 24;

/** Text of a rule by the number that a record has; '' where the snapshot is not known. */
export interface RuleNames {
  ruleText(revision: number, rule: number): string;
}

export interface RuleUse {
  readonly workload: Workload;
  /** Without its place. */
  readonly rule: string;
  firstMs: number;
  lastMs: number;
  queries: number;
}

export class RuleUses {
  readonly #names: RuleNames;
  /** Of `#revision` alone, by workload and rule of that snapshot. */
  readonly #uses = new Map<number, RuleUse>();
  #revision = -1;
  #waiting: RuleUse[] = [];
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(names: RuleNames) {
    this.#names = names;
  }

  add(place: RecordPlace, workload: Workload): void {
    const { view, at } = place;
    const rule = view.getUint32(at + AT_RULE, true);
    const queries = rule === 0 ? 0 : queriesOf(place);
    if (queries === 0) return;
    const revision = view.getUint32(at + AT_REVISION, true);
    if (revision !== this.#revision || this.#uses.size >= REMEMBERED) this.#uses.clear();
    this.#revision = revision;
    const key = view.getUint32(at + AT_WORKLOAD, true) * RULE_NUMBERS + rule;
    const use = this.#uses.get(key) ?? this.#learn(key, rule, workload);
    const lastMs = view.getFloat64(at + AT_LAST_MS, true);
    if (use.queries === 0) {
      // The disk has been in trouble for long: what is not waiting yet goes uncounted.
      if (this.#waiting.length >= REMEMBERED) return;
      use.firstMs = lastMs;
      this.#waiting.push(use);
    }
    use.queries += queries;
    use.firstMs = Math.min(use.firstMs, view.getFloat64(at + AT_FIRST_MS, true) || lastMs);
    use.lastMs = Math.max(use.lastMs, lastMs);
  }

  #learn(key: number, rule: number, workload: Workload): RuleUse {
    const text = withoutPlace(this.#names.ruleText(this.#revision, rule));
    const use = { workload, rule: text, firstMs: 0, lastMs: 0, queries: 0 };
    this.#uses.set(key, use);
    return use;
  }

  /** Writes some of what waits where it is time. @returns false where the disk is in trouble */
  flush(store: Store, nowMs: number): boolean {
    // A clock that was set back must not put it off.
    if (Math.abs(nowMs - this.#writtenMs) < WRITE_MS || store.isResting) return true;
    return this.#write(store, nowMs);
  }

  /** Writes all that waits. */
  close(store: Store, nowMs: number): void {
    while (this.#write(store, nowMs) && this.#waiting.length > 0);
  }

  #write(store: Store, nowMs: number): boolean {
    const some = this.#waiting.slice(0, WRITE_ROWS).filter(({ rule }) => rule !== '');
    if (store.writeRuleUses(some, nowMs) === 'trouble') return false;
    for (const use of this.#waiting.slice(0, WRITE_ROWS)) use.queries = 0;
    this.#waiting = this.#waiting.slice(WRITE_ROWS);
    if (this.#waiting.length === 0) this.#writtenMs = nowMs;
    return true;
  }
}

function queriesOf({ view, at }: RecordPlace): number {
  const kind = view.getUint32(at + AT_KIND, true);
  if (kind === KIND_PAIR) return view.getUint32(at + AT_FOLDED, true);
  if (kind !== KIND_NAME) return 0;
  const answered = view.getUint32(at + AT_ALLOWED, true) + view.getUint32(at + AT_DENIED, true);
  return answered + view.getUint32(at + AT_FAILED, true);
}

/** `allow *.x.example` of `a b.yaml:3 allow *.x.example`; a text without a place as it is. */
export function withoutPlace(text: string): string {
  const place = /^.*?:\d+ /.exec(text);
  return place === null ? text : text.slice(place[0].length);
}
