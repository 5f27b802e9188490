/** Records of a ring as plain values, read by the offsets of kinds.ts, and queries that fill a ledger. */

import { PEER_SIZE } from '../../src/batch.ts';
import {
  AT_ALLOWED,
  AT_ANSWER_COUNT,
  AT_ANSWERS,
  AT_CACHED,
  AT_DENIED,
  AT_FAILED,
  AT_FIRST_MS,
  AT_FLAGS,
  AT_FOLDED,
  AT_KIND,
  AT_LAST_MS,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_NXDOMAIN,
  AT_REGISTRABLE,
  AT_REVISION,
  AT_SOURCE,
  AT_WORKLOAD,
  AT_WOULD_DENY,
  KIND_ANSWER,
  KIND_NAME,
  KIND_PAIR,
} from '../../src/events/kinds.ts';
import { type RingMemory, RingReader } from '../../src/events/ring.ts';
import { addressToBytes, addressToText } from '../../src/native/addresses.ts';
import { Query } from '../../src/query.ts';
import { readName } from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

const KINDS: Readonly<Record<number, string>> = {
  [KIND_PAIR]: 'pair',
  [KIND_NAME]: 'name',
  [KIND_ANSWER]: 'answer',
};

/** What a record says. */
export interface Handed {
  readonly kind: string;
  readonly workload: number;
  readonly revision: number;
  readonly name: string;
  readonly registrable: string;
  readonly allowed: number;
  readonly denied: number;
  readonly wouldDeny: number;
  readonly failed: number;
  readonly cached: number;
  readonly folded: number;
  readonly nxdomain: number;
  readonly flags: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly source: string;
  readonly addresses: readonly string[];
}

/** Takes every record out of the ring. */
export function drain(memory: RingMemory): Handed[] {
  const reader = new RingReader(memory);
  const records: Handed[] = [];
  for (let at = reader.peek(); at !== -1; at = reader.peek()) {
    const { view, octets } = reader;
    const u32 = (offset: number): number => view.getUint32(at + offset, true);
    const length = octets[at + AT_NAME_LENGTH] ?? 0;
    const wire = octets.slice(at + AT_NAME, at + AT_NAME + length);
    const count = octets[at + AT_ANSWER_COUNT] ?? 0;
    records.push({
      kind: KINDS[u32(AT_KIND)] ?? 'unknown',
      workload: u32(AT_WORKLOAD),
      revision: u32(AT_REVISION),
      name: nameToText(wire),
      registrable: nameToText(wire, octets[at + AT_REGISTRABLE]),
      allowed: u32(AT_ALLOWED),
      denied: u32(AT_DENIED),
      wouldDeny: u32(AT_WOULD_DENY),
      failed: u32(AT_FAILED),
      cached: u32(AT_CACHED),
      folded: u32(AT_FOLDED),
      nxdomain: u32(AT_NXDOMAIN),
      flags: octets[at + AT_FLAGS] ?? 0,
      firstMs: view.getFloat64(at + AT_FIRST_MS, true),
      lastMs: view.getFloat64(at + AT_LAST_MS, true),
      source: addressToText(octets, at + AT_SOURCE),
      addresses: Array.from({ length: count }, (_, i) =>
        addressToText(octets, at + AT_ANSWERS + 16 * i),
      ),
    });
    reader.release();
  }
  return records;
}

export interface Seen {
  readonly name: string;
  readonly workload?: number;
  readonly revision?: number;
  readonly wallMs?: number;
  readonly nowMs?: number;
  readonly source?: string;
  readonly flags?: number;
  readonly reason?: number;
  readonly wouldDeny?: number;
}

/** A decided query, as the ledger is given one. */
export function seen(shape: Seen): Query {
  const query = new Query();
  const wire = nameToWire(shape.name);
  readName(wire, 0, wire.length, query.name);
  query.workload = shape.workload ?? 1;
  query.revision = shape.revision ?? 1;
  query.wallMs = shape.wallMs ?? 1000;
  query.nowMs = shape.nowMs ?? 1000;
  query.decision.flags = shape.flags ?? 0;
  query.decision.reason = shape.reason ?? 0;
  query.decision.wouldDeny = shape.wouldDeny ?? 0;
  query.peer = new Uint8Array(PEER_SIZE);
  addressToBytes(shape.source ?? '10.0.0.1', query.peer, 0);
  return query;
}
