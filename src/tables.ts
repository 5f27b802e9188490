/**
 * Tables: all that the straight line reads, as one immutable snapshot.
 *
 * Main compiles `TablesMemory` whole into shared memory and posts it to every worker; a worker
 * wraps it and replaces its reference between batches. Nobody locks, nobody sees half a policy.
 */

import type { TtlLimits } from './cache/sanitise.ts';
import { Budgets, type BudgetsMemory } from './detect/budgets.ts';
import type { DetectSettings } from './detect/settings.ts';
import { Fingerprints, type FingerprintsMemory } from './fingerprints.ts';
import { Prefixes, type PrefixesMemory } from './identity/prefixes.ts';
import { Workloads, type WorkloadsMemory } from './identity/workloads.ts';
import { Rates, type RatesMemory } from './overload/rates.ts';
import type { ResponseLimit } from './overload/responses.ts';
import { InForce } from './overrides/in-force.ts';
import type { OverridesMemory } from './overrides/memory.ts';
import { Policy, type PolicyMemory } from './policy/suffixes.ts';
import { Texts, type TextsMemory } from './policy/texts.ts';
import type { TapsMemory } from './querylog/taps.ts';
import type { ReputationMemory } from './reputation/memory.ts';
import { Standing } from './reputation/standing.ts';
import type { StandingMemory } from './reputation/standing-memory.ts';
import { Reputation } from './reputation/vet.ts';
import { Routes, type RoutesMemory } from './upstream/routes.ts';
import { Zones, type ZonesMemory } from './zones/answer.ts';

export interface TablesMemory {
  /** Grows by one with every load; records and alerts name it. */
  readonly revision: number;
  /** Since this one nothing but overrides changed. */
  readonly policyRevision: number;
  readonly prefixes: PrefixesMemory;
  /** Trusted forwarders, by how they say whose a query is (identity/forwarded.ts). */
  readonly forwarders: PrefixesMemory;
  readonly workloads: WorkloadsMemory;
  readonly rates: RatesMemory;
  readonly policy: PolicyMemory;
  /** Exceptions and quarantines; none in what a configuration is compiled to. */
  readonly overrides: OverridesMemory;
  readonly budgets: BudgetsMemory;
  readonly reputation: ReputationMemory;
  /** Public suffix list. */
  readonly suffixes: FingerprintsMemory;
  readonly zones: ZonesMemory;
  readonly routes: RoutesMemory;
  readonly detect: DetectSettings;
  /** What the reputation score of a name is made of. */
  readonly standing: StandingMemory;
  /** Networks whose addresses no answer may hold, by the rule that says so. */
  readonly deniedNetworks: PrefixesMemory;
  /** Private prefixes that answers for public names may hold all the same. */
  readonly rebindingAllow: PrefixesMemory;
  /** Rule texts by rule id. */
  readonly rules: TextsMemory;
  /** How to ask for access, by workload + 1. */
  readonly asks: TextsMemory;
  /** For how long the command that is shown asks, by workload + 1. */
  readonly requestTimes: TextsMemory;
  /** What the query log and dnstap are told. */
  readonly taps: TapsMemory;
  readonly limits: TtlLimits;
  readonly denyTtlSeconds: number;
  /** COOKIES_* of wire/cookie.ts. */
  readonly cookies: number;
  readonly responseLimit: ResponseLimit;
}

export class Tables {
  readonly revision: number;
  readonly policyRevision: number;
  readonly prefixes: Prefixes;
  readonly forwarders: Prefixes;
  readonly workloads: Workloads;
  readonly rates: Rates;
  readonly policy: Policy;
  readonly overrides: InForce;
  readonly budgets: Budgets;
  readonly reputation: Reputation;
  readonly suffixes: Fingerprints;
  readonly zones: Zones;
  readonly routes: Routes;
  readonly detect: DetectSettings;
  readonly quiet: Fingerprints;
  readonly standing: Standing;
  readonly deniedNetworks: Prefixes;
  readonly rebindingAllow: Prefixes;
  readonly rules: Texts;
  readonly asks: Texts;
  readonly requestTimes: Texts;
  readonly taps: TapsMemory;
  readonly limits: TtlLimits;
  readonly denyTtlSeconds: number;
  readonly cookies: number;
  readonly responseLimit: ResponseLimit;

  constructor(memory: TablesMemory) {
    this.revision = memory.revision;
    this.policyRevision = memory.policyRevision;
    this.prefixes = new Prefixes(memory.prefixes);
    this.forwarders = new Prefixes(memory.forwarders);
    this.workloads = new Workloads(memory.workloads);
    this.rates = new Rates(memory.rates);
    this.policy = new Policy(memory.policy);
    this.overrides = new InForce(memory.overrides);
    this.budgets = new Budgets(memory.budgets);
    this.reputation = new Reputation(memory.reputation);
    this.suffixes = new Fingerprints(memory.suffixes.words, memory.suffixes.count);
    this.zones = new Zones(memory.zones);
    this.routes = new Routes(memory.routes);
    this.detect = memory.detect;
    this.quiet = new Fingerprints(memory.detect.quiet.words, memory.detect.quiet.count);
    this.standing = new Standing(memory.standing, this);
    this.deniedNetworks = new Prefixes(memory.deniedNetworks);
    this.rebindingAllow = new Prefixes(memory.rebindingAllow);
    this.rules = new Texts(memory.rules);
    this.asks = new Texts(memory.asks);
    this.requestTimes = new Texts(memory.requestTimes);
    this.taps = memory.taps;
    this.limits = memory.limits;
    this.denyTtlSeconds = memory.denyTtlSeconds;
    this.cookies = memory.cookies;
    this.responseLimit = memory.responseLimit;
  }
}
