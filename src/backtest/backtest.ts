/**
 * Back-test: the names of the history, asked of two policies. Each (workload, name) is asked for
 * once of either; where a rule names types, once for each type that a rule names.
 *
 * It asks the engine of the query path. What it cannot know is said by who prints it: the types
 * that a name was asked for, and names that the history holds no detail of.
 */

import { namesFurtherBelow, ruledFor } from '../learn/further-below.ts';
import type { Seen, SeenName, SeenOf, SeenRow, SeenWindow } from '../learn/seen.ts';
import { WireName } from '../wire/name.ts';
import { type Change, type ChangeKind, Changes } from './changes.ts';
import { ANY_TYPE, Judge, type Outcome, saidBy, typesOf } from './judge.ts';
import { readNameText, readReversed } from './name-text.ts';
import type { CompiledPolicy } from './policy-files.ts';
import { successorsOf } from './successors.ts';

export interface BackTestOptions {
  /** What it is compared with: a policy, or what happened, which the history says. */
  readonly before: CompiledPolicy | 'history';
  readonly after: CompiledPolicy;
  /** Decide by `after` as if every workload were in `enforce`. */
  readonly isEnforced: boolean;
  /** Rows kept of each kind of change; -1 for all. */
  readonly limit: number;
}

/** Who a workload of the history is, by either policy. */
interface Asker {
  readonly workload: string;
  /** Undefined where only the history says what happened. */
  readonly before: number | undefined;
  readonly after: ReadonlySet<number>;
}

/** One decision that is not the same any more. */
interface Difference {
  /** `declared`: only the mode let it through before, and a rule allows it now. */
  readonly kind: ChangeKind | 'declared';
  readonly type: number;
}

/** What a change is about. */
interface About {
  readonly asker: Asker;
  readonly after: number;
  readonly seen: SeenName;
}

/** In place of a type where no rule cares for it. */
const EVERY_TYPE = -1;

export class BackTest {
  readonly changes: Changes;
  /** Names that were asked for, and domains of which only that is known. */
  names = 0;
  domains = 0;
  /** Of them, what only the mode let through before and a rule allows after. */
  declared = 0;
  /** Changes for types of which the history does not know whether they were asked for. */
  guessed = 0;
  /** Workloads of the history that no policy has. */
  readonly unknown: string[] = [];
  readonly #before: Judge | null;
  readonly #after: Judge;
  readonly #isEnforced: boolean;
  readonly #types: readonly number[];
  readonly #successors: readonly ReadonlySet<number>[];
  readonly #name = new WireName();

  constructor({ before, after, isEnforced, limit }: BackTestOptions) {
    this.changes = new Changes(limit);
    this.#after = new Judge(after);
    this.#before = before === 'history' ? null : new Judge(before);
    this.#isEnforced = isEnforced;
    this.#successors = before === 'history' ? [] : successorsOf(before, after);
    this.#types = typesOf(after.config, ...(before === 'history' ? [] : [before.config]));
  }

  run(seen: Seen, window: SeenWindow, only: string | null): void {
    const askers = new Map<string, Asker | null>();
    for (const { workload, seen: row } of seenOf(seen, window, only)) {
      let asker = askers.get(workload);
      if (asker === undefined) {
        asker = this.#askerOf(workload);
        askers.set(workload, asker);
        if (asker === null) this.unknown.push(workload);
      }
      if (asker !== null) this.#add(asker, row);
    }
  }

