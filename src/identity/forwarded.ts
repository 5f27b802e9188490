/**
 * Whose a query is that a trusted forwarder passes on. Fast lane. Who trusts a forwarder believes
 * it: it could say any source. So a forwarder says it in one way, that of its configuration, and
 * what says nothing is refused; the forwarder's own address stands for nobody.
 */

import { PEER_SIZE } from '../batch.ts';
import type { Query } from '../query.ts';
import { copyOctets } from '../wire/octets.ts';
import { readProxy } from '../wire/proxy.ts';

/** What the table of trusted forwarders (`tables.forwarders`) has for an address: not one. */
export const DIRECT = 0;
/** Each datagram, and each connection once, begins with a PROXY header. */
export const BY_PROXY = 1;
/** It had to say whose the query is, and did not. */
export const UNSAID = 3;

/** Takes the PROXY header off a datagram, which is its source's from here on. */
export function unwrap(query: Query): void {
  const { claimed } = query;
  copyOctets(query.peer, query.peerAt, claimed, 0, PEER_SIZE);
  const size = readProxy(query.octets, query.start, query.end, claimed, 0);
  if (size <= 0) {
    query.relay = UNSAID;
    return;
  }
  query.relay = DIRECT;
  query.start += size;
  query.peer = claimed;
  query.peerAt = 0;
}
