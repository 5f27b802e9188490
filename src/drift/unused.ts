/**
 * Declared but not used: entries of workloads and of everyone, and bundles. An entry is taken out
 * of the files only where its absence was watched for the whole window, and where nothing that the
 * history does not hold may have needed it.
 */

import type { Bundle, Config, Workload } from '../config/types.ts';
import type { DeclaredRule } from './declared.ts';
import type { Finding, ListPath } from './finding.ts';
import type { Usage } from './usage.ts';

/** When the history began to watch. */
export interface Watch {
  readonly sinceMs: number;
  /** First query of each workload. */
  readonly firstMs: ReadonlyMap<string, number>;
}

/** Who may have used a rule. */
interface Users {
  readonly numbers: readonly number[];
  readonly workloads: readonly Workload[];
}

export class Unused {
  readonly #config: Config;
  readonly #usage: Usage;
  readonly #watch: Watch;
  readonly #only: string | null;
  readonly #lists: ReadonlyMap<string, readonly number[]>;
  readonly #bundles: ReadonlyMap<string, Bundle>;

  constructor(config: Config, usage: Usage, watch: Watch, only: string | null) {
    this.#config = config;
    this.#usage = usage;
    this.#watch = watch;
    this.#only = only;
    this.#lists = listsOf(usage.rules);
    this.#bundles = new Map(config.bundles.map((bundle) => [bundle.name, bundle]));
  }

