/**
 * Whose a query is that a trusted forwarder passes on. Fast lane. Who trusts a forwarder believes
 * it: it could say any source. So a forwarder says it in one way, that of its configuration, and
 * what says nothing is refused; the forwarder's own address stands for nobody.
 */

import { PEER_FAMILY, PEER_HAS_LOCAL, PEER_SIZE } from '../batch.ts';
import type { Query } from '../query.ts';
import { copyOctets, readU16 } from '../wire/octets.ts';
import { readProxy, writeAddress } from '../wire/proxy.ts';

/** What the table of trusted forwarders (`tables.forwarders`) has for an address: not one. */
export const DIRECT = 0;
/** Each datagram, and each connection once, begins with a PROXY header. */
export const BY_PROXY = 1;
/** Each query has the whole address of its client in a client-subnet option (RFC 7871). */
export const BY_SUBNET = 2;
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

/** From the start of the option's data (RFC 7871 section 6). */
const AT_SOURCE_LENGTH = 2;
const AT_SCOPE_LENGTH = 3;
const AT_ADDRESS = 4;

/**
 * Once a query is parsed that a forwarder passed on: finds whose it is, where it says so in an
 * option. An address that is cut short names many clients, and two options name none.
 *
 * @returns false when it does not say it
 */
export function isSaid(query: Query): boolean {
  const { octets, subnetAt, claimed } = query;
  if (query.relay !== BY_SUBNET || subnetAt <= 0) return false;
  const family = readU16(octets, subnetAt);
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (size === 0 || octets[subnetAt + AT_SOURCE_LENGTH] !== size * 8) return false;
  if (octets[subnetAt + AT_SCOPE_LENGTH] !== 0) return false;
  copyOctets(query.peer, query.peerAt, claimed, 0, PEER_SIZE);
  for (let i = 0; i < 16; i++) claimed[i] = 0;
  writeAddress(octets, subnetAt + AT_ADDRESS, size, claimed, 0);
  claimed[PEER_FAMILY] = family === 1 ? 4 : 6;
  // What the client asked is known to the forwarder alone.
  claimed[PEER_HAS_LOCAL] = 0;
  query.peer = claimed;
  query.peerAt = 0;
  return true;
}
