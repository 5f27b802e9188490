/**
 * Snapshot: a configuration compiled to what the workers read, and what people need to make sense
 * of its numbers. Built whole or not at all; nothing of it is seen before it is published.
 */

import type { Config, Workload } from '../config/types.ts';
import { compilePublicSuffixes } from '../detect/public-suffixes.ts';
import { ProblemsError } from '../errors.ts';
import type { RevisionNames } from '../history/messages.ts';
import { compileIdentity, compilePrefixes } from '../identity/compile.ts';
import { UNMAPPED_NAME } from '../identity/workloads.ts';
import { compilePolicy } from '../policy/compile.ts';
import { type ExplainedSnapshot, type Explanation, explain } from '../policy/explain.ts';
import { packTexts, Rules } from '../policy/rules.ts';
import { runPolicyTests } from '../policy/tests.ts';
import type { Compiled, RuleTexts } from '../reputation/compile.ts';
import { Tables, type TablesMemory } from '../tables.ts';
import { compileRoutes } from '../upstream/routes.ts';
import type { UpstreamPlan } from '../upstream/upstreams.ts';
import type { WireName } from '../wire/name.ts';
import { loadZones } from '../zones/compile.ts';
import { zoneKind } from '../zones/kind.ts';

export interface Snapshot {
  readonly config: Config;
  readonly memory: TablesMemory;
  readonly plan: UpstreamPlan;
  readonly rules: Rules;
  readonly names: RevisionNames;
  /** How long compiling took, ms. */
  readonly compileMs: number;
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
  const rules = new Rules();
  const policy = compilePolicy(config, rules);
  const reputation = await feeds(rules);
  const memory: TablesMemory = {
    revision,
    ...compileIdentity(config),
    policy,
    reputation: reputation.memory,
    suffixes: compilePublicSuffixes(),
    zones: loadZones(config),
    routes: compileRoutes(config),
    rebindingAllow: compilePrefixes(
      config.rebindingAllow.map((prefix) => ({ prefix, workload: 1 })),
    ),
    rules: rules.finish(),
    asks: packTexts(['', '', ...config.workloads.map(askText)]),
    limits: config.cache,
    denyTtlSeconds: config.denyTtlSeconds,
  };
  const problems = runPolicyTests(config, explainable(memory, rules));
  if (problems.length > 0) throw new ProblemsError('CONFIG', problems);
  return {
    config,
    memory,
    plan: { groups: config.upstreams.map(({ name, servers }) => ({ name, servers })) },
    rules,
    names: namesOf(config, revision, rules),
    compileMs: performance.now() - startedMs,
  };
}

/** Whom to ask, and where the policy stands: the part of an EDE text that helps. */
function askText(workload: Workload): string {
  const place = `${workload.at.file}:${workload.at.line}`;
  return workload.owner === null ? `policy: ${place}` : `ask ${workload.owner}, policy: ${place}`;
}

function namesOf(config: Config, revision: number, rules: Rules): RevisionNames {
  return {
    revision,
    workloads: [UNMAPPED_NAME, ...config.workloads.map(({ name }) => name)],
    rules: Array.from({ length: rules.count + 1 }, (_, rule) => rules.text(rule)),
    at: Date.now(),
  };
}

/** The same tables as the workers have, in the form that `explain` asks. */
export function explainable(memory: TablesMemory, rules: Rules): ExplainedSnapshot {
  const tables = new Tables(memory);
  return {
    policy: tables.policy,
    workloads: tables.workloads,
    reputation: tables.reputation,
    localZone: (name: WireName) => zoneKind(name, tables.zones.find(name), tables.zones),
    ruleText: (rule) => rules.text(rule),
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
  return explain(name, qtype, workload, explainable(snapshot.memory, snapshot.rules));
}
