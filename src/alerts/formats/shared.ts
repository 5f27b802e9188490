/**
 * What the formats share: who speaks, text made safe and short, and fields that are left out where
 * there is nothing to say. What a field means is the business of each format.
 */

import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import type { Alert } from '../alert.ts';
import { plain } from '../text.ts';

/** Vendor and product alike, and the APP-NAME of syslog. */
export const PRODUCT = 'dnsvalve';

/** The resolver that speaks. */
export interface Machine {
  readonly hostname: string;
  readonly pid: number;
  /** Of the program. */
  readonly version: string;
}

export function thisMachine(): Machine {
  const { version } = createRequire(import.meta.url)('../../../package.json') as Machine;
  return { hostname: plain(hostname()), pid: process.pid, version };
}

/** An alert as one line without its end. */
export type Write = (alert: Alert, machine: Machine) => string;

/**
 * Characters of each text and items of each list, from the richest to the poorest. No field that
 * has a form of its own (id, times, addresses) is longer than the least of them: none is cut.
 */
const LEVELS = [
  { text: 1024, list: Number.POSITIVE_INFINITY },
  { text: 256, list: 8 },
  { text: 48, list: 2 },
] as const;

/**
 * What `write` makes of the alert in at most `max` octets: a document cannot be cut at its end, so
 * its texts are. They are readable, too.
 */
export function fitted(alert: Alert, max: number, write: (alert: Alert) => string): string {
  let line = '';
  for (const level of LEVELS) {
    line = write(shortened(alert, level) as Alert);
    if (Buffer.byteLength(line) <= max) break;
  }
  return line;
}

/** The alert with texts that act on nobody, whoever made it. */
export function readable(alert: Alert): Alert {
  return shortened(alert, LEVELS[0]) as Alert;
}

function shortened(value: unknown, level: (typeof LEVELS)[number]): unknown {
  if (typeof value === 'string') return cut(plain(value), level.text);
  if (Array.isArray(value)) {
    const items = value.slice(0, level.list).map((one) => shortened(one, level));
    const isSame = items.length === value.length && items.every((one, i) => one === value[i]);
    return isSame ? value : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return shortenedFields(value as Readonly<Record<string, unknown>>, level);
}

/** The object itself where no field changes, as in most alerts: each is looked at for each sink. */
function shortenedFields(
  fields: Readonly<Record<string, unknown>>,
  level: (typeof LEVELS)[number],
): unknown {
  let copy: Record<string, unknown> | null = null;
  for (const key of Object.keys(fields)) {
    const child = fields[key];
    const short = shortened(child, level);
    if (short === child) continue;
    copy ??= { ...fields };
    copy[key] = short;
  }
  return copy ?? fields;
}

/** At most `max` characters; an ellipsis shows the cut. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`;
}

/** `value` without what is null, undefined or empty, at any depth. */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, child]) => [key, compact(child)] as const);
  return Object.fromEntries(entries.filter(([, child]) => !isEmpty(child)));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A name may hold a comma and no blank, which is `\032` in it. */
export function examplesText({ examples }: Alert): string | null {
  return examples.length === 0 ? null : examples.join(' ');
}

/** `T1071` and, where it is one, `T1071.004`. */
export function techniquesOf({ technique }: Alert): {
  technique: string | null;
  sub: string | null;
} {
  if (technique === null) return { technique: null, sub: null };
  const [base = technique] = technique.split('.');
  return { technique: base, sub: base === technique ? null : technique };
}
