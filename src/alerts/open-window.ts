/**
 * OpenWindow: what is remembered of an alert that was told, so that repeats are counted. A hundred
 * thousand may be open, most of them without a repeat: those hold no alert but a few facts of it.
 *
 * What is kept has texts of its own. A text cut out of another keeps all of that one in memory,
 * and those of alerts are cut out of messages with a thousand observations each.
 */

import { detectorNamed } from '../detect/detectors.ts';
import type { Alert } from './alert.ts';

/** What later ones are held against. */
export type Told = Pick<
  Alert,
  'type' | 'severity' | 'technique' | 'verdict' | 'detector' | 'score'
>;

/** A window that is open, as fold-file.ts carries it over a restart. */
export interface OpenWindow {
  readonly endsMs: number;
  /** Queries of the repeats; 0 while there was no repeat. */
  count: number;
  /** RFC 3339 of the first repeat's first query. */
  first: string;
  /** Names of the repeats, the first ones. */
  examples: readonly string[];
  /** The last repeat, as bad as the worst. Without one null, but for a finding: what was told. */
  latest: Alert | null;
  /** Of the last that went out. */
  told: Told;
  /** What it takes, of which the fold holds the sum. */
  octets: number;
}

/** Of an entry of a map with its place in the order. */
export const ENTRY_OCTETS = 100;
/** Of a window without texts, and of what was told. */
const WINDOW_OCTETS = 240;
/** Of an alert with its id and times, without other texts; measured. */
const ALERT_OCTETS = 1000;
const PART_OCTETS = 150;

/** A window without repeats, whose last alert was `alert`. */
export function windowAfter(alert: Alert, endsMs: number): OpenWindow {
  const { type, severity, technique, verdict, detector, score } = alert;
  const told = { type, severity, technique, verdict, detector, score };
  const latest = score === null ? null : ownTexts(alert);
  return { endsMs, count: 0, first: '', examples: [], latest, told, octets: 0 };
}

/** About what an open window takes. */
export function octetsOf(key: string, { latest, examples }: OpenWindow): number {
  const names = examples.reduce((sum, name) => sum + name.length, 0);
  const window = ENTRY_OCTETS + WINDOW_OCTETS + key.length + names;
  if (latest === null) return window;
  const { workload, owner, env, source, qname, registrable_domain, rule, reason } = latest;
  const texts = [workload, owner, env, source, qname, registrable_domain, rule, reason];
  const length = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return window + ALERT_OCTETS + length + latest.parts.length * PART_OCTETS;
}

/** Parts of a text shorter than that are copies anyway. */
const CUT_MIN = 13;

/** A copy that keeps no other text in memory. @param text well-formed, as alerts have it */
export function ownText(text: string): string {
  return text.length < CUT_MIN ? text : Buffer.from(text).toString();
}

/** `alert` with texts of its own, where they may be parts of others. */
export function ownTexts(alert: Alert): Alert {
  const { workload, source, qname, registrable_domain, rule } = alert;
  return {
    ...alert,
    workload: ownOrNull(workload),
    source: ownOrNull(source),
    qname: ownOrNull(qname),
    registrable_domain: ownOrNull(registrable_domain),
    rule: ownOrNull(rule),
    answers: alert.answers.map(ownText),
    examples: [], // those of the window are told
  };
}

function ownOrNull(text: string | null): string | null {
  return text === null ? null : ownText(text);
}

export function windowKeyOf(alert: Alert): string {
  return `${keyOf(alert)}\n${alert.type}\n${alert.detector ?? ''}`;
}

/** What an alert is about: a pair, a rule, or the feed or upstream of an alert without one. */
export function keyOf(alert: Alert): string {
  const isOfRule = alert.detector !== null && detectorNamed(alert.detector).scope === 'rule';
  const about = alert.registrable_domain ?? alert.subject ?? (isOfRule ? alert.rule : '');
  return `${alert.workload ?? ''}\n${about}`; // no alert text holds a line feed
}

/** `keyOf` of the alerts that a window with that key is about. */
export function pairOfWindow(key: string): string {
  return key.split('\n', 2).join('\n');
}
