/**
 * Query: one reused cursor over one message in a slab, and what the stages decided about it.
 *
 * Numbers and typed arrays only. `parse` fills the message fields and sets the decision fields
 * back; nobody keeps a Query, because the next message overwrites it.
 */

import { PEER_SIZE } from './batch.ts';
import { Decision } from './policy/decision.ts';
import { FULL_COOKIE_SIZE } from './wire/cookie.ts';
import { WireName } from './wire/name.ts';

/** What is to be done with a query: the boundary between the lanes is this value. */
export const CONTINUE = 0;
/** A response of `outLength` octets stands at `outStart`. */
export const RESPOND = 1;
/** No response, and a counter knows why. */
export const DROP = 2;
/** Ask upstream; the answer comes later. */
export const FORWARD = 3;

export type Verdict = typeof CONTINUE | typeof RESPOND | typeof DROP | typeof FORWARD;

/** How a stream is protected. */
export const PLAIN = 0;
export const OVER_TLS = 1;
export const OVER_HTTPS = 2;

export class Query {
  /** Slab that holds the message, and where it starts and ends. */
  octets: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Slab for the response, where it starts, and how many octets the slot has. */
  out: Uint8Array = new Uint8Array(0);
  outStart = 0;
  outRoom = 0;
  outLength = 0;
  /** Where the OPT record of the response begins in it; 0 without one. */
  optAt = 0;
  /** Peer record (see batch.ts) of the client: who asks, also where a forwarder passed it on. */
  peer: Uint8Array = new Uint8Array(0);
  peerAt = 0;
  /** How its forwarder says whose it is, until it is known: identity/forwarded.ts. */
  relay = 0;
  /** Room for the record of a client that a forwarder speaks for. */
  readonly claimed = new Uint8Array(PEER_SIZE);
  /** 1 when the message came over TCP: no truncation, keepalive allowed. */
  overTcp = 0;
  /** PLAIN, OVER_TLS or OVER_HTTPS. */
  encryption = 0;
  /** Seconds and milliseconds of a monotonic clock, and wall clock ms; read once per batch. */
  nowSeconds = 0;
  nowMs = 0;
  wallMs = 0;

  /** Wall clock ms when the query arrived; set for one that waited, and while it is tapped. */
  receivedMs = 0;

  // --- the message, set by parse

  id = 0;
  /** The 16-bit flags word as it came. */
  flags = 0;
  name = new WireName();
  /** Offset after the name where ahead.ts has read it; 0 where `parse` has to. */
  nameEnd = 0;
  qtype = 0;
  qclass = 0;
  /** Offset after the question section. */
  questionEnd = 0;
  /** 1 when the query has an OPT record. */
  hasEdns = 0;
  ednsVersion = 0;
  /** 1 when DO is set. */
  dnssecOk = 0;
  /** Octets the client takes over UDP: 512, or what EDNS says within 512..1232. */
  udpSize = 0;
  /** 1 when an edns-tcp-keepalive option was there (RFC 7828). */
  wantsKeepalive = 0;
  /** Where the data of the first COOKIE option stands, and its octets: 8, 16..40, or 0 for none. */
  cookieAt = 0;
  cookieLength = 0;
  /** 1 when the query was padded, on an encrypted transport (RFC 7830). */
  wantsPadding = 0;

  /** Where the client-subnet option begins (RFC 7871); 0 without one, -1 with more than one. */
  subnetAt = 0;

  // --- the decision, set by the stages

  /** Index of the workload; 0 is the unmapped source. */
  workload = 0;
  /** MODE_* of the workload. */
  mode = 0;
  /** Revision of the tables that decided. */
  revision = 0;
  readonly decision = new Decision();
  /** OUTCOME_* of events/ledger.ts, once it is known. */
  outcome = 0;
  /** 1 when the response has a COOKIE option, and its data: client and server cookie. */
  hasCookie = 0;
  readonly cookie = new Uint8Array(FULL_COOKIE_SIZE);
  /** 1 when the answer came from the store and is near its end: see refresh.ts. */
  isDue = 0;
  /** 1 when a local zone answers with a chain whose target must be asked upstream. */
  isAlias = 0;
}
