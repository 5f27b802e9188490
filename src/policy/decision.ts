/**
 * Decision: whether a name may be resolved, and why. It cannot be anything without its reason.
 *
 * One reusable record of numbers; the texts behind `rule`, `feed` and `workload` stand in the
 * snapshot that made the decision.
 */

export class Decision {
  /** 1 when the name may be resolved. */
  allowed = 0;
  /** 1 when only the mode let it through: `enforce` would have denied it. */
  wouldDeny = 0;
  /** REASON_* of events/kinds.ts. */
  reason = 0;
  /** Index into the snapshot's rule texts; 0 for none. */
  rule = 0;
  /** 1-based feed that matched, also one that only alerts; 0 for none. */
  feed = 0;
  /** Label of the name at which the rule's or feed's entry starts. */
  matchedLabel = 0;
  /** FLAG_* of events/kinds.ts. */
  flags = 0;
}

export function resetDecision(decision: Decision): void {
  decision.allowed = 0;
  decision.wouldDeny = 0;
  decision.reason = 0;
  decision.rule = 0;
  decision.feed = 0;
  decision.matchedLabel = 0;
  decision.flags = 0;
}

export function copyDecision(from: Decision, to: Decision): void {
  to.allowed = from.allowed;
  to.wouldDeny = from.wouldDeny;
  to.reason = from.reason;
  to.rule = from.rule;
  to.feed = from.feed;
  to.matchedLabel = from.matchedLabel;
  to.flags = from.flags;
}
