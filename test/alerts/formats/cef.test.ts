/**
 * Against the rules of "ArcSight Common Event Format (CEF) Implementation Standard", document
 * version 27: the header (seven fields, `\` and `|` escaped), the extension (`\` and `=` escaped,
 * line ends as `\n` and `\r`), and the keys, types and lengths of its producer dictionary.
 */

import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cef, escapeHeader, escapeValue } from '../../../src/alerts/formats/cef.ts';
import { fitted } from '../../../src/alerts/formats/shared.ts';
import { plain } from '../../../src/alerts/text.ts';
import { alert, findingAlert } from '../sample.ts';
import { hostile, MACHINE, SAMPLES } from './samples.ts';

type Kind = number | 'integer' | 'time' | 'ipv4' | 'ipv6';

/** Of the dictionary: the keys in use here, with the length of a text or the type. */
const DICTIONARY: Readonly<Record<string, Kind>> = {
  act: 63,
  app: 31,
  c6a1: 'ipv6',
  c6a1Label: 1023,
  cn1: 'integer',
  cn1Label: 1023,
  cn2: 'integer',
  cn2Label: 1023,
  cn3: 'integer',
  cn3Label: 1023,
  cnt: 'integer',
  cs1: 4000,
  cs1Label: 1023,
  cs2: 4000,
  cs2Label: 1023,
  cs3: 4000,
  cs3Label: 1023,
  cs4: 4000,
  cs4Label: 1023,
  cs5: 4000,
  cs5Label: 1023,
  cs6: 4000,
  cs6Label: 1023,
  destinationDnsDomain: 255,
  deviceCustomDate1: 'time',
  deviceCustomDate1Label: 1023,
  dhost: 1023,
  dvchost: 100,
  end: 'time',
  externalId: 40,
  flexString1: 1023,
  flexString1Label: 128,
  flexString2: 1023,
  flexString2Label: 128,
  msg: 1023,
  reason: 1023,
  rt: 'time',
  src: 'ipv4',
  start: 'time',
};

/** Keys of our own: a vendor, a product, a name; letters and digits, and none of the dictionary. */
const OWN_KEY = /^DnsvalveDnsvalve[A-Za-z0-9]+$/;

interface Parsed {
  readonly header: string[];
  readonly fields: Map<string, string>;
}

/** A strict reader, independent of the writer. */
function parse(line: string): Parsed {
  const header: string[] = [];
  let at = 0;
  for (let field = 0; field < 7; field++) {
    let value = '';
    for (; line[at] !== '|'; at++) {
      if (at >= line.length) throw new Error(`header ends in field ${field}: ${line}`);
      if (line[at] === '\\' && !/[\\|]/.test(line[++at] ?? '')) throw new Error(`escape: ${line}`);
      value += line[at];
    }
    at++;
    header.push(value);
  }
  return { header, fields: parseExtension(line.slice(at)) };
}

function parseExtension(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  // A key follows the start or one blank; its equals sign is the first that no backslash escapes.
  const pair = /([A-Za-z0-9]+)=((?:[^\\=]|\\[\\=nr])*?)(?= [A-Za-z0-9]+=|$)/y;
  for (let at = 0; at < text.length; at = pair.lastIndex + 1) {
    pair.lastIndex = at;
    const found = pair.exec(text);
    if (found === null) throw new Error(`no pair at ${at}: ${text}`);
    const [, key = '', value = ''] = found;
    if (fields.has(key)) throw new Error(`${key} twice`);
    const plainText = { n: '\n', r: '\r' } as const;
    fields.set(
      key,
      value.replace(/\\(.)/g, (_, c: string) => plainText[c as 'n' | 'r'] ?? c),
    );
  }
  return fields;
}

function wrongFields({ fields }: Parsed): string[] {
  return [...fields].flatMap(([key, value]) => {
    const kind = DICTIONARY[key];
    if (kind === undefined) return OWN_KEY.test(key) ? [] : [`${key} is not in the dictionary`];
    const isRight =
      typeof kind === 'number'
        ? value.length <= kind
        : { integer: isWhole, time: isTime, ipv4: isIPv4, ipv6: isIPv6 }[kind](value);
    return isRight ? [] : [`${key}=${value} is no ${kind}`];
  });
}

const isWhole = (value: string): boolean => /^-?\d{1,19}$/.test(value);
/** Milliseconds since 1970, one of the date formats of appendix A. */
const isTime = (value: string): boolean => /^\d{13}$/.test(value);

