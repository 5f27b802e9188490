/**
 * Explain: the decision of authorize.ts as people read it, with the precedence list and the line
 * that won. It asks the same engine and derives every line from its decision, so it cannot
 * disagree.
 *
 * The slow lane only: it makes strings. How it looks on a terminal is the command's business.
 */

import type { StandingPart } from '../detect/reputation-words.ts';
import {
  MODE_ENFORCE,
  MODE_OPEN,
  MODE_REPORT,
  REASON_BUNDLE,
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
  REASON_WORKLOAD_ALLOW,
  REASON_WORKLOAD_DENY,
} from '../events/kinds.ts';
import { UNMAPPED } from '../identity/workloads.ts';
import type { WireName } from '../wire/name.ts';
import { nameToText, typeToText } from '../wire/text.ts';
import { authorize, isNamed, type PolicyView } from './authorize.ts';
import { Decision } from './decision.ts';
import { isPlain, opensByException } from './why.ts';

/** What explaining needs of a snapshot beyond deciding. */
export interface ExplainedSnapshot extends PolicyView {
  /** ZONE_* of the local zone that holds the name. */
  localZone(name: WireName): number;
  /** '' for 0. */
  ruleText(rule: number): string;
  /** `budget of 1kB/h`, where the rule has one; '' otherwise. */
  budgetText(rule: number): string;
  /** `2000 queries/s, 200 upstream/s`; '' without a limit. */
  rateText(workload: number): string;
  /** `ask team-payments, policy: payments.yaml:12`; '' for an unmapped source. */
  askText(workload: number): string;
  /** For how long a workload's request asks. */
  requestTime(workload: number): string;
  /** Name of a 1-based feed; '' for 0. */
  feedName(feed: number): string;
  /** The reputation of a name that `feed` lists (0 for none). */
  scoreOf(name: WireName, feed: number, workload: number): Score;
}

/** The reputation score of a name, as an alert has it. */
export interface Score {
  /** 0 to 100; 100 for nothing against the name. */
  readonly score: number;
  /** What the workload takes; 0 where the score decides nothing. */
  readonly deny_below: number;
  readonly alert_below: number;
  readonly parts: readonly StandingPart[];
}

export type ModeText = 'enforce' | 'report' | 'open';

/** A line of the precedence list. */
export interface Step {
  /** Number in the product's list: 1 to 9, and 10 where the reputation score may deny. */
  readonly step: number;
  readonly name: string;
  /** False for the lines after the one that won: they were not asked. */
  readonly reached: boolean;
  /** True for the line that won, and only for it. */
  readonly matched: boolean;
  /** Text of the rule that won; '' on other lines, and where no single rule did. */
  readonly rule: string;
}

export interface Explanation {
  readonly name: string;
  readonly type: string;
  readonly workload: string;
  readonly verdict: 'allow' | 'deny';
  /** Let through by the mode only. */
  readonly would_deny: boolean;
  readonly mode: ModeText;
  /** Name of the line that won. */
  readonly reason: string;
  readonly rule: string;
  /** Feed that matched, also one that only alerts; '' for none. */
  readonly feed: string;
  /** What the rule lets leave in names, `budget of 1kB/h`; '' where it has no budget. */
  readonly budget: string;
  /** What the workload may ask, whatever the name: `2000 queries/s`; '' without a limit. */
  readonly rate_limit: string;
  /** The suffix of the name that this feed lists; '' where another line decided. */
  readonly entry: string;
  /** Whom to ask and where the policy stands, for what `enforce` denies; '' otherwise. */
  readonly ask: string;
  /** The command that asks for an exception; '' where none would help. */
  readonly request: string;
  readonly reputation: Score;
  readonly steps: readonly Step[];
}

const MODE_TEXTS = new Map<number, ModeText>([
  [MODE_ENFORCE, 'enforce'],
  [MODE_REPORT, 'report'],
  [MODE_OPEN, 'open'],
]);

/** The lines in order, by the reason that each one gives. An unmapped source has few of them. */
const LINES = [
  { step: 1, reason: REASON_DOMAIN_QUARANTINE, name: 'quarantine of the domain' },
  { step: 1, reason: REASON_QUARANTINE, name: 'quarantine of the workload' },
  { step: 2, reason: REASON_EXCEPTION_OVER_FEEDS, name: 'exceptions over feeds' },
  { step: 3, reason: REASON_GLOBAL_DENY, name: 'everyone.deny' },
  { step: 3, reason: REASON_FEED, name: 'feeds with action deny' },
  { step: 4, reason: REASON_EXCEPTION, name: 'exceptions' },
  { step: 5, reason: REASON_WORKLOAD_DENY, name: "the workload's deny" },
  { step: 6, reason: REASON_WORKLOAD_ALLOW, name: "the workload's allow" },
  { step: 7, reason: REASON_BUNDLE, name: "the workload's bundles" },
  { step: 8, reason: REASON_EVERYONE_ALLOW, name: 'everyone.allow' },
  { step: 8, reason: REASON_LOCAL_ZONE, name: 'local zones' },
  { step: 9, reason: REASON_MODE, name: 'mode' },
  { step: 10, reason: REASON_REPUTATION, name: 'reputation score' },
] as const;

