/**
 * Tap: writes what the query log and dnstap tell of into the worker's ring. Fast lane, and called
 * only while one of them is on. It makes no text and waits for nobody; what the ring has no room
 * for is counted there.
 */

import { PEER_PORT, PEER_SIZE } from '../batch.ts';
import { type ByteRingMemory, ByteRingWriter } from '../events/byte-ring.ts';
import { resetDecision } from '../policy/decision.ts';
import type { Query } from '../query.ts';
import { copyOctets, readU16 } from '../wire/octets.ts';
import {
  AT_ALLOWED,
  AT_IS_DROPPED,
  AT_KIND,
  AT_MESSAGE_LENGTH,
  AT_MODE,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_OUTPUTS,
  AT_PEER,
  AT_QTYPE,
  AT_REASON,
  AT_RECEIVED_MS,
  AT_REVISION,
  AT_RULE,
  AT_TRANSPORT,
  AT_WORKLOAD,
  AT_WOULD_DENY,
  AT_WRITTEN_MS,
  KIND_QUERY,
  KIND_RESPONSE,
  TO_DNSTAP,
  TO_LOG,
} from './kinds.ts';
import { TAP_ALL, type TapsMemory } from './taps.ts';

export class Tap {
  readonly #ring: ByteRingWriter;
  /** Octets of the message that the next record ends with. */
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;
  #length = 0;

  constructor(ring: ByteRingMemory) {
    this.#ring = new ByteRingWriter(ring);
  }

  /** Before a query is decided: nothing of the one before it may be taken for its own. */
  begin(query: Query): void {
    query.receivedMs = query.wallMs;
    query.revision = 0;
    if (query.nameEnd === 0) query.name.length = 0;
    resetDecision(query.decision);
  }

  /** A query that arrived, once it is known whose it is. */
  query(query: Query, taps: TapsMemory, isDropped: boolean): void {
    const outputs = outputsOf(query, taps) & TO_DNSTAP;
    if (outputs === 0) return;
    this.#octets = query.octets;
    this.#at = query.start;
    this.#length = query.end - query.start;
    this.#write(query, KIND_QUERY, outputs, isDropped);
  }

  /** The response of `outLength` octets at `outStart`. */
  response(query: Query, taps: TapsMemory): void {
    const outputs = outputsOf(query, taps);
    if (outputs === 0) return;
    this.#octets = query.out;
    this.#at = query.outStart;
    this.#length = query.outLength;
    this.#write(query, KIND_RESPONSE, outputs, false);
  }

  /** A query that gets no response; dnstap has no message for that. */
  noResponse(query: Query, taps: TapsMemory): void {
    const outputs = outputsOf(query, taps) & TO_LOG;
    if (outputs === 0) return;
    this.#length = 0;
    this.#write(query, KIND_RESPONSE, outputs, true);
  }

  #write(query: Query, kind: number, outputs: number, isDropped: boolean): void {
    const { name } = query;
    const size = (AT_NAME + name.length + this.#length + 7) & ~7;
    const at = this.#ring.claim(size);
    if (at === -1) return;
    const { octets } = this.#ring;
    this.#writeNumbers(at, query);
    octets[at + AT_KIND] = kind;
    octets[at + AT_OUTPUTS] = outputs;
    octets[at + AT_IS_DROPPED] = isDropped ? 1 : 0;
    copyOctets(query.peer, query.peerAt, octets, at + AT_PEER, PEER_SIZE);
    copyOctets(name.octets, 0, octets, at + AT_NAME, name.length);
    copyOctets(this.#octets, this.#at, octets, at + AT_NAME + name.length, this.#length);
    this.#ring.publish(size);
  }

  #writeNumbers(at: number, query: Query): void {
    const { octets, words, doubles } = this.#ring;
    const { decision } = query;
    const word = at >> 2;
    doubles[(at + AT_RECEIVED_MS) >> 3] = query.receivedMs;
    doubles[(at + AT_WRITTEN_MS) >> 3] = query.wallMs;
    words[word + AT_WORKLOAD / 4] = query.workload;
    words[word + AT_REVISION / 4] = query.revision;
    words[word + AT_RULE / 4] = decision.rule;
    words[word + AT_MESSAGE_LENGTH / 4] = this.#length;
    octets[at + AT_MODE] = query.mode;
    octets[at + AT_TRANSPORT] = query.overTcp + query.encryption;
    octets[at + AT_ALLOWED] = decision.allowed;
    octets[at + AT_WOULD_DENY] = decision.wouldDeny;
    octets[at + AT_REASON] = decision.reason;
    octets[at + AT_NAME_LENGTH] = query.name.length;
    octets[at + AT_QTYPE] = query.qtype;
    octets[at + AT_QTYPE + 1] = query.qtype >>> 8;
  }
}

function outputsOf(query: Query, { log, dnstap }: TapsMemory): number {
  const number = numberOf(query);
  const isLogged = number < log[query.workload]!;
  const isSent = number < dnstap[query.workload]!;
  return (isLogged ? TO_LOG : 0) | (isSent ? TO_DNSTAP : 0);
}

/**
 * The number by which a query is chosen, 0 to TAP_ALL - 1: the same for it and for its response.
 * The hash of the name is keyed, so that no client can choose to be left out. The mixing is
 * "lowbias32" of Wellons' hash prospector.
 */
function numberOf(query: Query): number {
  let mixed = query.name.low[0]! ^ Math.imul(query.receivedMs | 0, 0x9e3779b1);
  mixed ^= (query.id << 16) | readU16(query.peer, query.peerAt + PEER_PORT);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) & (TAP_ALL - 1);
}