  findings(): Finding[] {
    const { workloads } = this.#config;
    const asked = workloads.flatMap((workload, i) => {
      if (this.#only !== null && workload.name !== this.#only) return [];
      if (!this.#usage.heard.has(workload.name)) return [this.#silent(workload)];
      return [...this.#ofWorkload(workload, i + 1), ...this.#ofBundles(workload, i + 1)];
    });
    return this.#only === null ? [...this.#ofEveryone(), ...asked] : asked;
  }

  #silent(workload: Workload): Finding {
    const lastHeard = this.#watch.firstMs.has(workload.name) ? 'in the window' : 'ever';
    return {
      ...NOTHING,
      kind: 'silent',
      workload: workload.name,
      subject: workload.name,
      at: workload.at,
      watchedMs: this.#watch.sinceMs,
      note: `asked for nothing ${lastHeard}: its entries are not judged`,
    };
  }

  #ofWorkload(workload: Workload, number: number): Finding[] {
    const list = { file: workload.at.file, path: ['workloads', workload.name, 'allow'] };
    const users = { numbers: [number], workloads: [workload] };
    return this.#rulesOf(allowKey(number)).flatMap((rule) => this.#ofRule(rule, users, list));
  }

  #ofEveryone(): Finding[] {
    const { workloads } = this.#config;
    const users = { numbers: workloads.map((_, i) => i + 1), workloads };
    return this.#rulesOf(EVERYONE).flatMap((rule) => {
      const { file } = this.#ruleOf(rule).entry.at;
      return this.#ofRule(rule, users, { file, path: ['everyone', 'allow'] });
    });
  }

  #ofRule(rule: number, users: Users, list: ListPath): Finding[] {
    const { numbers } = users;
    if (numbers.some((number) => this.#usage.use(number, rule) !== undefined)) return [];
    const { entry, index } = this.#ruleOf(rule);
    const doubt = this.#doubtOf(rule, users) ?? this.#shortWatch(users);
    return [
      {
        ...NOTHING,
        kind: 'unused',
        workload: list.path[0] === 'everyone' ? '' : (users.workloads[0]?.name ?? ''),
        subject: entry.pattern.text,
        at: entry.at,
        watchedMs: this.#watchedMs(users),
        note: doubt ?? '',
        remedy: doubt === null ? { kind: 'remove', list, indexes: [index] } : null,
      },
    ];
  }

  /** Why a rule that no name needed may be needed all the same. */
  #doubtOf(rule: number, { numbers, workloads }: Users): string | null {
    const { entry } = this.#ruleOf(rule);
    if (numbers.some((number) => this.#usage.isTested(number, rule)))
      return 'a policy test needs it';
    if (workloads.some(({ chain }) => chain === 'inspect')) {
      return 'chain: inspect: the target of an alias may need it';
    }
    const partial = numbers.map((number) => this.#usage.partialDomain(number, entry));
    const domain = partial.find((found) => found !== null);
    return domain === undefined ? null : `names of ${domain} are missing in the history`;
  }

  #shortWatch(users: Users): string | null {
    const watchedMs = this.#watchedMs(users);
    const isWhole = watchedMs !== null && watchedMs <= this.#watch.sinceMs;
    return isWhole ? null : 'not watched for the whole window';
  }

  /** From when on somebody who may use it was heard of; null where nobody ever was. */
  #watchedMs({ workloads }: Users): number | null {
    const first = workloads.flatMap(({ name }) => this.#watch.firstMs.get(name) ?? []);
    return first.length === 0 ? null : Math.max(this.#watch.sinceMs, Math.min(...first));
  }

  #ofBundles(workload: Workload, number: number): Finding[] {
    return [...new Set(workload.use)].flatMap((name) => {
      const bundle = this.#bundles.get(name);
      return bundle === undefined ? [] : this.#ofBundle(bundle, workload, number);
    });
  }

  #ofBundle(bundle: Bundle, workload: Workload, number: number): Finding[] {
    const rules = this.#rulesOf(bundleKey(bundle.name));
    const unused = rules.filter((rule) => this.#usage.use(number, rule) === undefined);
    if (unused.length === 0) return [];
    const users = { numbers: [number], workloads: [workload] };
    const common = {
      ...NOTHING,
      workload: workload.name,
      subject: bundle.name,
      at: bundle.at,
      watchedMs: this.#watchedMs(users),
    };
    if (unused.length < rules.length) {
      const patterns = unused.map((rule) => this.#ruleOf(rule).entry.pattern.text);
      const some = patterns.slice(0, PATTERNS_SHOWN).join(', ');
      const more = patterns.length > PATTERNS_SHOWN ? ', …' : '';
      const note = `${unused.length} of ${rules.length} entries unused: ${some}${more}`;
      return [{ ...common, kind: 'bundle-partly-used', note }];
    }
    const doubts = rules.map((rule) => this.#doubtOf(rule, users));
    const doubt = doubts.find((found) => found !== null) ?? this.#shortWatch(users);
    const list = { file: workload.at.file, path: ['workloads', workload.name, 'use'] };
    const indexes = workload.use.flatMap((name, i) => (name === bundle.name ? [i] : []));
    const remedy = { kind: 'remove', list, indexes } as const;
    const note = doubt ?? `none of ${rules.length} entries`;
    return [{ ...common, kind: 'bundle-unused', note, remedy: doubt === null ? remedy : null }];
  }

  #ruleOf(rule: number): DeclaredRule {
    const found = this.#usage.rules[rule];
    if (found === undefined || found === null) throw new Error(`no rule ${rule}`);
    return found;
  }

  #rulesOf(list: string): readonly number[] {
    return this.#lists.get(list) ?? [];
  }
}

const EVERYONE = 'everyone';

function allowKey(workload: number): string {
  return `allow ${workload}`;
}

function bundleKey(name: string): string {
  return `bundle ${name}`;
}

/** Rules that allow, by their list. */
function listsOf(rules: readonly (DeclaredRule | null)[]): Map<string, number[]> {
  const lists = new Map<string, number[]>();
  for (const [i, rule] of rules.entries()) {
    if (rule === null || rule.list === 'deny' || rule.list === 'everyone.deny') continue;
    const { workload, bundle } = rule;
    const own = workload === null ? EVERYONE : allowKey(workload);
    const key = bundle === null ? own : bundleKey(bundle);
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [i]);
    else list.push(i);
  }
  return lists;
}

/** Patterns of a bundle that a note names. */
const PATTERNS_SHOWN = 5;

const NOTHING = { queries: 0, lastMs: null, remedy: null } as const;
