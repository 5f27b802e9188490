/**
 * Identify: which workload is asking. Fast lane. The source address of the client is the identity;
 * that holds only where spoofing and SNAT are excluded, which is for the network to see to.
 */

import type { Query } from '../query.ts';
import type { Prefixes } from './prefixes.ts';

/** Sets `query.workload` from the client's peer record; 0 when no workload claims the source. */
export function identify(query: Query, prefixes: Prefixes): void {
  query.workload = prefixes.find(query.peer, query.peerAt);
}
