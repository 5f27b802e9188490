/**
 * Counters of one worker: one cell each in shared memory, written by the worker alone and read by
 * the control plane. Doubles, so that they never wrap.
 */

/** What is counted, in the order of the cells. Names are those of `status`. */
export const COUNTERS = [
  'queries_udp',
  'queries_tcp',
  'allowed',
  'denied',
  'would_deny',
  'cached',
  'local',
  'forwarded',
  'coalesced',
  'failed',
  'unmapped',
  'refused',
  'formerr',
  'notimp',
  'dropped_malformed',
  'dropped_overload',
  'truncated',
  'rebinding',
  'chain_denied',
  'upstream_malformed',
  'kernel_drops',
  'send_drops',
  'store_entries',
  'store_octets',
  'store_evictions',
  'ledger_pending',
  'ledger_shed',
  'inflight',
  'tcp_connections',
  'progress',
  'faults',
  'network_denied',
  'budget_denied',
  'budget_unavailable',
  'stale',
  'forwarder_refused',
  'bad_cookie',
  'unproven',
  'rate_refused',
  'rate_shed',
  'rate_misses',
  'tcp_sources',
  'tcp_source_closed',
  'filtered_sources',
  'responses_withheld',
  'responses_slipped',
  'yielded',
  'queries_tls',
  'queries_https',
  'tls_connections',
  'tls_handshakes',
  'tls_handshakes_failed',
  'https_refused',
  'prefetches',
] as const;

export type CounterName = (typeof COUNTERS)[number];

export const QUERIES_UDP = 0;
export const QUERIES_TCP = 1;
export const ALLOWED = 2;
export const DENIED = 3;
export const WOULD_DENY = 4;
export const CACHED = 5;
export const LOCAL = 6;
export const FORWARDED = 7;
export const COALESCED = 8;
export const FAILED = 9;
export const UNMAPPED = 10;
export const REFUSED_COUNT = 11;
export const FORMERR_COUNT = 12;
export const NOTIMP_COUNT = 13;
export const DROPPED_MALFORMED = 14;
export const DROPPED_OVERLOAD = 15;
export const TRUNCATED = 16;
export const REBINDING = 17;
export const CHAIN_DENIED = 18;
export const UPSTREAM_MALFORMED = 19;
export const KERNEL_DROPS = 20;
export const SEND_DROPS = 21;
export const STORE_ENTRIES = 22;
export const STORE_OCTETS = 23;
export const STORE_EVICTIONS = 24;
export const LEDGER_PENDING = 25;
export const LEDGER_SHED = 26;
export const INFLIGHT = 27;
export const TCP_CONNECTIONS = 28;
/** Grows with every turn of the worker's clock: the watchdog's proof of life. */
export const PROGRESS = 29;
/** Queries whose decision failed by a defect. */
export const FAULTS = 30;
/** Answers refused for an address of a network that is denied. */
export const NETWORK_DENIED = 31;
/** Queries beyond a rule's budget, and those whose account was not to be had. */
export const BUDGET_DENIED = 32;
export const BUDGET_UNAVAILABLE = 33;
/** Answers from the store whose time was over, while no upstream answered. */
export const STALE = 34;
/** Messages and connections of trusted forwarders that do not say whose they are. */
export const FORWARDER_REFUSED = 35;
/** BADCOOKIE said, and clients without a cookie sent to TCP. */
export const BAD_COOKIE = 36;
export const UNPROVEN = 37;
/** Queries beyond the rate limit of their workload: refused, and dropped before they were read. */
export const RATE_REFUSED = 38;
export const RATE_SHED = 39;
/** Queries refused because their workload asks too much of the upstreams. */
export const RATE_MISSES = 40;
/** Sources with a TCP connection, and connections closed because their source had its share. */
export const TCP_SOURCES = 41;
export const TCP_SOURCE_CLOSED = 42;
/** Sources of whose datagrams the kernel drops most. */
export const FILTERED_SOURCES = 43;
/** Responses over UDP that did not leave, or left as TC, because their network had its share. */
export const RESPONSES_WITHHELD = 44;
export const RESPONSES_SLIPPED = 45;
/** Questions upstream that were given up for new ones, because all places were taken. */
export const YIELDED = 46;
export const QUERIES_TLS = 47;
export const QUERIES_HTTPS = 48;
/** Connections over TLS that are open, those of HTTPS and those in their handshake among them. */
export const TLS_CONNECTIONS = 49;
export const TLS_HANDSHAKES = 50;
export const TLS_HANDSHAKES_FAILED = 51;
/** Requests over HTTPS that got an HTTP error. */
export const HTTPS_REFUSED = 52;
/** Stored answers that were asked for anew before their end. */
export const PREFETCHES = 53;

export function createCounters(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(COUNTERS.length * Float64Array.BYTES_PER_ELEMENT));
}
