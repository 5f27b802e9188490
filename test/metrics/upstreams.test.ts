/** Metrics of upstreams: what is counted of servers, whatever they are asked by. */

import { describe, expect, it } from 'vitest';
import { Exposition } from '../../src/metrics/exposition.ts';
import { LATENCY_CELLS } from '../../src/metrics/latency.ts';
import { UpstreamTotals } from '../../src/metrics/upstream-totals.ts';
import { writeUpstreams } from '../../src/metrics/upstreams.ts';
import type { ServerStats } from '../../src/upstream/upstreams.ts';

function stats(rest: Partial<ServerStats>): ServerStats {
  const counts = { sent: 0, tcp: 0, answered: 0, hedges: 0, hedgesWon: 0, timeouts: 0 };
  const errors = { mismatches: 0, malformed: 0, strays: 0, networkErrors: 0 };
  return {
    group: 'g',
    server: '192.0.2.1:53',
    address: { address: '192.0.2.1', port: 53, family: 4 },
    transport: 'udp',
    srttMs: 5,
    state: 'closed',
    ...counts,
    ...errors,
    latency: new Float64Array(LATENCY_CELLS),
    sockets: 0,
    lastError: null,
    certificateRefused: false,
    ...rest,
  };
}

const tls = { server: 'tls://192.0.2.3:853#dns.example', transport: 'tls' } as const;
const page = (...looks: readonly (readonly ServerStats[][])[]): string => {
  const totals = new UpstreamTotals();
  const exposition = new Exposition('text');
  const taken = looks.map((workers) => totals.take(workers)).at(-1) ?? [];
  writeUpstreams(exposition, taken, 1, new Float64Array(100));
  return exposition.text();
};

describe('metrics of upstreams', () => {
  it('requests are told by transport, and an encrypted server has one', () => {
    const text = page([[stats({ sent: 3, tcp: 1 }), stats({ ...tls, tcp: 7 })]]);
    const requests = text.match(/^dnsvalve_upstream_requests_total.*$/gm);
    expect(requests).toEqual([
      'dnsvalve_upstream_requests_total{upstream="g",server="192.0.2.1:53",transport="udp"} 3',
      'dnsvalve_upstream_requests_total{upstream="g",server="192.0.2.1:53",transport="tcp"} 1',
      `dnsvalve_upstream_requests_total{upstream="g",server="${tls.server}",transport="tls"} 7`,
    ]);
  });

  it('second questions, and those that were answered first', () => {
    const text = page([[stats({ hedges: 4, hedgesWon: 3 })], [stats({ hedges: 1 })]]);
    expect(text).toMatch(/^dnsvalve_upstream_hedges_total\{[^}]*\} 5$/m);
    expect(text).toMatch(/^dnsvalve_upstream_hedges_won_total\{[^}]*\} 3$/m);
  });

  it('a worker that was started anew counts on, also of what is only asked by a stream', () => {
    const text = page(
      [[stats({ ...tls, tcp: 7, answered: 7 })]],
      [[stats({ ...tls, tcp: 2, answered: 2 })]],
    );
    expect(text).toMatch(/^dnsvalve_upstream_requests_total\{.*transport="tls"\} 9$/m);
    expect(text).toMatch(/^dnsvalve_upstream_responses_total\{[^}]*\} 9$/m);
  });
});
