/**
 * Alert: the document that leaves the program, one JSON object whatever the sink. Its field names
 * are a stable interface (docs/alerts.md). It is not about folding, formats or delivery.
 */

import { randomUUID } from 'node:crypto';
import type { Part } from '../detect/wording.ts';
import { plain } from './text.ts';

export const ALERT_VERSION = 1;

/** Syslog severities (RFC 5424 section 6.2.1); smaller is worse. */
export const ERROR = 3;
export const WARNING = 4;
export const NOTICE = 5;

interface TypeFacts {
  readonly severity: number;
  /** MITRE ATT&CK technique, or null where none fits without guessing. */
  readonly technique: string | null;
}

/** Every alert type with its severity. The order is that of docs/alerts.md. */
export const ALERT_TYPES = {
  'new-destination': { severity: NOTICE, technique: null },
  denied: { severity: NOTICE, technique: null },
  'would-deny-new': { severity: NOTICE, technique: null },
  'unmapped-source': { severity: WARNING, technique: null },
  rebinding: { severity: ERROR, technique: null },
  /** T1572: a resolver of one's own (DoH, DoT) tunnels DNS inside another protocol. */
  'resolver-bypass': { severity: WARNING, technique: 'T1572' },
  /** T1071.004: a listed name is asked for over DNS. */
  'low-reputation': { severity: WARNING, technique: 'T1071.004' },
  /** T1071.004: DNS carries what another protocol should; by finding, see findings.ts. */
  tunnel: { severity: ERROR, technique: 'T1071.004' },
  /** T1568.002: names made by a program, to find a server that a block list cannot hold. */
  dga: { severity: WARNING, technique: 'T1568.002' },
  /** A surge has many harmless causes, and no technique is known by it alone. */
  volume: { severity: NOTICE, technique: null },
  /** T1568.002: generated names mostly do not exist. */
  'nxdomain-burst': { severity: WARNING, technique: 'T1568.002' },
  /** Open before anybody approved it: somebody should look at once. */
  'break-glass': { severity: ERROR, technique: null },
  'exception-used': { severity: NOTICE, technique: null },
  'exception-expired': { severity: NOTICE, technique: null },
  /** Containment began or ended. */
  quarantine: { severity: ERROR, technique: null },
  /** T1071.004: a name that is listed now was asked for over DNS before anybody knew. */
  'retro-hit': { severity: WARNING, technique: 'T1071.004' },
  /** A flood has many causes, and most of them are mistakes. */
  'rate-limited': { severity: WARNING, technique: null },
  'feed-stale': { severity: WARNING, technique: null },
  'upstream-down': { severity: ERROR, technique: null },
  /** History, exceptions, audit log or the journal of alerts: the disk takes nothing. */
  'storage-down': { severity: ERROR, technique: null },
  /** A thread died by a defect, and another one took its place. */
  'worker-restarted': { severity: ERROR, technique: null },
  /** The spool could not keep what a sink did not take. */
  'alerts-lost': { severity: ERROR, technique: null },
  /** A sink's rate cap held alerts back; `count` says how many. */
  'alerts-suppressed': { severity: WARNING, technique: null },
  /** Asked for by a person, to see whether it arrives. */
  test: { severity: NOTICE, technique: null },
} as const satisfies Record<string, TypeFacts>;

export type AlertType = keyof typeof ALERT_TYPES;

/** What was done with the queries that the alert is about. */
export type Verdict = 'allowed' | 'denied' | 'failed';

