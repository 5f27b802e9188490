/**
 * Authorize: may this workload resolve this name? The precedence of the product, once, in order.
 * Fast lane.
 *
 * It decides from tables in memory only and writes nothing but the decision. What a denied query is
 * answered with, and what happens to the answer of one let through, is the pipeline's.
 */

import {
  FLAG_CHAIN,
  FLAG_UNMAPPED,
  MODE_ENFORCE,
  REASON_BUNDLE,
  REASON_CHAIN,
  REASON_DOMAIN_QUARANTINE,
  REASON_EVERYONE_ALLOW,
  REASON_EXCEPTION,
  REASON_EXCEPTION_OVER_FEEDS,
  REASON_FEED,
  REASON_GLOBAL_DENY,
  REASON_LIFELINE,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_QUARANTINE,
  REASON_REPUTATION,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../events/kinds.ts';
import { UNMAPPED, type Workloads } from '../identity/workloads.ts';
import {
  CONTAINED,
  type InForce,
  isExcepted,
  LIFELINE,
  NOT_CONTAINED,
} from '../overrides/in-force.ts';
import { VET_DENY } from '../reputation/vet.ts';
import type { WireName } from '../wire/name.ts';
import { type Decision, resetDecision } from './decision.ts';
import { type Policy, SCOPE_EVERYONE } from './suffixes.ts';

/** The local zone that holds a name, as far as policy cares. */
export const ZONE_NONE = 0;
export const ZONE_LOCAL = 1;
/** Answered only to workloads whose lists allow it. */
export const ZONE_PRIVATE = 2;

/** The tables that decide; part of the snapshot. */
export interface PolicyView {
  readonly policy: Policy;
  readonly workloads: Workloads;
  readonly overrides: InForce;
  /** `Reputation` of reputation/vet.ts: returns VET_*, and writes only the feed's part. */
  readonly reputation: { vet(name: WireName, decision: Decision): number };
  /** `Standing` of reputation/standing.ts: scores a name, 0 to 100. */
  readonly standing: {
    readonly memory: { readonly denyBelow: Uint8Array };
    judge(name: WireName, feed: number): number;
  };
}

/**
 * Decides; the first step that applies wins. The numbers are those of the product's precedence
 * list.
 *
 * Quarantines (1) and explicit denies (3 and 5) hold in every mode: the mode only speaks where
 * nothing else does. A lifeline is what a workload in quarantine may resolve all the same, but for
 * what step 3 denies; its lists and exceptions are not asked. An unmapped source has the
 * quarantines of domains, global deny, feeds and its own mode, nothing else: the lists and the
 * local zones are for those we know (fail closed). Its reason is always REASON_UNMAPPED; `rule` and
 * `feed` still name what denied it in an open mode.
 *
 * @param localZone ZONE_* of the zone that holds the name
 * @param decision is overwritten whole
 */
export function authorize(
  name: WireName,
  qtype: number,
  workload: number,
  tables: PolicyView,
  localZone: number,
  decision: Decision,
): void {
  resetDecision(decision);
  tables.policy.isTyped = false;
  tables.overrides.isTyped = false;
  if (workload === UNMAPPED) authorizeUnmapped(name, qtype, tables, decision);
  else authorizeWorkload(name, qtype, workload, tables, localZone, decision);
  if (decision.allowed === 1 && localZone === ZONE_NONE) {
    denyLowScore(name, workload, tables, decision);
  }
}

/**
 * 10. What would be let through is asked for its reputation, where the workload wants it. A rule
 * for that very name is a person's decision about it and stands.
 */
function denyLowScore(
  name: WireName,
  workload: number,
  tables: PolicyView,
  decision: Decision,
): void {
  const denyBelow = tables.standing.memory.denyBelow[workload]!;
  if (denyBelow === 0 || isNamed(decision)) return;
  if (tables.standing.judge(name, decision.feed) < denyBelow) deny(decision, REASON_REPUTATION);
}

/** Whether a rule allows the very name; the reason is never one of these without a rule. */
export function isNamed(decision: Decision): boolean {
  const { matchedLabel, reason } = decision;
  return (
    matchedLabel === 0 &&
    (reason === REASON_WORKLOAD_ALLOW ||
      reason === REASON_BUNDLE ||
      reason === REASON_EVERYONE_ALLOW ||
      reason === REASON_LIFELINE ||
      isExcepted(decision))
  );
}

function authorizeWorkload(
  name: WireName,
  qtype: number,
  workload: number,
  tables: PolicyView,
  localZone: number,
  decision: Decision,
): void {
  const { policy, overrides } = tables;

  // 1. Quarantines. A lifeline's rule and label are for after step 3.
  let lifeline = NOT_CONTAINED;
  let lifelineRule = 0;
  let lifelineLabel = 0;
  if (overrides.isOn) {
    if (deniedByQuarantine(name, overrides, decision)) return;
    lifeline = overrides.contain(name, workload);
    lifelineRule = overrides.rule;
    lifelineLabel = overrides.label;
    if (lifeline === CONTAINED) {
      deny(decision, REASON_QUARANTINE);
      decision.rule = lifelineRule;
      return;
    }
    // 2. An exception that overrides feeds.
    if (lifeline !== LIFELINE && overrides.isOpenAboveFeeds(name, qtype, workload)) {
      allow(decision, REASON_EXCEPTION_OVER_FEEDS, overrides.rule, overrides.label);
      return;
    }
  }

  // 3. Global deny and feeds. One look-up finds both lists of everyone; the allow is for step 8.
  policy.match(name, qtype, SCOPE_EVERYONE);
  if (deniedByRule(policy, REASON_GLOBAL_DENY, decision)) return;
  const everyoneRule = policy.allowRule;
  const everyoneLabel = policy.allowLabel;
  if (deniedByFeed(name, tables, REASON_FEED, decision)) return;

  // 1. A lifeline. 4. Any other exception.
  if (lifeline === LIFELINE) {
    allow(decision, REASON_LIFELINE, lifelineRule, lifelineLabel);
    return;
  }
  if (overrides.isOn && overrides.isOpen(name, qtype, workload)) {
    allow(decision, REASON_EXCEPTION, overrides.rule, overrides.label);
    return;
  }

  // 5. The workload's deny, 6. its allow.
  policy.match(name, qtype, policy.ownScope[workload]!);
  if (deniedByRule(policy, REASON_WORKLOAD_DENY, decision)) return;
  if (allowedByRule(policy, REASON_WORKLOAD_ALLOW, decision)) return;

  // 7. Its bundles.
  policy.match(name, qtype, policy.bundleScope[workload]!);
  if (allowedByRule(policy, REASON_BUNDLE, decision)) return;

  // 8. everyone.allow, and local zones that are not private.
  if (everyoneRule !== 0) {
    allow(decision, REASON_EVERYONE_ALLOW, everyoneRule, everyoneLabel);
    return;
  }
  if (localZone === ZONE_LOCAL) {
    allow(decision, REASON_LOCAL_ZONE, 0, 0);
    return;
  }

  // 9. The mode.
  decideByMode(decision, tables.workloads.mode[workload]!);
}

function authorizeUnmapped(
  name: WireName,
  qtype: number,
  tables: PolicyView,
  decision: Decision,
): void {
  const { policy, overrides } = tables;
  policy.match(name, qtype, SCOPE_EVERYONE);
  if (
    !(overrides.isOn && deniedByQuarantine(name, overrides, decision)) &&
    !deniedByRule(policy, REASON_GLOBAL_DENY, decision) &&
    !deniedByFeed(name, tables, REASON_FEED, decision)
  ) {
    decideByMode(decision, tables.workloads.mode[UNMAPPED]!);
  }
  decision.reason = REASON_UNMAPPED;
  decision.flags |= FLAG_UNMAPPED;
}

/**
 * What holds for every target that an answer's chain leads to: quarantines of domains, global deny
 * and feeds.
 *
 * @param name a target; `matchedLabel` of a denial counts in it, not in the qname
 * @param decision the one that let the query through. A denied target makes it the denial, with
 *   REASON_CHAIN and FLAG_CHAIN; else only the feed and flags of a feed that alerts are added
 * @returns whether the target is denied
 */
export function globallyDenied(
  name: WireName,
  qtype: number,
  tables: PolicyView,
  decision: Decision,
): boolean {
  const label = decision.matchedLabel;
  const { policy, overrides } = tables;
  policy.match(name, qtype, SCOPE_EVERYONE);
  if (
    !(overrides.isOn && deniedByQuarantine(name, overrides, decision)) &&
    !deniedByRule(policy, REASON_CHAIN, decision) &&
    !deniedByFeed(name, tables, REASON_CHAIN, decision)
  ) {
    decision.matchedLabel = label;
    return false;
  }
  decision.reason = REASON_CHAIN;
  decision.flags |= FLAG_CHAIN;
  return true;
}

/**
 * The whole precedence for what an answer's chain leads to: `chain: inspect`.
 *
 * @param decision is overwritten whole: why the target is let through (also by the mode only, then
 *   `wouldDeny` is 1), or its denial with REASON_CHAIN and FLAG_CHAIN
 * @returns whether the target is let through
 */
export function allowedTarget(
  name: WireName,
  qtype: number,
  workload: number,
  tables: PolicyView,
  decision: Decision,
): boolean {
  authorize(name, qtype, workload, tables, ZONE_NONE, decision);
  if (decision.allowed === 1) return true;
  decision.reason = REASON_CHAIN;
  decision.flags |= FLAG_CHAIN;
  return false;
}

/** Whether the name is in quarantine for everybody; then the decision is that denial. */
function deniedByQuarantine(name: WireName, overrides: InForce, decision: Decision): boolean {
  if (!overrides.isQuarantined(name)) return false;
  deny(decision, REASON_DOMAIN_QUARANTINE);
  decision.rule = overrides.rule;
  decision.matchedLabel = overrides.label;
  return true;
}

/** Whether the last match found a deny rule; then the decision is that denial. */
function deniedByRule(policy: Policy, reason: number, decision: Decision): boolean {
  if (policy.denyRule === 0) return false;
  deny(decision, reason);
  decision.rule = policy.denyRule;
  decision.matchedLabel = policy.denyLabel;
  return true;
}

/** Whether a feed denies; `vet` writes its feed, rule and label. */
function deniedByFeed(
  name: WireName,
  tables: PolicyView,
  reason: number,
  decision: Decision,
): boolean {
  if (tables.reputation.vet(name, decision) !== VET_DENY) return false;
  deny(decision, reason);
  return true;
}

/** Whether the last match found an allow rule; then the decision is that permission. */
function allowedByRule(policy: Policy, reason: number, decision: Decision): boolean {
  if (policy.allowRule === 0) return false;
  allow(decision, reason, policy.allowRule, policy.allowLabel);
  return true;
}

function deny(decision: Decision, reason: number): void {
  decision.allowed = 0;
  decision.wouldDeny = 0;
  decision.reason = reason;
}

function allow(decision: Decision, reason: number, rule: number, label: number): void {
  decision.allowed = 1;
  decision.reason = reason;
  decision.rule = rule;
  decision.matchedLabel = label;
}

function decideByMode(decision: Decision, mode: number): void {
  const open = mode === MODE_ENFORCE ? 0 : 1;
  decision.allowed = open;
  decision.wouldDeny = open;
  decision.reason = REASON_MODE;
}
