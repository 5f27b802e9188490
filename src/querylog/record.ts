/** A record of kinds.ts as the thread that writes it out sees it, with its numbers resolved. */

import { PEER_FAMILY, PEER_HAS_LOCAL, PEER_LOCAL, PEER_PORT } from '../batch.ts';
import type { RevisionNames } from '../history/messages.ts';
import { Texts } from '../policy/texts.ts';
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
  TRANSPORTS,
  type TransportName,
} from './kinds.ts';
import { MODES, REASONS, type Verdict } from './words.ts';

/** One record; its octets are those of the ring, valid until it is released. */
export interface Tapped {
  readonly kind: number;
  readonly outputs: number;
  readonly receivedMs: number;
  readonly writtenMs: number;
  /** Null where nobody asked who it was: the query could not be read. */
  readonly workload: string | null;
  readonly revision: number;
  readonly mode: string | null;
  readonly verdict: Verdict;
  readonly wouldDeny: boolean;
  /** REASON_*. */
  readonly reason: number;
  readonly reasonWord: string | null;
  readonly rule: string | null;
  readonly transport: TransportName;
  readonly isIpv6: boolean;
  /** 16 octets each; the local one is null where it is not known. */
  readonly source: Buffer;
  readonly port: number;
  readonly local: Buffer | null;
  /** Wire form; empty where no name could be read. */
  readonly name: Buffer;
  readonly qtype: number;
  readonly message: Buffer;
}

/** What the numbers of one policy revision mean. */
interface Names {
  readonly workloads: readonly string[];
  readonly rules: Texts;
  readonly texts: Map<number, string>;
}

const REVISIONS_KEPT = 64;
/** Rules whose texts are remembered as such. */
const TEXTS_KEPT = 10_000;

export class Revisions {
  readonly #names = new Map<number, Names>();

  add({ revision, workloads, rules }: RevisionNames): void {
    this.#names.set(revision, { workloads, rules: new Texts(rules), texts: new Map() });
    this.#names.delete(revision - REVISIONS_KEPT);
  }

  workload(revision: number, workload: number): string | null {
    return this.#names.get(revision)?.workloads[workload] ?? null;
  }

  rule(revision: number, rule: number): string | null {
    const names = this.#names.get(revision);
    if (rule === 0 || names === undefined) return null;
    const known = names.texts.get(rule);
    if (known !== undefined) return known;
    const text = names.rules.text(rule);
    if (names.texts.size >= TEXTS_KEPT) names.texts.clear();
    names.texts.set(rule, text);
    return text;
  }
}

/** Reads the record at `at`. */
export function readTapped(octets: Buffer, at: number, revisions: Revisions): Tapped {
  const revision = octets.readUInt32LE(at + AT_REVISION);
  const nameLength = octets[at + AT_NAME_LENGTH] ?? 0;
  const messageAt = at + AT_NAME + nameLength;
  const peer = at + AT_PEER;
  const reason = octets[at + AT_REASON] ?? 0;
  const hasLocal = octets[peer + PEER_HAS_LOCAL] === 1;
  return {
    kind: octets[at + AT_KIND] ?? 0,
    outputs: octets[at + AT_OUTPUTS] ?? 0,
    receivedMs: octets.readDoubleLE(at + AT_RECEIVED_MS),
    writtenMs: octets.readDoubleLE(at + AT_WRITTEN_MS),
    workload: revisions.workload(revision, octets.readUInt32LE(at + AT_WORKLOAD)),
    revision,
    mode: revision === 0 ? null : (MODES[octets[at + AT_MODE] ?? 0] ?? null),
    verdict: verdictOf(octets, at),
    wouldDeny: octets[at + AT_WOULD_DENY] === 1,
    reason,
    reasonWord: REASONS[reason] ?? null,
    rule: revisions.rule(revision, octets.readUInt32LE(at + AT_RULE)),
    transport: TRANSPORTS[octets[at + AT_TRANSPORT] ?? 0] ?? 'udp',
    isIpv6: octets[peer + PEER_FAMILY] === 6,
    source: part(octets, peer, 16),
    port: octets.readUInt16BE(peer + PEER_PORT),
    local: hasLocal ? part(octets, peer + PEER_LOCAL, 16) : null,
    name: part(octets, at + AT_NAME, nameLength),
    qtype: octets.readUInt16LE(at + AT_QTYPE),
    message: part(octets, messageAt, octets.readUInt32LE(at + AT_MESSAGE_LENGTH)),
  };
}

function verdictOf(octets: Buffer, at: number): Verdict {
  if (octets[at + AT_IS_DROPPED] === 1) return 'dropped';
  if (octets[at + AT_ALLOWED] === 1) return 'allowed';
  return octets[at + AT_REASON] === 0 ? 'refused' : 'denied';
}

function part(octets: Buffer, at: number, length: number): Buffer {
  return octets.subarray(at, at + length);
}
