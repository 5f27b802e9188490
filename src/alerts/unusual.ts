/**
 * Baselines -> alerts: what a workload does more than is usual, and the sum of what was new in its
 * burn-in. The numbers that it was judged by stand in the reason.
 */

import type { BurnInEnd, Unusual, UnusualKind } from '../baseline/unusual.ts';
import { type Alert, type AlertType, makeAlert, rfc3339 } from './alert.ts';
import type { Directory } from './observe.ts';
import { plain } from './text.ts';

const TYPES = {
  queries: 'volume',
  fresh: 'volume',
  nxdomain: 'nxdomain-burst',
} as const satisfies Record<UnusualKind, AlertType>;

export function fromUnusual(unusual: Unusual, directory: Directory): Alert {
  const { workload, domain, atMs, hourMs, count } = unusual;
  return makeAlert(TYPES[unusual.kind], {
    ...aboutWorkload(workload, directory),
    time: rfc3339(atMs),
    registrable_domain: domain === '' ? null : plain(domain),
    reason: plain(reasonOf(unusual)),
    unusual_hour: unusual.isUnusualHour,
    count,
    window: { first: rfc3339(hourMs), last: rfc3339(atMs) },
  });
}

export function fromBurnInEnd(end: BurnInEnd, directory: Directory): Alert {
  const { workload, endMs, told, held } = end;
  const others = told === 0 ? '' : `, beside the ${grouped(told)} that were`;
  const reason =
    `burn-in: ${grouped(held)} new domains in the first hours of this workload were not told ` +
    `one by one${others}; dnsvalve first-seen --workload ${workload} lists them`;
  return makeAlert('new-destination', {
    ...aboutWorkload(workload, directory),
    time: rfc3339(endMs),
    registrable_domain: null,
    reason: plain(reason),
    unusual_hour: null,
    count: held,
    window: null,
  });
}

/** Of an alert about a workload and no query of it. */
export function aboutWorkload(workload: string, directory: Pick<Directory, 'describe'>) {
  const { owner, env } = directory.describe(workload);
  return {
    workload: plain(workload),
    owner: owner === null ? null : plain(owner),
    env: env === null ? null : plain(env),
    source: null,
    qname: null,
    qtype: null,
    verdict: null,
    would_deny: false,
    mode: null,
    rule: null,
    subject: null,
    answers: [],
    first_seen: null,
    policy_revision: null,
  };
}

function reasonOf(unusual: Unusual): string {
  const { low, high, limit, learntHours, isByWeek, domain, domainCount } = unusual;
  const basis = unusual.kind === 'queries' && isByWeek ? 'at this hour of the week' : 'an hour';
  const usual = `usual ${grouped(low)} to ${grouped(high)} ${basis}`;
  const known = `${daysText(learntHours)} watched`;
  const most = domain === '' ? '' : `; ${grouped(domainCount)} of them for ${domain}`;
  return `${countedText(unusual)}: more than ${grouped(limit)}; ${usual} (${known})${most}`;
}

function countedText({ kind, count, queries }: Unusual): string {
  if (kind === 'queries') return `${grouped(count)} queries in this hour`;
  if (kind === 'fresh') return `${grouped(count)} new domains in this hour`;
  const all = `${grouped(queries)} queries in this hour`;
  return `${grouped(count)} of ${all} were for names that do not exist`;
}

function daysText(hours: number): string {
  if (hours < 48) return `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

/** 4210 as 4,210. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
