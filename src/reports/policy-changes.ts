/** What differs between two policies, as people would say it. */

import type { Policy, PolicyWorkload, Rule } from './policy.ts';
import { ruleName } from './policy.ts';

export interface PolicyChange {
  /** A workload, `bundle x`, or `(everyone)`. */
  readonly subject: string;
  readonly change: 'opened' | 'closed' | 'added' | 'removed' | 'changed';
  readonly what: string;
  readonly before: string;
  readonly after: string;
  /** Whose line it is: the ticket and reason of a rule. */
  readonly why: string;
}

/** Lists first by what they open. */
export function policyChanges(before: Policy, after: Policy): PolicyChange[] {
  const changes: PolicyChange[] = [];
  const bundles = (policy: Policy) => new Map(policy.bundles.map((one) => [one.name, one.allow]));
  const [oldBundles, newBundles] = [bundles(before), bundles(after)];
  const everyone = { before: before.everyone, after: after.everyone };
  rulesOf('(everyone)', 'allow', [everyone.before.allow, everyone.after.allow], changes);
  rulesOf('(everyone)', 'deny', [everyone.before.deny, everyone.after.deny], changes);
  for (const name of new Set([...oldBundles.keys(), ...newBundles.keys()])) {
    const lists = [oldBundles.get(name) ?? [], newBundles.get(name) ?? []] as const;
    rulesOf(`bundle ${name}`, 'allow', lists, changes);
  }
  const old = new Map(before.workloads.map((one) => [one.name, one]));
  for (const workload of after.workloads)
    workloadChanges(old.get(workload.name), workload, changes);
  const now = new Set(after.workloads.map(({ name }) => name));
  for (const { name } of before.workloads) {
    if (!now.has(name)) changes.push({ ...NOTHING, subject: name, change: 'removed' });
  }
  value('(unmapped)', 'mode', [before.unmapped, after.unmapped], changes);
  return changes;
}

const NOTHING = { what: 'workload', before: '', after: '', why: '' };

function workloadChanges(
  before: PolicyWorkload | undefined,
  after: PolicyWorkload,
  changes: PolicyChange[],
): void {
  const { name } = after;
  if (before === undefined) changes.push({ ...NOTHING, subject: name, change: 'added' });
  const old = before ?? { ...after, allow: [], deny: [], use: [] };
  value(name, 'mode', [old.mode, after.mode], changes);
  value(name, 'owner', [old.owner ?? '', after.owner ?? ''], changes);
  value(name, 'env', [old.env ?? '', after.env ?? ''], changes);
  value(name, 'fail_open', [String(old.failOpen), String(after.failOpen)], changes);
  value(name, 'sources', [old.sources.join(', '), after.sources.join(', ')], changes);
  value(name, 'bundles', [old.use.join(', '), after.use.join(', ')], changes);
  rulesOf(name, 'allow', [old.allow, after.allow], changes);
  rulesOf(name, 'deny', [old.deny, after.deny], changes);
}

type Pair<T> = readonly [before: T, after: T];

function value(subject: string, what: string, [before, after]: Pair<string>, to: PolicyChange[]) {
  if (before !== after) to.push({ subject, change: 'changed', what, before, after, why: '' });
}

/** A deny that goes opens, one that comes closes. */
function rulesOf(
  subject: string,
  list: 'allow' | 'deny',
  [before, after]: Pair<readonly Rule[]>,
  to: PolicyChange[],
): void {
  const names = (rules: readonly Rule[]) =>
    new Map(rules.map((rule) => [ruleName(list, rule), rule]));
  const [old, now] = [names(before), names(after)];
  for (const [name, rule] of now) {
    const change = list === 'allow' ? 'opened' : 'closed';
    if (!old.has(name))
      to.push({ ...entry(subject, change, rule), what: list, after: shown(rule) });
  }
  for (const [name, rule] of old) {
    const change = list === 'allow' ? 'closed' : 'opened';
    if (!now.has(name))
      to.push({ ...entry(subject, change, rule), what: list, before: shown(rule) });
  }
}

function entry(subject: string, change: PolicyChange['change'], { ticket, reason }: Rule) {
  return {
    subject,
    change,
    before: '',
    after: '',
    why: [ticket, reason].filter(Boolean).join(' '),
  };
}

function shown({ pattern, types }: Rule): string {
  return types === '' ? pattern : `${pattern} (${types})`;
}
