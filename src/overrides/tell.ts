/** Steps -> alerts: what people should hear of exceptions and quarantines. */

import { type Alert, type AlertType, makeAlert, rfc3339 } from '../alerts/alert.ts';
import { plain } from '../alerts/text.ts';
import type { AnyStep } from './book.ts';
import type { ExceptionRecord, QuarantineRecord } from './records.ts';
import { durationText } from './request.ts';
import { when } from './step.ts';

export interface Ownership {
  readonly owner: string | null;
  readonly env: string | null;
}

/** Who answers for a workload; nulls where the policy does not have it. */
export type Describe = (workload: string) => Ownership;

interface Telling {
  readonly type: AlertType;
  readonly workload: string | null;
  /** Folds with nothing that has another. */
  readonly subject: string;
  readonly rule: string;
  readonly reason: string;
  readonly atMs: number;
  readonly count?: number;
}

/** The alert of a step; null for one that nobody needs to be woken for. */
export function fromStep({ record, transition }: AnyStep, describe: Describe): Alert | null {
  const said = 'requester' in record ? saidOf(record, transition) : heldOf(record, transition);
  return said === null ? null : tell({ ...said, atMs: transition.atMs }, describe);
}

/** The first query that it let through. */
export function fromFirstUse(record: ExceptionRecord, describe: Describe): Alert {
  const reason = `used for the first time: ${termsOf(record)}`;
  return tell(
    { ...aboutException(record, 'exception-used'), reason, atMs: record.lastUseMs ?? 0 },
    describe,
  );
}

type Said = Omit<Telling, 'atMs'> | null;

function saidOf(record: ExceptionRecord, { act, note, from }: AnyStep['transition']): Said {
  if (act === 'break-glass') {
    const text = `opened without an approval by ${record.requester}: ${termsOf(record)}`;
    const end = when(record.end?.untilMs ?? 0);
    const reason = `${text}; closes at ${end} unless somebody approves it`;
    return { ...aboutException(record, 'break-glass'), reason };
  }
  // A request that lapsed never let anything through.
  if (act !== 'expire' || from === 'requested') return null;
  const reason = `${note}: ${record.queries} queries used it; ${termsOf(record)}`;
  return { ...aboutException(record, 'exception-expired'), reason };
}

function heldOf(record: QuarantineRecord, { act, note }: AnyStep['transition']): Said {
  const { id, workload, reason } = record;
  const what = `${workload === null ? 'domain' : 'workload'} ${workload ?? record.pattern}`;
  const rule = `quarantine ${id} of ${workload ?? record.pattern}`;
  const head = { type: 'quarantine', workload, rule } as const;
  if (act === 'quarantine') {
    const why = reason === null ? '' : `: ${reason}`;
    const end = record.end === null ? 'until it is released' : `until ${when(record.end.untilMs)}`;
    const text = `${what} is quarantined by ${record.orderedBy}, ${end}${why}`;
    return { ...head, subject: id, reason: text };
  }
  if (act === 'evidence') return { ...head, subject: `${id} evidence`, reason: note };
  const how = act === 'release' ? `released by ${record.releasedBy}` : 'open again: time is over';
  return { ...head, subject: `${id} ended`, reason: `${what} is ${how}` };
}

function aboutException(record: ExceptionRecord, type: AlertType) {
  const { id, workload, pattern } = record;
  return { type, workload, subject: id, rule: `exception ${id} ${pattern}` };
}

/** `payments-api may resolve *.partner.example for 4h (approved by bob, CHG-1): settlement` */
function termsOf(record: ExceptionRecord): string {
  const { workload, pattern, durationMs, approver, ticket, reason } = record;
  const approval = approver === null ? 'not approved' : `approved by ${approver}`;
  const feeds = record.overridesFeeds ? ', above feeds' : '';
  const sources = [approval, ...(ticket === null ? [] : [ticket])].join(', ');
  const what = `${workload} may resolve ${pattern} for ${durationText(durationMs)}`;
  return `${what} (${sources}${feeds}): ${reason}`;
}

function tell({ type, atMs, count = 1, ...said }: Telling, describe: Describe): Alert {
  const { owner, env } =
    said.workload === null ? { owner: null, env: null } : describe(said.workload);
  return makeAlert(type, {
    time: rfc3339(atMs),
    workload: said.workload === null ? null : plain(said.workload),
    owner: owner === null ? null : plain(owner),
    env: env === null ? null : plain(env),
    source: null,
    qname: null,
    registrable_domain: null,
    qtype: null,
    verdict: null,
    would_deny: false,
    mode: null,
    rule: plain(said.rule),
    reason: plain(said.reason),
    subject: plain(said.subject),
    answers: [],
    first_seen: null,
    unusual_hour: null,
    policy_revision: null,
    count,
    window: null,
  });
}
