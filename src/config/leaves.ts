/**
 * Leaves of the schema: single values that are text in the file and something better behind it.
 * Each says in its JSON Schema what an editor can check; the parsers have the last word.
 */

import { z } from 'zod';
import { typeFromText, typeToText } from '../wire/text.ts';
import type { CountLimits, Limits } from './limits.ts';
import { BUDGET_BYTES, DNS_PORT, METRICS_PORT } from './limits.ts';
import { parseName, parsePattern } from './pattern.ts';
import { parsePrefix, parseSocketAddress } from './prefix.ts';
import { parseSinkPlace, SINK_SCHEMES } from './sinks.ts';
import { didYouMean } from './suggest.ts';
import { parseDuration, parseRate, parseSize } from './units.ts';

/** What JSON Schema and reference page say about a leaf. */
interface Words {
  readonly description?: string;
  readonly pattern?: string;
  readonly [key: string]: unknown;
}

/**
 * Text that `parse` turns into a value; a string from `parse` is the problem. `expected` is the
 * message for what is no text at all, where "text is expected" would mislead.
 */
export function parsed<T extends object | number>(
  parse: (text: string) => T | string,
  words: Words,
  expected?: string,
) {
  return z
    .string(expected === undefined ? undefined : { error: expected })
    .transform((text, context): T => {
      const value = parse(text);
      if (typeof value !== 'string') return value;
      context.addIssue({ code: 'custom', message: value });
      return z.NEVER;
    })
    .meta(words);
}

export const filePath = z
  .string()
  .min(1, { error: 'empty; a path is expected' })
  .refine((text) => !text.includes('\0'), { error: 'holds a NUL character; a path is expected' });

/** Words that appear in files, records and messages: no blanks, no capitals, no surprises. */
const WORD = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const RESERVED = new Set(['everyone', 'unmapped']);

export function word(what: string) {
  return z
    .string()
    .refine((text) => WORD.test(text) && !RESERVED.has(text), {
      error: (issue) => wordProblem(what, String(issue.input)),
    })
    .meta({ pattern: WORD.source });
}

function wordProblem(what: string, text: string): string {
  if (RESERVED.has(text)) return `"${text}" is a reserved name; choose another ${what} name`;
  const start = `${JSON.stringify(text.slice(0, 80))} is no ${what} name`;
  const candidate = text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  const use = WORD.test(candidate) && candidate !== text ? `; use "${candidate}"` : '';
  return `${start}: 1 to 63 of a-z, 0-9, ".", "_", "-", with a letter or digit first${use}`;
}

/** One line of text for people; control characters never reach a terminal or a log. */
export function line(description: string) {
  return z
    .string()
    .min(1, { error: 'empty; remove the key or say something' })
    .max(300, { error: 'longer than 300 characters' })
    .refine((text) => !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text), {
      error: 'holds control characters; one line of text is expected',
    })
    .meta({ description });
}

const DURATION_FORM = 'write a number and a unit, like "30s", "5m", "24h" or "400d"';
const SIZE_FORM = 'write a number and a unit, like "4kB", "64MB" or "1GiB"';

export function duration(limits: Limits, description: string) {
  const bounds = { min: parseDuration(limits.min) ?? 0, max: parseDuration(limits.max) ?? 0 };
  return parsed(
    (text) =>
      measured(text, parseDuration(text), bounds, limits) ??
      `${JSON.stringify(text.slice(0, 80))} is not understood; ${DURATION_FORM}`,
    {
      description,
      pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$',
      'x-range': `${limits.min} to ${limits.max}`,
    },
    DURATION_FORM,
  ).prefault(limits.default);
}

