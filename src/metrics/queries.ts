/** Metrics of queries and of the answer store: what the workers count, summed over them. */

import * as cell from '../counters.ts';
import { BADCOOKIE, BADVERS } from '../wire/constants.ts';
import type { Exposition, Sample } from './exposition.ts';
import { LATENCY_CELLS } from './latency.ts';
import {
  AT_LATENCY,
  AT_LIMITED,
  AT_RCODES,
  AT_SLOTS,
  AT_TYPES,
  AT_WOULD_DENY,
  REJECTED_VERDICT,
  SLOT_CELLS,
  TYPES,
  VERDICTS,
} from './meter.ts';

/** Mnemonics of RFC 6895 2.3 and RFC 7873; 11 to 15 and 17 to 22 are never answered here. */
const RCODES = (
  'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE ' +
  'RCODE11 RCODE12 RCODE13 RCODE14 RCODE15 BADVERS BADKEY BADTIME BADMODE BADNAME BADALG ' +
  'BADTRUNC BADCOOKIE'
).split(' ');

/** What is known when a page is made. */
export interface Counted {
  /** Cells of counters.ts and of meter.ts, summed over the workers. */
  readonly counters: Float64Array;
  readonly meter: Float64Array;
  /** Rows of the meter by the name of their workload. */
  readonly slots: ReadonlyMap<string, number>;
}

export function writeQueries(page: Exposition, counted: Counted): void {
  const { counters } = counted;
  const one = (index: number): number => counters[index] ?? 0;
  page.counter('dnsvalve_queries_received', 'Messages received, by transport.', [
    [{ transport: 'udp' }, one(cell.QUERIES_UDP)],
    [{ transport: 'tcp' }, one(cell.QUERIES_TCP)],
    [{ transport: 'tls' }, one(cell.QUERIES_TLS)],
    [{ transport: 'https' }, one(cell.QUERIES_HTTPS)],
  ]);
  writeWorkloads(page, counted);
  writeResponses(page, counted);
  page.counter('dnsvalve_unmapped_queries', 'Queries from sources that no workload claims.', [
    [{}, one(cell.UNMAPPED)],
  ]);
  page.counter('dnsvalve_drops', 'Messages that were lost or given up, by reason.', [
    [{ reason: 'malformed' }, one(cell.DROPPED_MALFORMED)],
    [{ reason: 'overload' }, one(cell.DROPPED_OVERLOAD)],
    [{ reason: 'yielded' }, one(cell.YIELDED)],
    [{ reason: 'kernel_receive' }, one(cell.KERNEL_DROPS)],
    [{ reason: 'kernel_send' }, one(cell.SEND_DROPS)],
  ]);
  page.counter('dnsvalve_responses_limited', 'Responses over UDP kept from networks.', [
    [{ as: 'nothing' }, one(cell.RESPONSES_WITHHELD)],
    [{ as: 'truncated' }, one(cell.RESPONSES_SLIPPED)],
  ]);
  page.gauge('dnsvalve_filtered_sources', 'Flooding sources that the kernel drops most of.', [
    [{}, one(cell.FILTERED_SOURCES)],
  ]);
  page.counter('dnsvalve_answers_refused', 'Answers of upstreams kept from clients, by reason.', [
    [{ reason: 'rebinding' }, one(cell.REBINDING)],
    [{ reason: 'chain' }, one(cell.CHAIN_DENIED)],
    [{ reason: 'network' }, one(cell.NETWORK_DENIED)],
    [{ reason: 'malformed' }, one(cell.UPSTREAM_MALFORMED)],
  ]);
  page.counter(
    'dnsvalve_forwarder_refused',
    'Messages and connections of trusted forwarders that did not say whose they are.',
    [[{}, one(cell.FORWARDER_REFUSED)]],
  );
  page.counter('dnsvalve_truncated', 'Responses over UDP that told the client to use TCP.', [
    [{}, one(cell.TRUNCATED)],
  ]);
  page.counter(
    'dnsvalve_cookies_refused',
    'Queries over UDP without a cookie that proves their source.',
    [
      [{ said: 'BADCOOKIE' }, one(cell.BAD_COOKIE)],
      [{ said: 'TC' }, one(cell.UNPROVEN)],
    ],
  );
  page.counter('dnsvalve_faults', 'Queries whose decision failed by a defect.', [
    [{}, one(cell.FAULTS)],
  ]);
  page.gauge('dnsvalve_tcp_sources', 'Addresses with a TCP connection, by worker summed.', [
    [{}, one(cell.TCP_SOURCES)],
  ]);
  page.counter('dnsvalve_tcp_closed', 'Connections closed because their source had its share.', [
    [{}, one(cell.TCP_SOURCE_CLOSED)],
  ]);
  writeEncrypted(page, counters);
  page.gauge('dnsvalve_tcp_connections', 'Connections of clients that are open.', [
    [{}, one(cell.TCP_CONNECTIONS)],
  ]);
}

