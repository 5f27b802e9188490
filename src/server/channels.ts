/**
 * Channels: the number that says where the later answer to a query leaves, in 32 bits.
 *
 * ```
 * below 0            TCP: -1 - ticket of the connection
 * 0 .. 2^30-2        UDP: the port, and above its 16 bits the forwarder's ticket (relayed.ts)
 * 2^30 - 1           nobody: the answer is only for the store
 * 2^30 ..            DNS over TLS: plus the ticket of the connection
 * 2^30 + 2^29 ..     DNS over HTTPS: plus the ticket of the request
 * ```
 */

import { PLAIN } from '../query.ts';

export const TLS_CHANNEL = 1 << 30;
export const HTTPS_CHANNEL = TLS_CHANNEL + (1 << 29);
/** A UDP port that no worker has. */
export const NO_CLIENT = TLS_CHANNEL - 1;
/** Bits of the tickets of these two. */
export const TICKET_BITS = 29;

/** @param encryption of the stream, PLAIN or OVER_TLS */
export function streamChannel(encryption: number, ticket: number): number {
  return encryption === PLAIN ? -1 - ticket : TLS_CHANNEL + ticket;
}
