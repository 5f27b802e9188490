/**
 * Times as people type and read them. Stored times are ms since the epoch and stay so in JSON's
 * RFC 3339; this is for options and tables.
 */

import { DnsvalveError } from '../errors.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
};

const DURATION = /^(\d{1,9})([smhdw])$/;
const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Zone that times without one are meant in, and are printed in. */
export type Zone = 'local' | 'utc';

/**
 * A moment in the past: a duration before now (`30s`, `5m`, `24h`, `7d`, `2w`) or a date
 * (`2026-03-01`, `2026-03-01T12:00Z`).
 *
 * @returns ms since the epoch
 * @throws DnsvalveError USAGE naming the accepted forms
 */
export function parseSince(text: string, nowMs: number, zone: Zone): number {
  const duration = DURATION.exec(text);
  if (duration !== null) return nowMs - Number(duration[1]) * (UNITS[duration[2] ?? ''] ?? 0);
  const moment = DATE.test(text) ? Date.parse(withZone(text, zone)) : Number.NaN;
  if (Number.isNaN(moment)) {
    const forms = '30s, 5m, 24h, 7d, 2w, 2026-03-01 or 2026-03-01T12:00Z';
    throw new DnsvalveError('USAGE', `time "${text}": give a duration or a date, as ${forms}`);
  }
  return moment;
}

/** ECMAScript takes a bare date as UTC and a date with a time as local: here the zone decides. */
function withZone(text: string, zone: Zone): string {
  const full = text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T');
  const hasZone = /(Z|[+-]\d{2}:\d{2})$/.test(full.slice(10));
  return zone === 'utc' && !hasZone ? `${full}Z` : full;
}

/** Begins of days as text: rows of a listing share few of them, and to make one takes longest. */
const days = new Map<number, string>();
const DAYS_KEPT = 4096;

/** RFC 3339 in UTC, as JSON has every time. @throws RangeError for what is no time */
export function jsonTime(ms: number): string {
  const day = Math.floor(ms / DAY);
  let begin = days.get(day);
  if (begin === undefined) {
    if (days.size === DAYS_KEPT) days.clear();
    begin = new Date(day * DAY).toISOString().slice(0, -'00:00:00.000Z'.length);
    days.set(day, begin);
  }
  const left = Math.floor(ms) - day * DAY;
  const minutes = Math.floor(left / MINUTE);
  const within = left - minutes * MINUTE;
  const seconds = Math.floor(within / SECOND);
  const hour = twoDigits(Math.floor(minutes / 60));
  const thousandths = String(within - seconds * SECOND).padStart(3, '0');
  return `${begin}${hour}:${twoDigits(minutes % 60)}:${twoDigits(seconds)}.${thousandths}Z`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** `2026-03-01 13:00:00+01:00`, to the second; `Z` where the offset is none. */
export function formatTime(ms: number, zone: Zone): string {
  const offset = zone === 'utc' ? 0 : -new Date(ms).getTimezoneOffset();
  const text = jsonTime(ms + offset * MINUTE);
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${formatOffset(offset)}`;
}

function formatOffset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
}

/** How long ago, in its largest unit: `3h ago`; `now` below a second and for the future. */
export function formatAge(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < SECOND) return 'now';
  if (age < MINUTE) return `${Math.floor(age / SECOND)}s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)}m ago`;
  if (age < 2 * DAY) return `${Math.floor(age / HOUR)}h ago`;
  return `${Math.floor(age / DAY)}d ago`;
}