const UNMAPPED_REASONS: ReadonlySet<number> = new Set([
  REASON_DOMAIN_QUARANTINE,
  REASON_GLOBAL_DENY,
  REASON_FEED,
  REASON_MODE,
  REASON_REPUTATION,
]);

/**
 * Decides as a query would be decided, and says why.
 *
 * @param workload number of the workload; UNMAPPED for a source that none claims
 */
export function explain(
  name: WireName,
  qtype: number,
  workload: number,
  snapshot: ExplainedSnapshot,
): Explanation {
  const decision = new Decision();
  snapshot.overrides.begin({ wallMs: Date.now(), nowMs: performance.now() });
  authorize(name, qtype, workload, snapshot, snapshot.localZone(name), decision);
  const mode = MODE_TEXTS.get(snapshot.workloads.mode[workload] ?? MODE_ENFORCE) ?? 'enforce';
  const rule = snapshot.ruleText(decision.rule);
  const reputation = snapshot.scoreOf(name, decision.feed, workload);
  const winner = winnerOf(workload, decision, snapshot);
  const steps = stepsOf(workload, decision, { winner, mode, rule, reputation });
  return {
    name: nameToText(name.octets),
    type: typeToText(qtype),
    workload: snapshot.workloads.nameOf(workload),
    verdict: decision.allowed === 1 ? 'allow' : 'deny',
    would_deny: decision.wouldDeny === 1,
    mode,
    reason: steps.find((line) => line.matched)?.name ?? '',
    rule,
    feed: snapshot.feedName(decision.feed),
    budget: decision.allowed === 1 ? snapshot.budgetText(decision.rule) : '',
    rate_limit: snapshot.rateText(workload),
    entry: entryOf(name, winner, decision),
    ask: decision.allowed === 0 || decision.wouldDeny === 1 ? snapshot.askText(workload) : '',
    request: requestOf(name, workload, decision, snapshot),
    reputation,
    steps,
  };
}

/** The same as `TXT _why.<name>` says (why.ts). */
function requestOf(
  name: WireName,
  workload: number,
  { allowed, reason }: Decision,
  { workloads, requestTime }: ExplainedSnapshot,
): string {
  if (allowed === 1 || !opensByException(reason) || !isPlain(name)) return '';
  const what = `${workloads.nameOf(workload)} ${nameToText(name.octets)}`;
  return `dnsvalve exception request ${what} --for ${requestTime(workload)} --reason TEXT`;
}

/** The suffix that the feed lists. Where a rule decided after all, its label is the rule's. */
function entryOf(name: WireName, winner: number, decision: Decision): string {
  if (decision.feed === 0 || (winner !== REASON_FEED && winner !== REASON_MODE)) return '';
  return nameToText(name.octets, name.labelAt[decision.matchedLabel] ?? 0);
}

/**
 * The reason of the line that won; an unmapped source's decision only gives it away by its rule. A
 * lifeline stands in the quarantine's line.
 */
function winnerOf(workload: number, decision: Decision, { overrides }: PolicyView): number {
  if (decision.reason === REASON_LIFELINE) return REASON_QUARANTINE;
  if (workload !== UNMAPPED || decision.reason === REASON_REPUTATION) return decision.reason;
  if (decision.rule === 0) return REASON_MODE;
  if (overrides.isQuarantine(decision.rule)) return REASON_DOMAIN_QUARANTINE;
  return decision.feed === 0 ? REASON_GLOBAL_DENY : REASON_FEED;
}

interface Said {
  /** REASON_* of the line that won. */
  readonly winner: number;
  readonly mode: ModeText;
  readonly rule: string;
  readonly reputation: Score;
}

function stepsOf(workload: number, decision: Decision, said: Said): Step[] {
  const { score, deny_below } = said.reputation;
  const lines = LINES.filter(
    ({ step, reason }) =>
      (workload !== UNMAPPED || UNMAPPED_REASONS.has(reason)) && (step < 10 || deny_below > 0),
  );
  const won = lines.findIndex(({ reason }) => reason === said.winner);
  const isScored = decision.allowed === 1 && !isNamed(decision);
  return lines.map(({ step, reason, name }, i) => ({
    step,
    name: reason === REASON_MODE ? `${name} ${said.mode}` : name,
    reached: i <= won || (step === 10 && isScored),
    matched: i === won,
    rule: i !== won ? '' : step === 10 ? `${score} of 100, below ${deny_below}` : said.rule,
  }));
}
