/** Hand-written records for rings: what a data-plane worker would write. */

import * as kinds from '../../../src/events/kinds.ts';
import type { RingWriter } from '../../../src/events/ring.ts';
import { nameToWire } from '../../../src/wire/text.ts';

export interface RecordSpec {
  readonly kind?: number;
  readonly workload?: number;
  readonly revision?: number;
  readonly rule?: number;
  /** Presentation form. */
  readonly name: string;
  /** A suffix of `name`; the last two labels where it is left out. */
  readonly registrable?: string;
  readonly firstMs?: number;
  readonly lastMs?: number;
  readonly allowed?: number;
  readonly denied?: number;
  readonly wouldDeny?: number;
  readonly failed?: number;
  readonly cached?: number;
  readonly folded?: number;
  readonly qtype?: number;
  readonly reason?: number;
  readonly flags?: number;
  readonly mode?: number;
  readonly feed?: number;
  /** IPv4, dotted. */
  readonly source?: string;
  readonly answers?: readonly string[];
  /** Makes it a finding: what counts and answers would be is then its score. */
  readonly finding?: FindingSpec;
  /** The worker's keyed hash, where it matters that it is the real one. */
  readonly hash?: (name: string) => { readonly low: number; readonly high: number };
}

export interface FindingSpec {
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly isDenied?: boolean;
  readonly parts?: readonly number[];
}

/** A moment for tests: 2026-03-01T12:00:00Z. */
export const NOON = Date.UTC(2026, 2, 1, 12);

export function mapped(ipv4: string): Uint8Array {
  return Uint8Array.from([...new Array(10).fill(0), 255, 255, ...ipv4.split('.').map(Number)]);
}

/** Writes one record; false when the ring is full. */
export function writeRecord(writer: RingWriter, spec: RecordSpec): boolean {
  const at = writer.claim();
  if (at === -1) return false;
  const { view, octets } = writer;
  octets.fill(0, at, at + kinds.RECORD_SIZE);
  const u32 = (offset: number, value: number): void => view.setUint32(at + offset, value, true);
  const firstMs = spec.firstMs ?? NOON;
  u32(kinds.AT_KIND, spec.kind ?? kinds.KIND_PAIR);
  u32(kinds.AT_WORKLOAD, spec.workload ?? 1);
  u32(kinds.AT_REVISION, spec.revision ?? 1);
  u32(kinds.AT_RULE, spec.rule ?? 0);
  view.setFloat64(at + kinds.AT_FIRST_MS, firstMs, true);
  view.setFloat64(at + kinds.AT_LAST_MS, spec.lastMs ?? firstMs, true);
  u32(kinds.AT_ALLOWED, spec.allowed ?? 0);
  u32(kinds.AT_DENIED, spec.denied ?? 0);
  u32(kinds.AT_WOULD_DENY, spec.wouldDeny ?? 0);
  u32(kinds.AT_FAILED, spec.failed ?? 0);
  u32(kinds.AT_CACHED, spec.cached ?? 0);
  u32(kinds.AT_FOLDED, spec.folded ?? 0);
  view.setUint16(at + kinds.AT_QTYPE, spec.qtype ?? 1, true);
  octets[at + kinds.AT_REASON] = spec.reason ?? 0;
  octets[at + kinds.AT_FLAGS] = spec.flags ?? 0;
  octets[at + kinds.AT_MODE] = spec.mode ?? 0;
  octets[at + kinds.AT_FEED] = spec.feed ?? 0;
  octets.set(mapped(spec.source ?? '10.0.0.1'), at + kinds.AT_SOURCE);
  const answers = spec.answers ?? [];
  octets[at + kinds.AT_ANSWER_COUNT] = answers.length;
  for (const [i, answer] of answers.entries()) {
    octets.set(mapped(answer), at + kinds.AT_ANSWERS + 16 * i);
  }
  const wire = nameToWire(spec.name);
  const domain = spec.registrable ?? spec.name.split('.').slice(-2).join('.');
  const suffix = nameToWire(domain);
  octets[at + kinds.AT_NAME_LENGTH] = wire.length;
  octets[at + kinds.AT_REGISTRABLE] = wire.length - suffix.length;
  octets.set(wire, at + kinds.AT_NAME);
  for (const [offset, text, octetsOf] of [
    [kinds.AT_NAME_HASH, spec.name, wire],
    [kinds.AT_DOMAIN_HASH, domain, suffix],
  ] as const) {
    const { low, high } = spec.hash?.(text) ?? { low: hashOf(octetsOf), high: 0 };
    u32(offset, low);
    u32(offset + 4, high);
  }
  if (spec.finding !== undefined) writeFinding(writer, at, spec.finding);
  writer.publish();
  return true;
}

function writeFinding({ view }: RingWriter, at: number, finding: FindingSpec): void {
  view.setUint32(at + kinds.AT_KIND, kinds.KIND_FINDING, true);
  view.setUint8(at + kinds.AT_FINDING, finding.type);
  view.setUint32(at + kinds.AT_SCORE, finding.score, true);
  view.setUint32(at + kinds.AT_THRESHOLD, finding.threshold, true);
  view.setUint32(at + kinds.AT_IS_DENIED, finding.isDenied === true ? 1 : 0, true);
  for (const [i, part] of (finding.parts ?? []).entries()) {
    view.setInt32(at + kinds.AT_PARTS + 4 * i, part, true);
  }
}

/** In the place of the worker's keyed hash; any will do. */
function hashOf(octets: Uint8Array): number {
  return octets.reduce((hash, octet) => Math.imul(hash ^ octet, 0x01000193), 0x811c9dc5) >>> 0;
}
