/**
 * From a gathered pair to the observation that main is told. Numbers become text here, once.
 */

import { addressOf, addressTexts } from './addresses.ts';
import type { FactsNames } from './decisions.ts';
import type { Finding } from './found.ts';
import { type PairGather, Untold } from './gather.ts';
import { type WireText, wireToText } from './names.ts';
import type { Observation } from './observation.ts';

/** What the database said about the pair; `stored` false: it said nothing. */
export interface Outcome {
  readonly isNew: boolean;
  readonly stored: boolean;
  readonly isHeld: boolean;
  readonly isUnusualHour: boolean | null;
  /** ms since the epoch. */
  readonly firstSeenMs: number;
}

/** Reads what was not told yet, an observation for each reason; the caller forgets it. */
export function observe(pair: PairGather, outcome: Outcome, names: FactsNames): Observation[] {
  const parts = [pair.untold ?? spanOf(pair), ...pair.apart];
  return parts.map((untold) => observePart({ pair, untold }, outcome, names));
}

function observePart(
  { pair, untold }: { readonly pair: PairGather; readonly untold: Untold },
  outcome: Outcome,
  names: FactsNames,
): Observation {
  const facts = untold.notable ?? pair.first;
  const qname = wireToText(facts.name);
  return {
    isNew: outcome.isNew,
    stored: outcome.stored,
    isHeld: outcome.isHeld,
    isUnusualHour: outcome.isUnusualHour,
    workload: pair.known.workload.name,
    workloadId: facts.workloadId,
    revision: facts.revision,
    ruleId: facts.rule,
    rule: names.rule(facts),
    reason: facts.reason,
    mode: facts.mode,
    flags: untold.flags,
    qname,
    registrable: domainText(pair.known.domain, qname, facts.name),
    qtype: facts.qtype,
    source: addressOf(facts.source),
    answers: addressTexts(untold.answers),
    feed: facts.feed,
    counts: {
      allowed: untold.allowed,
      denied: untold.denied,
      wouldDeny: untold.wouldDeny,
      failed: untold.failed,
    },
    firstMs: untold.firstMs,
    lastMs: untold.lastMs,
    firstSeenMs: outcome.firstSeenMs,
    finding: null,
  };
}

/** The end of the full name's text, where no octet of it needs an escape. */
function domainText(domain: WireText, qname: string, name: WireText): string {
  const isPlain = qname.length === name.length - 2 && domain.length > 2;
  return isPlain ? qname.slice(name.length - domain.length) : wireToText(domain);
}

export function observeFinding(
  found: Finding,
  names: FactsNames,
  isUnusualHour: boolean | null,
): Observation {
  const { facts, count, denied, foundMs: firstMs, lastMs, firstSeenMs } = found;
  return {
    isNew: false,
    isHeld: false,
    isUnusualHour,
    stored: firstSeenMs !== null,
    workload: found.workload.name,
    workloadId: facts.workloadId,
    revision: facts.revision,
    ruleId: facts.rule,
    rule: names.rule(facts),
    reason: facts.reason,
    mode: facts.mode,
    flags: 0,
    qname: wireToText(facts.name),
    registrable: wireToText(found.domain),
    qtype: facts.qtype,
    source: addressOf(facts.source),
    answers: [],
    feed: 0,
    counts: { allowed: count - denied, denied, wouldDeny: 0, failed: 0 },
    firstMs,
    lastMs,
    firstSeenMs: firstSeenMs ?? firstMs,
    finding: { type: found.type, denied: denied > 0, ...found.score },
  };
}

/** A pair known by its detail only: no counts, but its times. */
function spanOf(pair: PairGather): Untold {
  const untold = new Untold();
  untold.span(pair.firstMs, pair.lastMs);
  return untold;
}
