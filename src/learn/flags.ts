/** What a person should know of a suggested entry before it goes into a policy. */

import { hourOf, hourOfWeek, WEEK_HOURS } from '../baseline/hours.ts';
import type { BaselineReport } from '../baseline/reading.ts';
import { placeText } from '../config/check.ts';
import type { Config, Entry, PolicyTest } from '../config/types.ts';
import { type Collapsed, totalOf } from './collapse.ts';
import type { Engine } from './engine.ts';
import type { SeenName } from './seen.ts';
import type { Suspects } from './suspects.ts';

/** An hour of the week is usual where it was active in this share of the weeks, as in baselines. */
const ACTIVE_SHARE = 0.25;

/** Patterns that are shown in place of a whole domain. */
const NARROWER = 8;

/** Of so many names each is asked for again, unless names are what is sent. */
const MANY = 20;
const ASKED_AGAIN = 1.5;

export interface FlagContext {
  readonly engine: Engine;
  readonly suspects: Suspects;
  /** Null where nothing is known of its hours. */
  readonly baseline: BaselineReport | null;
}

export class Flags {
  readonly #context: FlagContext;
  readonly #bundles: UnusedBundles;
  readonly #denyTests: readonly PolicyTest[];

  constructor(config: Config, workload: string, context: FlagContext) {
    this.#context = context;
    const own = config.workloads.find(({ name }) => name === workload);
    this.#denyTests = (own?.tests ?? []).filter(({ expect }) => expect === 'deny');
    this.#bundles = new UnusedBundles(config, workload);
  }

  of({ pattern, seen, why, narrower }: Collapsed): string[] {
    const { engine, suspects } = this.#context;
    const flags = new Set(seen.map((one) => suspects.against(one)));
    for (const one of seen) {
      const { feed, rule } = engine.ofSeen(one);
      if (engine.isPartly(one)) flags.add(`for some types only it is covered: ${rule}`);
      if (feed !== '') flags.add(`feed ${feed} lists it`);
    }
    flags.delete('');
    for (const { name, at } of this.#denyTests) {
      if (holds(pattern, name)) flags.add(`opens ${name}, which a test denies: ${placeText(at)}`);
    }
    if (seen.every((one) => this.#isAtUnusualHours(one))) flags.add('only at unusual hours');
    if (totalOf(seen).queries === 1) flags.add('seen once');
    if (seen.every((one) => one.failed === one.queries)) flags.add('never answered');
    if (why === 'unknown') flags.add(unknownText(narrower));
    if (seen.length >= MANY && totalOf(seen).queries < seen.length * ASKED_AGAIN) {
      flags.add('hardly any name came twice: names may carry data out');
    }
    const bundles = this.#bundles.thatHold(seen);
    if (bundles.length > 0) flags.add(`bundle ${bundles.join(', ')} covers it: \`use\` that?`);
    return [...flags];
  }

  #isAtUnusualHours({ firstMs, lastMs }: SeenName): boolean {
    return this.#isUnusual(firstMs) && this.#isUnusual(lastMs);
  }

  /** False while that is being learnt. */
  #isUnusual(ms: number): boolean {
    const { baseline } = this.#context;
    if (baseline === null || !baseline.usual.isByWeek) return false;
    const hour = hourOfWeek(hourOf(ms));
    const shares = [-1, 0, 1].map(
      (beside) => baseline.activeWeeks[(hour + beside + WEEK_HOURS) % WEEK_HOURS] ?? null,
    );
    return shares[1] !== null && shares.every((share) => share === null || share < ACTIVE_SHARE);
  }
}

function unknownText(narrower: readonly string[]): string {
  const text = 'opens the whole domain, because not all names are known';
  const more = narrower.length > NARROWER ? ', ...' : '';
  if (narrower.length === 0) return text;
  return `${text}; those that are need ${narrower.slice(0, NARROWER).join(', ')}${more}`;
}

/** Whether a pattern is about a name in normal form. */
function holds(pattern: string, name: string): boolean {
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1));
  if (!pattern.startsWith('.')) return name === pattern;
  return name === pattern.slice(1) || name.endsWith(pattern);
}

/** Bundles that the workload does not use, by the names that their entries stand at. */
class UnusedBundles {
  readonly #byName = new Map<string, [string, Entry['pattern']['kind']][]>();

  constructor(config: Config, workload: string) {
    const used = config.workloads.find(({ name }) => name === workload)?.use ?? [];
    for (const { name, entries } of config.bundles) {
      if (used.includes(name)) continue;
      for (const { pattern, types } of entries) {
        if (types !== null) continue;
        const list = this.#byName.get(pattern.name) ?? [];
        list.push([name, pattern.kind]);
        this.#byName.set(pattern.name, list);
      }
    }
  }

  /** Those that hold every one of the names. */
  thatHold(seen: readonly SeenName[]): string[] {
    const [first, ...others] = seen.map((one) => this.#holding(one));
    return [...(first ?? [])].filter((bundle) => others.every((held) => held.has(bundle))).sort();
  }

  #holding({ name, kind: what }: SeenName): Set<string> {
    const own = what === 'domain' ? ['both'] : ['both', 'exact'];
    const labels = name.split('.');
    const found = new Set<string>();
    for (const at of labels.keys()) {
      const kinds = at === 0 ? own : ['both', 'below'];
      for (const [bundle, kind] of this.#byName.get(labels.slice(at).join('.')) ?? []) {
        if (kinds.includes(kind)) found.add(bundle);
      }
    }
    return found;
  }
}
