/**
 * Snapshot: a configuration compiled to what the workers read, and what people need to make sense
 * of its numbers. Built whole or not at all; nothing of it is seen before it is published.
 */

import { baselineOf } from '../baseline/settings.ts';
import type { Config, Workload } from '../config/types.ts';
import { type BudgetedRule, compileBudgets } from '../detect/budget-compile.ts';
import { compileDetect } from '../detect/compile.ts';
import { compilePublicSuffixes } from '../detect/public-suffixes.ts';
import { scoreOf } from '../detect/reputation-score.ts';
import { type Problem, ProblemsError } from '../errors.ts';
import { type BindingsMemory, packBindings } from '../history/bindings.ts';
import type { RevisionNames } from '../history/messages.ts';
import { compileIdentity, compilePrefixes } from '../identity/compile.ts';
import { compileForwarders } from '../identity/forwarders.ts';
import { UNMAPPED_NAME } from '../identity/workloads.ts';
import { compileRates, rateText } from '../overload/compile.ts';
import { noOverrides } from '../overrides/memory.ts';
import { usualTime } from '../overrides/request.ts';
import { budgetWarnings } from '../policy/budget-gaps.ts';
import { compilePolicy } from '../policy/compile.ts';
import { type ExplainedSnapshot, type Explanation, explain } from '../policy/explain.ts';
import { packTexts, Rules } from '../policy/rules.ts';
import { runPolicyTests } from '../policy/tests.ts';
import { compileTaps } from '../querylog/compile.ts';
import type { Compiled, RuleTexts } from '../reputation/compile.ts';
import { deniedNetworks } from '../reputation/networks.ts';
import { compileStanding } from '../reputation/standing-compile.ts';
import type { KnownDomains } from '../reputation/standing-memory.ts';
import { Tables, type TablesMemory } from '../tables.ts';
import { planOf, type UpstreamPlan } from '../upstream/plan.ts';
import { compileRoutes } from '../upstream/routes.ts';
import { COOKIES_ALL, COOKIES_ANSWERED, COOKIES_OFF, COOKIES_OFFERED } from '../wire/cookie.ts';
import type { WireName } from '../wire/name.ts';
import { loadZones } from '../zones/compile.ts';
import { zoneKind } from '../zones/kind.ts';
import { readCertificates } from './certificates.ts';

/** A workload without its lists, which are in the tables. */
export type RunningWorkload = Pick<
  Workload,
  'name' | 'owner' | 'env' | 'detect' | 'approvers' | 'tests'
>;

/** What is kept of a configuration while it is in force: all but what the tables hold anyway. */
export interface RunningConfig extends Omit<Config, 'bundles' | 'everyone' | 'workloads'> {
  readonly workloads: readonly RunningWorkload[];
  /** Prefixes of all workloads together. */
  readonly prefixes: number;
}

/** Plain data, so that the thread that built it can hand it over. */
export interface Snapshot {
  readonly config: RunningConfig;
  readonly memory: TablesMemory;
  readonly plan: UpstreamPlan;
  /** The sources as they were written, for the history. */
  readonly bindings: BindingsMemory;
  /** How long compiling took, ms. */
  readonly compileMs: number;
  /** What is in force all the same, but may not be what was meant. */
  readonly warnings: readonly Problem[];
}

/**
 * Compiles everything and runs the policy's own tests.
 *
 * @param feeds compiles the reputation feeds; registers its rules
 * @throws ProblemsError with every problem of the zones, the feeds, or the failing policy tests
 */
export async function compileSnapshot(
  config: Config,
  revision: number,
  feeds: (rules: RuleTexts) => Promise<Compiled>,
): Promise<Snapshot> {
  const startedMs = performance.now();
  // Wrong ones are found here, with all that is wrong, and not when the listeners are opened.
  readCertificates(config.listen);
  const rules = new Rules();
  const budgeted: BudgetedRule[] = [];
  const policy = compilePolicy(config, rules, budgeted);
  const reputation = await feeds(rules);
  const memory: TablesMemory = {
    revision,
    policyRevision: revision,
    ...compileIdentity(config),
    forwarders: compileForwarders(config.trustedForwarders),
    rates: compileRates(config, config.workloads.map(askText)),
    policy,
    overrides: noOverrides(),
    budgets: compileBudgets(config, budgeted),
    reputation: reputation.memory,
    suffixes: compilePublicSuffixes(),
    zones: loadZones(config),
    routes: compileRoutes(config),
    detect: compileDetect(config),
    standing: compileStanding(config),
    deniedNetworks: compilePrefixes(deniedNetworks(config.detect.networks, rules)),
    rebindingAllow: compilePrefixes(
      config.rebindingAllow.map((prefix) => ({ prefix, workload: 1 })),
    ),
    rules: rules.finish(),
    asks: packTexts(['', '', ...config.workloads.map(askText)]),
    requestTimes: packTexts(['', '', ...requestTimes(config)]),
    taps: compileTaps(config),
    limits: config.cache,
    denyTtlSeconds: config.denyTtlSeconds,
    cookies: cookiesOf(config),
    responseLimit: config.responseLimit,
  };
  return tested({
    config: runningConfig(config),
    memory,
    plan: planOf(config.upstreams),
    bindings: packBindings(config.workloads),
    compileMs: performance.now() - startedMs,
    warnings: budgetWarnings(config),
  });
}

