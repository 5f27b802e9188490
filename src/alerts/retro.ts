/** What a retro-hunt found -> alerts: one for each pair, and one for each feed that found more. */

import type { RetroFound, RetroHit } from '../hunt/retro.ts';
import { type Alert, makeAlert, rfc3339, type Verdict } from './alert.ts';
import type { Directory } from './observe.ts';
import { plain } from './text.ts';

export function fromRetro(found: RetroFound, describe: Directory['describe'], nowMs: number) {
  const { hits, more, unlooked } = found;
  const feeds = new Set([...more.keys(), ...unlooked.keys()]);
  const sums = [...feeds].map((feed) =>
    sumOf(feed, more.get(feed) ?? 0, { unlooked: unlooked.get(feed) ?? 0, nowMs }),
  );
  return [...hits.map((hit) => alertOf(hit, describe, nowMs)), ...sums];
}

function alertOf(hit: RetroHit, describe: Directory['describe'], nowMs: number): Alert {
  const { owner, env } = describe(hit.workload);
  const first = rfc3339(hit.firstMs);
  const last = rfc3339(hit.lastMs);
  const times = hit.queries === 1 ? 'one query' : `${hit.queries} queries`;
  const seen = `${times}, first seen ${first}, last seen ${last}`;
  return makeAlert('retro-hit', {
    ...NOBODY,
    time: rfc3339(nowMs),
    workload: plain(hit.workload),
    owner: owner === null ? null : plain(owner),
    env: env === null ? null : plain(env),
    source: textOrNull(hit.firstSource),
    qname: plain(hit.name),
    registrable_domain: plain(hit.domain),
    qtype: textOrNull(hit.firstType),
    verdict: verdictOf(hit),
    would_deny: hit.wouldDeny > 0,
    rule: plain(hit.rule),
    reason: plain(`${hit.name}: ${seen}; feed ${hit.feed} lists ${hit.indicator} now`),
    subject: plain(hit.feed),
    first_seen: first,
    count: Math.max(1, hit.queries),
    window: { first, last },
  });
}

function sumOf(feed: string, more: number, by: { unlooked: number; nowMs: number }): Alert {
  const left = by.unlooked === 0 ? '' : `; ${by.unlooked} of its new names were not looked for`;
  const all = '`dnsvalve feeds hunt` with the list tells all';
  return makeAlert('retro-hit', {
    ...NOBODY,
    time: rfc3339(by.nowMs),
    reason: plain(`${more} more pairs of workload and name are not told one by one${left}; ${all}`),
    subject: plain(feed),
    count: Math.max(1, more),
  });
}

const NOBODY = {
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
  answers: [],
  first_seen: null,
  unusual_hour: null,
  policy_revision: null,
  window: null,
} as const;

/** The worst that happened: something got out. */
function verdictOf({ allowed, denied, failed }: RetroHit): Verdict | null {
  if (allowed > 0) return 'allowed';
  if (denied > 0) return 'denied';
  return failed > 0 ? 'failed' : null;
}

function textOrNull(text: string): string | null {
  return text === '' ? null : plain(text);
}
