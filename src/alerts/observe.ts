/**
 * Observation -> alerts: which of the recorder's observations are worth telling, and as what. It
 * keeps nothing between calls; that repeats are not told again is the business of fold.ts.
 */

import {
  FLAG_BYPASS,
  FLAG_REBINDING,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
  MODE_OPEN,
  MODE_REPORT,
  REASON_BUDGET,
  REASON_BUNDLE,
  REASON_CHAIN,
  REASON_DOMAIN_QUARANTINE,
  REASON_EVERYONE_ALLOW,
  REASON_EXCEPTION,
  REASON_EXCEPTION_OVER_FEEDS,
  REASON_FEED,
  REASON_GENERATED,
  REASON_GLOBAL_DENY,
  REASON_LIFELINE,
  REASON_LOCAL_ZONE,
  REASON_MODE,
  REASON_NETWORK,
  REASON_QUARANTINE,
  REASON_REBINDING,
  REASON_REPUTATION,
  REASON_SPECIAL_USE,
  REASON_TUNNEL,
  REASON_UNMAPPED,
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../events/kinds.ts';
import type { Observation, ObservedFinding } from '../history/observation.ts';
import { typeToText } from '../wire/text.ts';
import { type Alert, type AlertType, makeAlert, rfc3339, type Verdict } from './alert.ts';
import { tellFinding } from './findings.ts';
import { plain } from './text.ts';

/** What the configuration says about the names in an observation. */
export interface Directory {
  /** Owner and environment of a workload; nulls for one that it does not know. */
  describe(workload: string): { readonly owner: string | null; readonly env: string | null };
  /** Name of a feed by its 1-based index in the snapshot `revision`; null when not known. */
  feedName(feed: number, revision: number): string | null;
}

const REASONS = new Map<number, string>([
  [REASON_UNMAPPED, 'the source belongs to no workload'],
  [REASON_GLOBAL_DENY, 'denied for everyone'],
  [REASON_FEED, 'listed in a feed'],
  [REASON_WORKLOAD_DENY, 'denied for the workload'],
  [REASON_WORKLOAD_ALLOW, 'allowed for the workload'],
  [REASON_BUNDLE, 'allowed by a bundle'],
  [REASON_EVERYONE_ALLOW, 'allowed for everyone'],
  [REASON_LOCAL_ZONE, 'answered from a local zone'],
  [REASON_MODE, 'no rule matches; the mode decided'],
  [REASON_CHAIN, 'the answer leads to a denied name'],
  [REASON_REBINDING, 'the answer holds an address that public names must not have'],
  [REASON_REPUTATION, 'the reputation of the name is too low'],
  [REASON_NETWORK, 'the answer holds an address of a network that is denied'],
  [REASON_SPECIAL_USE, 'a special-use name is never forwarded'],
  [REASON_TUNNEL, 'the domain carried data for the workload'],
  [REASON_BUDGET, "the rule's information budget is used up"],
  [REASON_GENERATED, 'the workload asks for generated names'],
  [REASON_QUARANTINE, 'the workload is in quarantine'],
  [REASON_DOMAIN_QUARANTINE, 'the domain is in quarantine'],
  [REASON_LIFELINE, 'a lifeline of the workload in quarantine'],
  [REASON_EXCEPTION_OVER_FEEDS, 'allowed by an exception that overrides feeds'],
  [REASON_EXCEPTION, 'allowed by an exception'],
]);

/** Reasons that only a denial has. */
const DENIALS: ReadonlySet<number> = new Set([
  REASON_GLOBAL_DENY,
  REASON_FEED,
  REASON_WORKLOAD_DENY,
  REASON_CHAIN,
  REASON_REBINDING,
  REASON_TUNNEL,
  REASON_BUDGET,
  REASON_REPUTATION,
  REASON_GENERATED,
  REASON_NETWORK,
  REASON_QUARANTINE,
  REASON_DOMAIN_QUARANTINE,
]);
const FIRST_QUERY = 'the first query of this workload for this domain';

/**
 * Alerts of one observation, none for what is not worth telling. The rules:
 * - an unmapped source is told as that and as nothing else;
 * - rebinding, resolver-bypass and low-reputation stand in place of `denied` (a bypass feed is not
 *   told a second time as low reputation);
 * - a new pair that was let through (or failed after it was let through) is `new-destination`, or
 *   `would-deny-new` where only the mode let it through; a new pair that was denied is no new
 *   destination, because nothing left;
 * - what a detector found is told as that, whatever is told of its queries as queries.
 * - what is new while the workload burns in may be held, to be summed up at its end (unusual.ts).
 */
export function fromObservation(seen: Observation, directory: Directory): Alert[] {
  if (seen.finding !== null) return [fromFinding(seen, seen.finding, directory)];
  return typesOf(seen).map((type) => {
    const verdict = verdictOf(type, seen);
    // What was denied in the same moment is another alert; its reason must not stand in this one.
    const isOwn = verdict === 'denied' || !DENIALS.has(seen.reason);
    return makeAlert(type, {
      ...whoAndWhat(seen, directory),
      verdict,
      rule: seen.rule === '' || !isOwn ? null : plain(seen.rule),
      reason: isOwn ? (REASONS.get(seen.reason) ?? 'no reason recorded') : FIRST_QUERY,
      answers: isOwn ? seen.answers.map(plain) : [],
      first_seen: rfc3339(seen.firstSeenMs),
      ...counted(verdict, seen),
    });
  });
}

function fromFinding(seen: Observation, found: ObservedFinding, directory: Directory): Alert {
  const { type, reason, fields } = tellFinding(seen, found);
  const verdict = found.denied ? 'denied' : 'allowed';
  const count = Math.max(1, seen.counts.allowed + seen.counts.denied);
  const facts = {
    ...whoAndWhat(seen, directory),
    verdict,
    rule: seen.rule === '' ? null : plain(seen.rule),
    reason,
    answers: [],
    // Told before the database was asked.
    first_seen: seen.stored ? rfc3339(seen.firstSeenMs) : null,
    count,
    window: windowOf(count, seen),
  } as const;
  return makeAlert(type, facts, fields);
}

function whoAndWhat(seen: Observation, directory: Directory) {
  return {
    time: rfc3339(seen.lastMs),
    workload: plain(seen.workload),
    ...ownership(seen, directory),
    source: plain(seen.source),
    qname: plain(seen.qname),
    registrable_domain: plain(seen.registrable),
    qtype: typeToText(seen.qtype),
    would_deny: seen.counts.wouldDeny > 0,
    mode: modeOf(seen),
    unusual_hour: seen.isUnusualHour,
    policy_revision: seen.revision,
  };
}

function modeOf({ mode }: Observation): Alert['mode'] {
  if (mode === MODE_OPEN) return 'open';
  return mode === MODE_REPORT ? 'report' : 'enforce';
}

function typesOf(seen: Observation): AlertType[] {
  const { counts, flags } = seen;
  if ((flags & FLAG_UNMAPPED) !== 0 || seen.reason === REASON_UNMAPPED) return ['unmapped-source'];
  const types: AlertType[] = [];
  if ((flags & FLAG_REBINDING) !== 0) types.push('rebinding');
  if ((flags & FLAG_BYPASS) !== 0) types.push('resolver-bypass');
  else if ((flags & FLAG_REPUTATION) !== 0) types.push('low-reputation');
  if (counts.denied > 0 && types.length === 0) types.push('denied');
  if (seen.isNew && !seen.isHeld && counts.allowed + counts.failed > 0) {
    types.push(counts.wouldDeny > 0 ? 'would-deny-new' : 'new-destination');
  }
  return types;
}

function verdictOf(type: AlertType, { counts }: Observation): Verdict {
  const isNewType = type === 'new-destination' || type === 'would-deny-new';
  if (counts.denied > 0 && !isNewType) return 'denied';
  return counts.allowed > 0 || counts.failed === 0 ? 'allowed' : 'failed';
}

function ownership(seen: Observation, directory: Directory) {
  const { owner, env } = directory.describe(seen.workload);
  const feed = seen.feed === 0 ? null : directory.feedName(seen.feed, seen.revision);
  return {
    owner: owner === null ? null : plain(owner),
    env: env === null ? null : plain(env),
    subject: feed === null ? null : plain(feed),
  };
}

/** The queries that met `verdict`, and their window where there are several. */
function counted(verdict: Verdict, seen: Observation): Pick<Alert, 'count' | 'window'> {
  const count = Math.max(1, seen.counts[verdict]);
  return { count, window: windowOf(count, seen) };
}

function windowOf(count: number, { firstMs, lastMs }: Observation): Alert['window'] {
  return count > 1 ? { first: rfc3339(firstMs), last: rfc3339(lastMs) } : null;
}