/**
 * The same configuration with lists that changed: only the feeds are compiled anew.
 *
 * @throws ProblemsError with the policy tests that fail now
 */
export async function withFeeds(
  old: Snapshot,
  feeds: (rules: RuleTexts) => Promise<Compiled>,
): Promise<Snapshot> {
  const startedMs = performance.now();
  // The same feeds in the same order have the same rules.
  const { rules } = old.memory.reputation.feeds;
  let feed = 0;
  const reputation = await feeds({ add: () => rules[++feed] ?? 0 });
  const revision = old.memory.revision + 1;
  const memory = { ...old.memory, revision, reputation: reputation.memory };
  return tested({ ...old, memory, compileMs: performance.now() - startedMs });
}

/** The same with another table of domains that this network knows. */
export function withKnown(snapshot: Snapshot, known: KnownDomains | null): Snapshot {
  const { memory } = snapshot;
  return { ...snapshot, memory: { ...memory, standing: { ...memory.standing, known } } };
}

function tested(snapshot: Snapshot): Snapshot {
  const problems = runPolicyTests(snapshot.config.workloads, explainable(snapshot.memory));
  if (problems.length > 0) throw new ProblemsError('CONFIG', problems);
  return snapshot;
}

function runningConfig(config: Config): RunningConfig {
  const { bundles: _, everyone: __, workloads, ...rest } = config;
  return {
    ...rest,
    workloads: workloads.map(({ name, owner, env, detect, approvers, tests }) => {
      return { name, owner, env, detect, approvers, tests };
    }),
    prefixes: workloads.reduce((sum, { sources }) => sum + sources.length, 0),
  };
}

const REQUIRED = { none: COOKIES_ANSWERED, offered: COOKIES_OFFERED, all: COOKIES_ALL } as const;

function cookiesOf({ cookies }: Config): number {
  return cookies.answer ? REQUIRED[cookies.required] : COOKIES_OFF;
}

/** Whom to ask, and where the policy stands: the part of an EDE text that helps. */
function askText(workload: Workload): string {
  const place = `${workload.at.file}:${workload.at.line}`;
  return workload.owner === null ? `policy: ${place}` : `ask ${workload.owner}, policy: ${place}`;
}

function requestTimes({ workloads, exceptions }: Config): string[] {
  return workloads.map(({ env }) => usualTime(env, exceptions));
}

/** Rules of a policy, without rule 0 and without those of overrides. */
export function ruleCount({ memory }: Snapshot): number {
  const { firstRule } = memory.overrides;
  return firstRule === 0 ? memory.rules.starts.length - 2 : firstRule - 1;
}

/** What the numbers in records mean. @param at when the snapshot came into force, ms since 1970 */
export function revisionNames({ config, memory, bindings }: Snapshot, at: number): RevisionNames {
  const workloads = [UNMAPPED_NAME, ...config.workloads.map(({ name }) => name)];
  const owns = [null, ...config.workloads.map(({ detect }) => detect)];
  const baselines = owns.map((own) => baselineOf(config.detect, own));
  return { revision: memory.revision, workloads, rules: memory.rules, at, baselines, bindings };
}

/** The same tables as the workers have, in the form that `explain` asks. */
export function explainable(memory: TablesMemory): ExplainedSnapshot {
  const tables = new Tables(memory);
  return {
    policy: tables.policy,
    overrides: tables.overrides,
    workloads: tables.workloads,
    reputation: tables.reputation,
    standing: tables.standing,
    localZone: (name: WireName) => zoneKind(name, tables.zones.find(name), tables.zones),
    ruleText: (rule) => tables.rules.text(rule),
    scoreOf: (name, feed, workload) => scoreOf(tables.standing, name, feed, workload),
    budgetText: (rule) => tables.budgets.texts.text(tables.budgets.of(rule)),
    rateText: (workload) => rateText(workload, memory.rates),
    askText: (workload) => tables.asks.text(workload + 1),
    requestTime: (workload) => tables.requestTimes.text(workload + 1),
    feedName: (feed) => memory.reputation.feeds.names[feed - 1] ?? '',
  };
}

/** Explains with the engine that the workers use. */
export function explainName(
  snapshot: Snapshot,
  name: WireName,
  qtype: number,
  workload: number,
): Explanation {
  return explain(name, qtype, workload, explainable(snapshot.memory));
}

/** Where answers come from: when it changes, stored answers may be wrong. */
export function routingOf(config: RunningConfig): string {
  const forward = config.forward.map(({ suffix, upstream, internal }) => [
    suffix,
    upstream,
    internal,
  ]);
  const zones = config.zones.map(({ name, file }) => [name, file]);
  return JSON.stringify([
    config.upstreams.map(({ name, servers }) => [name, servers]),
    forward,
    zones,
  ]);
}