  #askerOf(workload: string): Asker | null {
    const before = this.#before?.numberOf(workload);
    const moved = before === undefined ? undefined : this.#successors[before];
    if (moved !== undefined && moved.size > 0) return { workload, before, after: moved };
    const after = this.#after.numberOf(workload);
    return after === undefined ? null : { workload, before, after: new Set([after]) };
  }

  #add(asker: Asker, seen: SeenRow): void {
    if (seen.kind === 'name') this.names++;
    else this.domains++;
    for (const after of asker.after) {
      if (seen.kind === 'name' && this.#isSame(asker.before, after, seen)) continue;
      const found = this.#compareAll(asker.before, after, seen);
      for (const kind of new Set(found.map((one) => one.kind))) {
        const types = [
          ...new Set(found.filter((one) => one.kind === kind).map(({ type }) => type)),
        ];
        if (kind === 'declared') this.declared++;
        else this.changes.add(this.#change(kind, types, { asker, after, seen }));
      }
    }
  }

  /**
   * Whether the same is certainly decided, whatever the type: so it is for nearly all of
   * millions of names, and nothing is made for one of them.
   */
  #isSame(before: number | undefined, after: number, seen: SeenRow): boolean {
    if (!readReversed(seen.reversed, this.#name)) return true;
    const isPolicy = this.#before !== null && before !== undefined;
    const was = isPolicy ? this.#was(ANY_TYPE, before) : whatHappened(seen);
    if (isPolicy && this.#before.isTyped) return false;
    const is = this.#is(ANY_TYPE, after);
    return was === is && !this.#after.isTyped;
  }

  /** Of names without detail, two that they may have been. */
  #compareAll(before: number | undefined, after: number, seen: SeenName): Difference[] {
    const texts = seen.kind === 'name' ? [seen.name] : this.#unknown(before, seen);
    return texts.flatMap((text) =>
      readNameText(text, this.#name) ? this.#compare(before, after, seen) : [],
    );
  }

  /** Where nothing spoke against them, names that a rule further below lets through so far. */
  #unknown(before: number | undefined, { domain, wouldDeny, denied }: SeenName): string[] {
    const either = [`_.${domain}`, domain];
    const workload = this.#before?.config.workloads[(before ?? 0) - 1];
    if (this.#before === null || before === undefined || workload === undefined) return either;
    if (wouldDeny + denied > 0) return either;
    const below = namesFurtherBelow(ruledFor(this.#before.config, workload), domain);
    const open = below.filter(
      (text) => readNameText(text, this.#name) && this.#was(ANY_TYPE, before) === 'allowed',
    );
    return open.length > 0 ? open : either;
  }

  #compare(before: number | undefined, after: number, seen: SeenName): Difference[] {
    const isPolicy = this.#before !== null && before !== undefined;
    const was = isPolicy ? this.#was(ANY_TYPE, before) : whatHappened(seen);
    const isTypedBefore = isPolicy && this.#before.isTyped;
    const is = this.#is(ANY_TYPE, after);
    if (!isTypedBefore && !this.#after.isTyped) return differenceOf(was, is, EVERY_TYPE);
    if (!isPolicy) return differenceOf(was, this.#atBest(after), EVERY_TYPE);
    return this.#types.flatMap((type) =>
      differenceOf(this.#was(type, before), this.#is(type, after), type),
    );
  }

  #was(type: number, workload: number): Outcome {
    return this.#before?.decide(this.#name, type, workload) ?? 'denied';
  }

  #is(type: number, workload: number): Outcome {
    const outcome = this.#after.decide(this.#name, type, workload);
    return this.#isEnforced && outcome === 'would-deny' ? 'denied' : outcome;
  }

  /** Which types were asked for is not known, so the one that fares best speaks for the name. */
  #atBest(workload: number): Outcome {
    const outcomes = this.#types.map((type) => this.#is(type, workload));
    const best = (['allowed', 'would-deny'] as const).find((one) => outcomes.includes(one));
    return best ?? 'denied';
  }

  #change(kind: ChangeKind, found: readonly number[], about: About): Change {
    const { asker, after, seen } = about;
    const types = found.filter((type) => type !== EVERY_TYPE);
    if (types.length > 0 && !types.includes(seen.firstType)) this.guessed++;
    const type = types[0] ?? ANY_TYPE;
    const name = this.#after.view.workloads.nameOf(after);
    const isPolicy = this.#before !== null && asker.before !== undefined;
    return {
      kind,
      workload: asker.workload,
      becomes: name === asker.workload ? null : name,
      seen,
      types,
      before: isPolicy ? saidBy(this.#before.explain(this.#name, type, asker.before)) : '',
      after: saidBy(this.#after.explain(this.#name, type, after)),
    };
  }
}

function differenceOf(was: Outcome, is: Outcome, type: number): Difference[] {
  if (was === is) return [];
  if (is === 'denied') return [{ kind: 'newly-denied', type }];
  if (was === 'denied') return [{ kind: 'newly-allowed', type }];
  return [{ kind: is === 'allowed' ? 'declared' : 'would-deny', type }];
}

/** Of a name that fared now so and now so, the best. */
function whatHappened({ queries, denied, wouldDeny }: SeenName): Outcome {
  const letThrough = queries - denied;
  if (letThrough === 0) return 'denied';
  return wouldDeny < letThrough ? 'allowed' : 'would-deny';
}

/** What one workload asked for, or all of them. */
export function* seenOf(seen: Seen, window: SeenWindow, only: string | null): Generator<SeenOf> {
  if (only === null) yield* seen.everybody(window);
  else for (const row of seen.names(only, window)) yield { workload: only, seen: row };
}