export function size(limits: Limits, description: string) {
  const bounds = { min: parseSize(limits.min) ?? 0, max: parseSize(limits.max) ?? 0 };
  return parsed(
    (text) =>
      measured(text, parseSize(text), bounds, limits) ??
      `${JSON.stringify(text.slice(0, 80))} is not understood; ${SIZE_FORM}`,
    {
      description,
      pattern: '^[0-9]+(\\.[0-9]+)?(B|kB|MB|GB|KiB|MiB|GiB)$',
      'x-range': `${limits.min} to ${limits.max}`,
    },
    SIZE_FORM,
  ).prefault(limits.default);
}

const RATE_FORM = 'write a size per s, m, h or d, like "1kB/h", "500B/m" or "2MB/d"';

export const rate = parsed(
  (text) => {
    const value = parseRate(text);
    if (value === null)
      return `${JSON.stringify(text.slice(0, 80))} is not understood; ${RATE_FORM}`;
    const { min, max } = BUDGET_BYTES;
    const isInRange = value.bytes >= (parseSize(min) ?? 0) && value.bytes <= (parseSize(max) ?? 0);
    return isInRange ? value : `"${text}" is out of range; accepted is ${min} to ${max}`;
  },
  {
    description: 'A size per second, minute, hour or day: `1kB/h`.',
    pattern: '^[0-9]+(\\.[0-9]+)?(B|kB|MB|GB|KiB|MiB|GiB)/[smhd]$',
    'x-range': `${BUDGET_BYTES.min} to ${BUDGET_BYTES.max}`,
  },
  RATE_FORM,
);

/** The value in its bounds, the problem with it, or null when it is no value at all. */
function measured(
  text: string,
  value: number | null,
  bounds: { min: number; max: number },
  limits: Limits,
): number | string | null {
  if (value === null || (value >= bounds.min && value <= bounds.max)) return value;
  return `"${text}" is out of range; accepted is ${limits.min} to ${limits.max}`;
}

export function count(limits: CountLimits, description: string) {
  return z.int().min(limits.min).max(limits.max).default(limits.default).meta({ description });
}

export const pattern = parsed(parsePattern, {
  description:
    'A pattern in normal form: `x.com` is that name, `*.x.com` all below it, `.x.com` both.',
  pattern: '^(\\*\\.|\\.)?[a-z0-9_-]+(\\.[a-z0-9_-]+)*$',
});

export const hostname = parsed(parseName, {
  description: 'A name in normal form: lower case, no trailing dot, A-labels.',
  pattern: '^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$',
});

export const prefix = parsed(parsePrefix, {
  description:
    'A prefix like `10.20.1.0/24` or `2001:db8:1::/64`; a bare address is a prefix of one.',
});

export const listenAddress = parsed((text: string) => parseSocketAddress(text, DNS_PORT), {
  description: 'An address with an optional port (53 when not given): `0.0.0.0:53`, `[::]:53`.',
});

export const metricsAddress = parsed((text: string) => parseSocketAddress(text, METRICS_PORT), {
  description: 'An address with an optional port (9153 when not given): `127.0.0.1`, `[::1]:9153`.',
});

const COMMON_TYPES = 'A AAAA CNAME HTTPS MX NS PTR SRV SVCB TXT'.split(' ');

export const recordType = parsed(
  (text) => {
    const type = typeFromText(text);
    if (type === null) {
      const start = `${JSON.stringify(text.slice(0, 40))} is no record type`;
      const near = didYouMean(text.toUpperCase(), COMMON_TYPES);
      return `${start}; accepted are names like A, AAAA, HTTPS and TYPE65280${near}`;
    }
    // RFC 6895 3.1: 0, OPT and 128-255 are no types of data.
    const meta = type === 0 || type === 41 || (type >= 128 && type <= 255);
    return meta ? `${typeToText(type)} is no type of data; rules are about data types` : type;
  },
  { description: 'A record type: `A`, `AAAA`, `HTTPS`, `TYPE65280`.', pattern: '^[A-Za-z0-9-]+$' },
);

export const sinkPlace = parsed(parseSinkPlace, {
  description: `Where alerts go: ${SINK_SCHEMES.map((scheme) => `\`${scheme}\``).join(', ')}.`,
});