/** All text is free of control characters and at most 1,024 characters a field. */
export interface Alert {
  readonly version: typeof ALERT_VERSION;
  /** UUID; the same one when a sink delivers the alert twice. */
  readonly id: string;
  /**
   * When the last query counted here came: RFC 3339, UTC, milliseconds. Of `retro-hit`, whose
   * queries are long past, when it was found.
   */
  readonly time: string;
  readonly type: AlertType;
  /** Syslog severity, 0..7. */
  readonly severity: number;
  /** Null for alerts about the resolver itself. */
  readonly workload: string | null;
  readonly owner: string | null;
  readonly env: string | null;
  /** Address of the last query's source. */
  readonly source: string | null;
  readonly qname: string | null;
  readonly registrable_domain: string | null;
  /** Mnemonic or TYPEn. */
  readonly qtype: string | null;
  readonly verdict: Verdict | null;
  /** Let through by the mode only. */
  readonly would_deny: boolean;
  readonly mode: 'enforce' | 'report' | 'open' | null;
  /** `file:line:col pattern` of the rule that decided. */
  readonly rule: string | null;
  readonly reason: string;
  /** Feed that matched or is stale; upstream, store, thread or sink that is in trouble. */
  readonly subject: string | null;
  /** Addresses answered; for `rebinding` the first is the one that was refused. */
  readonly answers: readonly string[];
  /** When this workload first asked for this registrable domain. */
  readonly first_seen: string | null;
  /** The workload is not usually active at this hour of the week; null while that is learnt. */
  readonly unusual_hour: boolean | null;
  readonly policy_revision: number | null;
  /** Queries that this alert speaks for, 1 or more; of `alerts-suppressed` the alerts. */
  readonly count: number;
  /** First and last of them, where there is more than one. */
  readonly window: { readonly first: string; readonly last: string } | null;
  /** Names of those queries, each once: the first EXAMPLES_MAX that were told; see `qname`. */
  readonly examples: readonly string[];
  readonly technique: string | null;
  /** What found it (detect/detectors.ts), how much, and how much is too much. */
  readonly detector: string | null;
  readonly score: number | null;
  readonly threshold: number | null;
  /** What the score is made of. */
  readonly parts: readonly Part[];
}

/** What only an alert about a finding has; severity and technique may differ from its type's. */
export type FindingFields = Pick<Alert, 'detector' | 'score' | 'threshold' | 'parts'> &
  TypeFacts & { readonly registrable_domain: string | null };

/** Names that an alert has as examples at most. */
export const EXAMPLES_MAX = 3;

const NO_FINDING = { detector: null, score: null, threshold: null, parts: [] };

/** Gives the alert its identity and what follows from its type. */
export function makeAlert(
  type: AlertType,
  facts: Omit<
    Alert,
    'version' | 'id' | 'type' | 'severity' | 'examples' | 'technique' | keyof typeof NO_FINDING
  >,
  finding: FindingFields | null = null,
): Alert {
  const { severity, technique } = ALERT_TYPES[type];
  const head = { version: ALERT_VERSION, id: randomUUID(), type, severity } as const;
  const examples = examplesOf(facts);
  return { ...head, ...facts, examples, technique, ...(finding ?? NO_FINDING) };
}

/** Of an alert that was not folded. */
export function examplesOf({ qname }: Pick<Alert, 'qname'>): string[] {
  return qname === null ? [] : [qname];
}

/** Types of alerts about the resolver itself. */
export type OperationalType =
  | 'feed-stale'
  | 'upstream-down'
  | 'storage-down'
  | 'worker-restarted'
  | 'alerts-lost'
  | 'alerts-suppressed'
  | 'test';

/** `subject` names the feed, the upstream, the store, the thread or the sink. */
export function operationalAlert(
  type: OperationalType,
  subject: string,
  facts: { readonly reason: string; readonly atMs: number; readonly count?: number },
): Alert {
  return makeAlert(type, {
    time: rfc3339(facts.atMs),
    workload: null,
    owner: null,
    env: null,
    source: null,
    qname: null,
    registrable_domain: null,
    qtype: null,
    verdict: null,
    would_deny: false,
    mode: null,
    rule: null,
    reason: plain(facts.reason),
    subject: plain(subject),
    answers: [],
    first_seen: null,
    unusual_hour: null,
    policy_revision: null,
    count: facts.count ?? 1,
    window: null,
  });
}

/** RFC 3339 in UTC with milliseconds. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