describe('CEF', () => {
  it.each(SAMPLES)('$name follows the dictionary', ({ one }) => {
    const parsed = parse(cef(one, MACHINE));
    expect(wrongFields(parsed)).toEqual([]);
    // Every key of many uses has its label, and no label stands alone.
    const labels = [...parsed.fields.keys()].filter((key) => key.endsWith('Label'));
    const custom = [...parsed.fields.keys()].filter((key) =>
      /^(c6a|cn|cs|flexString|deviceCustomDate)\d$/.test(key),
    );
    expect(labels.sort()).toEqual(custom.map((key) => `${key}Label`).sort());
  });

  it.each(SAMPLES)('$name has the header fields in their lengths', ({ one }) => {
    const { header } = parse(cef(one, MACHINE));
    const [version, vendor = '', product = '', device = '', type = '', name = '', severity] =
      header;
    expect([version, vendor, product, device, type]).toEqual([
      ...['CEF:0', 'dnsvalve', 'dnsvalve', '0.1.0', one.type],
    ]);
    expect(Math.max(vendor.length, product.length)).toBeLessThanOrEqual(63);
    expect(device.length).toBeLessThanOrEqual(31);
    expect(type).not.toMatch(/[=%#]/);
    expect(name.length).toBeLessThanOrEqual(512);
    expect(severity).toMatch(/^(\d|10)$/);
  });

  it('is worse where syslog is', () => {
    const severities = Array.from({ length: 8 }, (_, severity) =>
      Number(parse(cef({ ...alert(), severity }, MACHINE)).header[6]),
    );
    expect(severities).toEqual(severities.toSorted((a, b) => b - a));
    const [error, warning, notice] = [severities[3], severities[4], severities[5]];
    expect([error, warning, notice]).toEqual([8, 6, 3]); // high, medium, low
  });

  it('carries who, what and why in the keys that others look at', () => {
    const { fields } = parse(cef(findingAlert({ denied: true }), MACHINE));
    expect(Object.fromEntries(fields)).toMatchObject({
      src: '10.20.1.4',
      dhost: 'www.partner.example',
      destinationDnsDomain: 'partner.example',
      act: 'denied',
      cs1: 'payments-api',
      cs2: 'dnsvalve.yaml:12:9 *.partner.example',
      cs4: 'T1071.004',
      cn1: '187',
      cs5: 'new_names=31,seconds=240,queries=35,odd_percent=96,odd_type=TXT',
    });
  });

  it.each([
    { name: 'a backslash in the header', got: escapeHeader('a\\b'), want: 'a\\\\b' },
    { name: 'a pipe in the header', got: escapeHeader('a|b'), want: 'a\\|b' },
    { name: 'no equals sign in the header', got: escapeHeader('a=b'), want: 'a=b' },
    { name: 'a line end in the header is a blank', got: escapeHeader('a\nb'), want: 'a b' },
    { name: 'a backslash in a value', got: escapeValue('a\\b'), want: 'a\\\\b' },
    { name: 'an equals sign in a value', got: escapeValue('a=b'), want: 'a\\=b' },
    { name: 'no pipe in a value', got: escapeValue('a|b'), want: 'a|b' },
    { name: 'line ends in a value are letters', got: escapeValue('a\r\nb'), want: 'a\\r\\nb' },
  ])('escapes: $name', ({ got, want }) => expect(got).toBe(want));

  it('gives back any text that was put in', () => {
    let escaped = 0;
    fc.assert(
      fc.property(hostile, (one) => {
        const line = fitted(one, 1e9, (safe) => cef(safe, MACHINE));
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        const parsed = parse(line);
        expect(wrongFields(parsed)).toEqual([]);
        const back = (key: string) => parsed.fields.get(key) ?? null;
        const sent = (text: string | null) => (text === null ? null : plain(text).trim());
        expect(back('cs1')).toBe(sent(one.workload));
        expect(back('cs2')).toBe(sent(one.rule));
        expect(back('DnsvalveDnsvalveOwner')).toBe(sent(one.owner));
        if (/[\\=|]/.test(one.workload ?? '')) escaped++;
      }),
      { seed: 20_261_125, numRuns: 300 },
    );
    expect(escaped).toBeGreaterThan(20); // guard against a vacuous pass
  });
});
