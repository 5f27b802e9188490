/** What a configuration declares, by the numbers that the engine gives its rules. */

import type { Config, Entry } from '../config/types.ts';
import { ruleText } from '../policy/rules.ts';

export interface DeclaredRule {
  readonly entry: Entry;
  /** As rule texts call it: `allow`, `bundle aws-core`, `everyone.allow`. */
  readonly list: string;
  /** Number of the workload whose list it is; null for lists that several have. */
  readonly workload: number | null;
  readonly bundle: string | null;
  /** In its list as the file has it. */
  readonly index: number;
}

/**
 * Index is the rule's number; 0 is none. The order is that in which compile.ts registers them.
 *
 * @param said the text of a rule in the compiled policy, which must be the same
 */
export function declaredRules(
  config: Config,
  said: (rule: number) => string,
): readonly (DeclaredRule | null)[] {
  const { everyone, bundles, workloads } = config;
  const none = { workload: null, bundle: null };
  const rules: DeclaredRule[] = [
    ...of(everyone.deny, { list: 'everyone.deny', ...none }),
    ...of(everyone.allow, { list: 'everyone.allow', ...none }),
    ...bundles.flatMap(({ name, entries }) =>
      of(entries, { list: `bundle ${name}`, workload: null, bundle: name }),
    ),
    ...workloads.flatMap(({ deny, allow }, i) => [
      ...of(deny, { list: 'deny', workload: i + 1, bundle: null }),
      ...of(allow, { list: 'allow', workload: i + 1, bundle: null }),
    ]),
  ];
  for (const [i, { list, entry }] of rules.entries()) {
    if (said(i + 1) !== ruleText(list, entry)) throw new Error(`rule ${i + 1} is another one`);
  }
  return [null, ...rules];
}

function of(
  entries: readonly Entry[],
  list: Omit<DeclaredRule, 'entry' | 'index'>,
): DeclaredRule[] {
  // Lists of everyone are those of several files, one behind the other.
  const counts = new Map<string, number>();
  return entries.map((entry) => {
    const index = counts.get(entry.at.file) ?? 0;
    counts.set(entry.at.file, index + 1);
    return { entry, index, ...list };
  });
}