function writeEncrypted(page: Exposition, counters: Float64Array): void {
  const one = (index: number): number => counters[index] ?? 0;
  page.gauge('dnsvalve_tls_connections', 'Encrypted connections of clients that are open.', [
    [{}, one(cell.TLS_CONNECTIONS)],
  ]);
  page.counter('dnsvalve_tls_handshakes', 'TLS handshakes of clients, by outcome.', [
    [{ outcome: 'done' }, one(cell.TLS_HANDSHAKES)],
    [{ outcome: 'failed' }, one(cell.TLS_HANDSHAKES_FAILED)],
  ]);
  page.counter('dnsvalve_https_refused', 'Requests over HTTPS that got an HTTP error.', [
    [{}, one(cell.HTTPS_REFUSED)],
  ]);
}

function writeWorkloads(page: Exposition, { meter, slots }: Counted): void {
  const verdicts: Sample[] = [];
  const wouldDeny: Sample[] = [];
  const limited: Sample[] = [];
  for (const [workload, slot] of slots) {
    const at = AT_SLOTS + slot * SLOT_CELLS;
    for (const [column, verdict] of VERDICTS.entries()) {
      if (column === REJECTED_VERDICT) continue;
      verdicts.push([{ workload, verdict }, meter[at + column] ?? 0]);
    }
    limited.push([{ workload }, meter[at + AT_LIMITED] ?? 0]);
    wouldDeny.push([{ workload }, meter[at + AT_WOULD_DENY] ?? 0]);
  }
  const whose = 'Queries answered, by workload and by what was done.';
  page.counter('dnsvalve_queries', whose, verdicts);
  const spared = 'Queries that enforce would have denied, let through by the mode of the workload.';
  page.counter('dnsvalve_would_deny', spared, wouldDeny);
  const beyond = 'Queries refused or dropped because their workload asked too much.';
  page.counter('dnsvalve_rate_limited', beyond, limited);
}

function writeResponses(page: Exposition, { meter }: Counted): void {
  const types = [...TYPES.map(([, name]) => name), 'other'].map((type, index): Sample => {
    return [{ type }, meter[AT_TYPES + index] ?? 0];
  });
  page.counter('dnsvalve_queries_by_type', 'Queries answered, by record type.', types);
  const rcodes = RCODES.flatMap((rcode, index): Sample[] => {
    const isAnswered = index <= BADVERS || index === BADCOOKIE;
    return isAnswered ? [[{ rcode }, meter[AT_RCODES + index] ?? 0]] : [];
  });
  page.counter('dnsvalve_responses', 'Responses, by response code.', rcodes);
  page.latency(
    'dnsvalve_request_duration_seconds',
    'From the receipt of a query to its response, by what was done.',
    VERDICTS.map((verdict, index) => {
      return { labels: { verdict }, cells: meter, at: AT_LATENCY + index * LATENCY_CELLS };
    }),
  );
}

/** @param sizeBytes of the stores of all workers together */
export function writeCache(page: Exposition, { counters }: Counted, sizeBytes: number): void {
  const one = (index: number): Sample[] => [[{}, counters[index] ?? 0]];
  const asked = (counters[cell.FORWARDED] ?? 0) + (counters[cell.COALESCED] ?? 0);
  page.counter('dnsvalve_cache_hits', 'Queries that the answer store answered.', one(cell.CACHED));
  page.counter('dnsvalve_cache_misses', 'Queries that needed an upstream.', [[{}, asked]]);
  const shared = 'Of the misses, those that shared the question of another client.';
  page.counter('dnsvalve_coalesced', shared, one(cell.COALESCED));
  const anew = 'Stored answers asked for anew before their end, beside the misses.';
  page.counter('dnsvalve_prefetches', anew, one(cell.PREFETCHES));
  page.gauge('dnsvalve_cache_entries', 'Answers in the stores.', one(cell.STORE_ENTRIES));
  page.gauge('dnsvalve_cache_used_bytes', 'Memory in use by answers.', one(cell.STORE_OCTETS));
  page.gauge('dnsvalve_cache_size_bytes', 'Memory that answers may use.', [[{}, sizeBytes]]);
  const evicted = 'Answers that gave way to others before their time.';
  page.counter('dnsvalve_cache_evictions', evicted, one(cell.STORE_EVICTIONS));
}
