/** Metrics of upstreams: questions, errors and round trips of each server. */

import { INFLIGHT } from '../counters.ts';
import type { Exposition, Labels, Sample } from './exposition.ts';
import type { UpstreamTotal } from './upstream-totals.ts';

const ANSWERS = 'Answers to them over UDP, TLS and HTTPS.';
const ROUND_TRIPS = 'Round trips over UDP, TLS and HTTPS.';

const HEDGES = 'Questions that it got because another server took long.';
const HEDGES_WON = 'Of these, how often it was the first to answer.';

export function writeUpstreams(
  page: Exposition,
  totals: readonly UpstreamTotal[],
  workers: number,
  counters: Float64Array,
): void {
  const each = (samples: (total: UpstreamTotal, labels: Labels) => Sample[]): Sample[] =>
    totals.flatMap((total) => samples(total, labelsOf(total)));
  const requests = each(({ counts, stream }, labels): Sample[] => {
    const streamed: Sample = [{ ...labels, transport: stream }, counts.tcp];
    return stream === 'tcp'
      ? [[{ ...labels, transport: 'udp' }, counts.sent], streamed]
      : [streamed];
  });
  const sent = 'Questions sent, with retries and probes.';
  page.counter('dnsvalve_upstream_requests', sent, requests);
  const responses = each(({ counts }, labels) => [[labels, counts.answered]]);
  page.counter('dnsvalve_upstream_responses', ANSWERS, responses);
  const hedges = each(({ counts }, labels) => [[labels, counts.hedges]]);
  page.counter('dnsvalve_upstream_hedges', HEDGES, hedges);
  const won = each(({ counts }, labels) => [[labels, counts.hedgesWon]]);
  page.counter('dnsvalve_upstream_hedges_won', HEDGES_WON, won);
  const errors = each(({ counts }, labels) => [
    [{ ...labels, reason: 'timeout' }, counts.timeouts],
    [{ ...labels, reason: 'mismatch' }, counts.mismatches],
    [{ ...labels, reason: 'malformed' }, counts.malformed],
    [{ ...labels, reason: 'stray' }, counts.strays],
    [{ ...labels, reason: 'network' }, counts.networkErrors],
  ]);
  page.counter('dnsvalve_upstream_errors', 'What went wrong, by reason.', errors);
  page.latency(
    'dnsvalve_upstream_duration_seconds',
    ROUND_TRIPS,
    totals.map((total) => ({ labels: labelsOf(total), cells: total.latency, at: 0 })),
  );
  const smoothed = 'Smoothed round trip that servers are chosen by.';
  const srtt = each(({ srttMs }, labels) => [[labels, srttMs / 1000]]);
  page.gauge('dnsvalve_upstream_srtt_seconds', smoothed, srtt);
  const up = each(({ open }, labels) => [[labels, open < workers ? 1 : 0]]);
  page.gauge('dnsvalve_upstream_up', '0 while no worker asks it, for it was silent.', up);
  page.gauge('dnsvalve_upstream_inflight', 'Questions that wait for an answer.', [
    [{}, counters[INFLIGHT] ?? 0],
  ]);
}

function labelsOf({ upstream, server }: UpstreamTotal): Labels {
  return { upstream, server };
}
