/**
 * Reading one fixed record of a ring (`src/events/kinds.ts`) into what the recorder gathers.
 *
 * Records come from our own workers, but a length is still bounded before it is used: a wrong one
 * must spoil a row, not the thread.
 */

import {
  AT_ALLOWED,
  AT_ANSWER_COUNT,
  AT_ANSWERS,
  AT_DENIED,
  AT_FAILED,
  AT_FEED,
  AT_KIND,
  AT_MODE,
  AT_NAME,
  AT_NAME_LENGTH,
  AT_QTYPE,
  AT_REASON,
  AT_REGISTRABLE,
  AT_REVISION,
  AT_RULE,
  AT_SOURCE,
  AT_WORKLOAD,
  AT_WOULD_DENY,
  KIND_NAME,
  KIND_PAIR,
  RECORD_SIZE,
} from '../events/kinds.ts';
import { isSameOctets, type WireText } from './names.ts';

const ADDRESS_SIZE = 16;
const ANSWERS_MAX = 4;
const NAME_ROOM = RECORD_SIZE - AT_NAME;

/** What became of the first query, as a number for the database. */
export const VERDICT_NONE = 0;
export const VERDICT_ALLOWED = 1;
export const VERDICT_DENIED = 2;
export const VERDICT_WOULD_DENY = 3;
export const VERDICT_FAILED = 4;

/** A record in place: the octets of its ring and where it starts. Valid until it is released. */
export interface RecordPlace {
  /** The ring's octets as a Buffer over the same memory, to make strings from. */
  readonly octets: Buffer;
  readonly view: DataView;
  at: number;
}

/** Who asked what, and how it was decided: the parts of a record that are not counts. */
export interface Facts {
  /** KIND_* of the record that they come from. */
  kind: number;
  /** Wall clock that the facts belong to, ms since the epoch. */
  readonly ms: number;
  readonly revision: number;
  /** Indexes in the snapshot `revision`. */
  readonly workloadId: number;
  readonly rule: number;
  readonly feed: number;
  readonly reason: number;
  readonly mode: number;
  readonly qtype: number;
  /** VERDICT_*. */
  readonly verdict: number;
  /** 16 octets, IPv4 mapped, a character each. */
  readonly source: string;
  readonly name: WireText;
}

/** @param name the record's full name, where the caller has it already */
export function readFacts(place: RecordPlace, ms: number, name = readName(place)): Facts {
  const { view, at } = place;
  return {
    kind: view.getUint32(at + AT_KIND, true),
    ms,
    revision: view.getUint32(at + AT_REVISION, true),
    workloadId: view.getUint32(at + AT_WORKLOAD, true),
    rule: view.getUint32(at + AT_RULE, true),
    feed: view.getUint8(at + AT_FEED),
    reason: view.getUint8(at + AT_REASON),
    mode: view.getUint8(at + AT_MODE),
    qtype: view.getUint16(at + AT_QTYPE, true),
    verdict: verdictOf(place),
    source: readSource(place),
    name,
  };
}

/** Of the record before: who asks, asks for more than one name. */
let lastSource = '';

function readSource({ octets, at }: RecordPlace): string {
  if (!isSameOctets(octets, at + AT_SOURCE, ADDRESS_SIZE, lastSource)) {
    lastSource = octets.toString('latin1', at + AT_SOURCE, at + AT_SOURCE + ADDRESS_SIZE);
  }
  return lastSource;
}

/** Whether a record that names a detail says the same as `facts`, but for its kind. */
export function isSameFacts(place: RecordPlace, facts: Facts): boolean {
  const { view, octets, at } = place;
  return (
    view.getUint32(at + AT_KIND, true) === KIND_NAME &&
    view.getUint32(at + AT_REVISION, true) === facts.revision &&
    view.getUint32(at + AT_WORKLOAD, true) === facts.workloadId &&
    view.getUint32(at + AT_RULE, true) === facts.rule &&
    view.getUint8(at + AT_FEED) === facts.feed &&
    view.getUint8(at + AT_REASON) === facts.reason &&
    view.getUint8(at + AT_MODE) === facts.mode &&
    view.getUint16(at + AT_QTYPE, true) === facts.qtype &&
    verdictOf(place) === facts.verdict &&
    isSameOctets(octets, at + AT_SOURCE, ADDRESS_SIZE, facts.source) &&
    isNamed(place, facts.name)
  );
}

/** Whether the record's full name is that one. */
export function isNamed(place: RecordPlace, name: WireText): boolean {
  return isSameOctets(place.octets, place.at + AT_NAME, nameLength(place), name);
}

/** The gravest thing counted: exact for a first record, which counts one query. */
function verdictOf({ view, at }: RecordPlace): number {
  if (view.getUint32(at + AT_DENIED, true) > 0) return VERDICT_DENIED;
  if (view.getUint32(at + AT_WOULD_DENY, true) > 0) return VERDICT_WOULD_DENY;
  if (view.getUint32(at + AT_ALLOWED, true) > 0) return VERDICT_ALLOWED;
  return view.getUint32(at + AT_FAILED, true) > 0 ? VERDICT_FAILED : VERDICT_NONE;
}

/** Octets of the full name. */
export function nameLength({ octets, at }: RecordPlace): number {
  return Math.min(octets[at + AT_NAME_LENGTH] ?? 0, NAME_ROOM);
}

/** Octet of the full name where the registrable domain starts. */
export function registrableAt(place: RecordPlace): number {
  return Math.min(place.octets[place.at + AT_REGISTRABLE] ?? 0, nameLength(place));
}

export function readName(place: RecordPlace): WireText {
  const from = place.at + AT_NAME;
  return place.octets.toString('latin1', from, from + nameLength(place));
}

export function readRegistrable(place: RecordPlace): WireText {
  const name = place.at + AT_NAME;
  const from = name + registrableAt(place);
  return place.octets.toString('latin1', from, name + nameLength(place));
}

/** Addresses answered, 16 octets each; null when there are none. */
export function readAnswers({ octets, at }: RecordPlace): Uint8Array | null {
  const count = Math.min(octets[at + AT_ANSWER_COUNT] ?? 0, ANSWERS_MAX);
  const from = at + AT_ANSWERS;
  if (count === 0) return null;
  return Uint8Array.prototype.slice.call(octets, from, from + count * ADDRESS_SIZE);
}

/**
 * Of one moment, detail is the best witness: a pair's record may show a later name that is graver,
 * and an answer's knows no verdict.
 */
export function isEarlier(ms: number, kind: number, than: Facts): boolean {
  return ms < than.ms || (ms === than.ms && witness(kind) > witness(than.kind));
}

function witness(kind: number): number {
  if (kind === KIND_NAME) return 2;
  return kind === KIND_PAIR ? 1 : 0;
}
