/**
 * Grants: everything that is open, a row for each workload and pattern, with who wrote it, who
 * approved it, when it closes and when it was used last. `report open` shows them all, the other
 * reports choose from them.
 */

import { resolve } from 'node:path';
import type { ExceptionRecord } from '../overrides/records.ts';
import { typeToText } from '../wire/text.ts';
import { type Policy, type PolicyWorkload, type Rule, ruleName } from './policy.ts';
import { type Use, type UseReading, usedByAnybody } from './use.ts';

/** Stands for all workloads, as `everyone.allow` is for. */
export const EVERYONE = '(everyone)';
export const UNMAPPED = '(unmapped)';

export interface Grant {
  readonly workload: string;
  readonly owner: string | null;
  readonly env: string | null;
  readonly mode: string | null;
  /** `*` for everything. */
  readonly pattern: string;
  readonly types: string;
  /** `allow`, `bundle aws-core`, `everyone.allow`, `exception ex-17`, `mode report`. */
  readonly by: string;
  readonly kind: 'rule' | 'exception' | 'everything';
  /** `teams/payments.yaml:12`; '' for an exception. */
  readonly place: string;
  readonly reason: string;
  readonly ticket: string;
  readonly requester: string;
  readonly approver: string;
  readonly expiresMs: number | null;
  readonly firstUseMs: number | null;
  readonly lastUseMs: number | null;
  readonly queries: number;
  /** Null for an exception and for everything. */
  readonly rule: Rule | null;
}

export interface GrantSource {
  readonly policy: Policy;
  readonly use: UseReading;
  readonly exceptions: readonly ExceptionRecord[];
  /** Only this workload; null for all. */
  readonly workload: string | null;
  /** As files are shown to people. */
  readonly shownFile: (path: string) => string;
}

type Whose = Pick<Grant, 'workload' | 'owner' | 'env' | 'mode'>;

/** Where the grants of one workload go, and what is known of their use. */
interface Into {
  readonly grants: Grant[];
  readonly whose: Whose;
  readonly uses: ReadonlyMap<string, Use> | undefined;
}

/** In the order of the policy: workload by workload, then what is open to everyone. */
export function grantsOf(source: GrantSource): Grant[] {
  const { policy, workload: only } = source;
  const maker = new GrantMaker(source);
  const grants: Grant[] = [];
  for (const workload of policy.workloads) {
    if (only === null || workload.name === only) maker.ofWorkload(workload, grants);
  }
  if (only === null || only === EVERYONE) maker.ofEveryone(grants);
  if (only === null || only === UNMAPPED) maker.ofUnmapped(grants);
  return grants;
}

class GrantMaker {
  readonly #source: GrantSource;
  readonly #files: readonly string[];
  readonly #bundles: ReadonlyMap<string, readonly Rule[]>;
  readonly #exceptions = new Map<string, ExceptionRecord[]>();

  constructor(source: GrantSource) {
    const { policy, exceptions, shownFile } = source;
    this.#source = source;
    this.#files = policy.files.map((path) => shownFile(resolve(path)));
    this.#bundles = new Map(policy.bundles.map(({ name, allow }) => [name, allow]));
    for (const exception of exceptions) {
      if (exception.state !== 'active' && exception.state !== 'approved') continue;
      const own = this.#exceptions.get(exception.workload) ?? [];
      own.push(exception);
      this.#exceptions.set(exception.workload, own);
    }
  }

  ofWorkload(workload: PolicyWorkload, grants: Grant[]): void {
    const { name, owner, env, mode } = workload;
    const whose = { workload: name, owner, env, mode };
    const into = { grants, whose, uses: this.#source.use.uses.get(name) };
    if (mode !== 'enforce') grants.push(this.#everything(whose, `mode ${mode}`, workload));
    if (workload.failOpen) grants.push(this.#everything(whose, 'fail_open', workload));
    for (const exception of this.#exceptions.get(name) ?? []) {
      grants.push(grantOfException(whose, exception));
    }
    this.#add(into, 'allow', workload.allow);
    for (const bundle of new Set(workload.use)) {
      this.#add(into, `bundle ${bundle}`, this.#bundles.get(bundle) ?? []);
    }
  }

  ofEveryone(grants: Grant[]): void {
    const { policy, use } = this.#source;
    const { allow } = policy.everyone;
    const whose = { workload: EVERYONE, owner: null, env: null, mode: null };
    const names = allow.map((rule) => ruleName('everyone.allow', rule));
    const uses = usedByAnybody(use.uses, names);
    this.#add({ grants, whose, uses }, 'everyone.allow', allow);
  }

  ofUnmapped(grants: Grant[]): void {
    const { unmapped } = this.#source.policy;
    if (unmapped === 'enforce') return;
    const whose = { workload: UNMAPPED, owner: null, env: null, mode: unmapped };
    grants.push(this.#everything(whose, `mode ${unmapped}`, null));
  }

  #add(into: Into, list: string, rules: readonly Rule[]): void {
    for (const rule of rules) into.grants.push(this.#grant(into, list, rule));
  }

  #grant({ whose, uses }: Into, list: string, rule: Rule): Grant {
    const use = uses?.get(ruleName(list, rule));
    return {
      workload: whose.workload,
      owner: whose.owner,
      env: whose.env,
      mode: whose.mode,
      pattern: rule.pattern,
      types: rule.types,
      by: list,
      kind: 'rule',
      place: `${this.#files[rule.file] ?? ''}:${rule.line}`,
      reason: rule.reason,
      ticket: rule.ticket,
      requester: '',
      approver: '',
      expiresMs: null,
      firstUseMs: use?.firstMs ?? null,
      lastUseMs: use?.lastMs ?? null,
      queries: use?.queries ?? 0,
      rule,
    };
  }

  #everything(whose: Whose, by: string, workload: PolicyWorkload | null): Grant {
    const place = workload === null ? '' : `${this.#files[workload.file] ?? ''}:${workload.line}`;
    return { ...EVERYTHING, ...whose, by, place };
  }
}

const EVERYTHING: Omit<Grant, keyof Whose | 'by' | 'place'> = {
  pattern: '*',
  types: '',
  kind: 'everything',
  reason: '',
  ticket: '',
  requester: '',
  approver: '',
  expiresMs: null,
  firstUseMs: null,
  lastUseMs: null,
  queries: 0,
  rule: null,
};

function grantOfException(whose: Whose, exception: ExceptionRecord): Grant {
  const { id, pattern, types, reason, ticket, requester, approver, end } = exception;
  return {
    ...whose,
    pattern,
    types: types?.map(typeToText).join(', ') ?? '',
    by: `exception ${id}${exception.overridesFeeds ? ', above feeds' : ''}`,
    kind: 'exception',
    place: '',
    reason,
    ticket: ticket ?? '',
    requester,
    approver: approver ?? (exception.isBreakGlass ? 'nobody yet (break-glass)' : ''),
    expiresMs: end?.untilMs ?? null,
    firstUseMs: exception.firstUseMs,
    lastUseMs: exception.lastUseMs,
    queries: exception.queries,
    rule: null,
  };
}
