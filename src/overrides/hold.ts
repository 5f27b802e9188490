/** The life of a quarantine: active until it is released, or until its time is over. Pure. */

import { DnsvalveError } from '../errors.ts';
import { endAfter, leftOfClosing, type Moment } from './clock.ts';
import { type QuarantineRecord, quarantineId } from './records.ts';
import { type Step, type Who, when } from './step.ts';

export interface HoldFacts {
  readonly number: number;
  readonly workload: string | null;
  readonly pattern: string | null;
  readonly lifelines: readonly string[];
  readonly reason: string | null;
  /** Null until it is released. */
  readonly durationMs: number | null;
}

type HoldStep = Step<QuarantineRecord>;

export function quarantine(facts: HoldFacts, by: Who, now: Moment): HoldStep {
  const { number, workload, pattern, lifelines, reason, durationMs } = facts;
  const record: QuarantineRecord = {
    id: quarantineId(number),
    number,
    state: 'active',
    workload,
    pattern,
    lifelines,
    reason,
    orderedBy: by.name,
    sinceMs: now.wallMs,
    end: durationMs === null ? null : endAfter(durationMs, now),
    endedMs: null,
    releasedBy: null,
    evidence: null,
    evidenceSha256: null,
  };
  return step(null, record, { act: 'quarantine', by, now });
}

/** @throws DnsvalveError USAGE for one that is over, saying how */
export function release(record: QuarantineRecord, by: Who, now: Moment): HoldStep {
  const { id, state, endedMs, releasedBy } = record;
  if (state !== 'active') {
    const who = releasedBy === null ? '' : ` by ${releasedBy}`;
    throw new DnsvalveError('USAGE', `${id}: is ${state}${who} since ${when(endedMs ?? 0)}`);
  }
  const end = { endedMs: now.wallMs, releasedBy: by.name };
  return step(record, { ...record, ...end, state: 'released' }, { act: 'release', by, now });
}

/** The end that time brings; null where it has not come. */
export function expireHold(record: QuarantineRecord, now: Moment): HoldStep | null {
  const left = untilHoldExpiry(record, now);
  if (left === null || left > 0) return null;
  const after = { ...record, state: 'expired', endedMs: now.wallMs } as const;
  return step(record, after, { act: 'expire', by: null, now });
}

/** ms until its time is over; null where only a release ends it. */
export function untilHoldExpiry({ state, end }: QuarantineRecord, now: Moment): number | null {
  return state !== 'active' || end === null ? null : leftOfClosing(end, now);
}

interface Act {
  readonly act: string;
  readonly by: Who | null;
  readonly now: Moment;
}

function step(before: QuarantineRecord | null, record: QuarantineRecord, act: Act): HoldStep {
  const actor = act.by?.name ?? 'dnsvalve';
  const states = { from: before?.state ?? null, to: record.state };
  const subject = record.id;
  const transition = { subject, atMs: act.now.wallMs, act: act.act, ...states, actor, note: '' };
  return { before, record, transition };
}
