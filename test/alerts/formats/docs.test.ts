/** docs/alerts.md: its examples are what the program writes, and its table says where fields went. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../src/alerts/alert.ts';
import { Fold } from '../../../src/alerts/fold.ts';
import { cef } from '../../../src/alerts/formats/cef.ts';
import { ECS_VERSION, ecs } from '../../../src/alerts/formats/ecs.ts';
import { encoderFor } from '../../../src/alerts/formats/encode.ts';
import { OCSF_VERSION, ocsf } from '../../../src/alerts/formats/ocsf.ts';
import { FORMATS, formatsOf } from '../../../src/config/formats.ts';
import { alert, findingAlert, T0 } from '../sample.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/alerts.md'), 'utf8');
const MACHINE = { hostname: 'gw1', pid: 42, version: '0.1.0' } as const;
const EXAMPLE = { ...folded(), id: '3f0c1c9e-5d0a-4b5e-9f2e-6f6f0c3a9d11' };

/** What is told at the end of a window with four names, after the alert that opened it. */
function folded(): Alert {
  const out: Alert[] = [];
  const fold = new Fold({ windowMs: 600_000, max: 1, emit: (one) => out.push(one) });
  const hosts = ['www', 'nbswy3dp', 'o5xxe3de', 'mfzwizlq', 'ojqxg5dp'];
  for (const [n, host] of hosts.entries()) {
    const atMs = T0 - (hosts.length - 1 - n) * 60_000;
    const times = { firstMs: atMs, lastMs: atMs, firstSeenMs: T0 - 240_000 };
    const qname = `${host}.partner.example`;
    fold.push(findingAlert({ denied: true }, { ...times, qname }), atMs);
  }
  fold.flush();
  const [, end] = out;
  if (end === undefined) throw new Error('nothing was folded');
  return end;
}

/** The first block of code under a heading of the third level. */
function exampleOf(format: string): string {
  const section = text.split(/^### /m).find((part) => part.startsWith(`${format}\n`)) ?? '';
  return /^```(?:json)?\n([\s\S]*?)\n```$/m.exec(section)?.[1] ?? '';
}

function written(format: (typeof FORMATS)[number], kind: 'syslog-tcp' | 'file'): string {
  const octets = encoderFor({ format, kind, facility: 20 }, MACHINE)(EXAMPLE);
  return new TextDecoder().decode(octets);
}

function rowsUnder(heading: string): string[][] {
  const section = text.split(/^###? /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const namesIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? '');

/** Alerts that together have a value in every field. */
const FULL: Alert[] = [
  { ...EXAMPLE, unusual_hour: true, subject: 'malware', window: window() },
  { ...alert({ source: '2001:db8::7' }), technique: 'T1572', count: 2, window: window() },
];

function window(): { first: string; last: string } {
  return { first: new Date(T0 - 1).toISOString(), last: new Date(T0).toISOString() };
}

function has(document: unknown, path: string): boolean {
  let value = document;
  for (const key of path.split('.')) {
    if (Array.isArray(value)) value = value[0];
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}

describe('docs/alerts.md, formats', () => {
  it.each(['json', 'ecs', 'ocsf'] as const)('has a real example of %s', (format) => {
    expect(JSON.parse(exampleOf(format))).toEqual(JSON.parse(written(format, 'file')));
  });

  it('has a real example of rfc5424', () => {
    expect(exampleOf('rfc5424')).toBe(written('rfc5424', 'syslog-tcp'));
  });

  it.each(['rfc3164', 'cef'] as const)('has a real example of %s', (format) => {
    // The time is that of the zone in which the program runs.
    const withoutTime = (line: string) => line.replace(/^<163>.{15}/, '<163>');
    expect(withoutTime(exampleOf(format))).toBe(withoutTime(written(format, 'syslog-tcp')));
  });

  it('lists every format with the sinks that take it, and its version', () => {
    const rows = rowsUnder('Formats');
    const kinds = ['syslog-tcp', 'file', 'https'];
    const wanted = FORMATS.map((format) => [
      `\`${format}\``,
      ...kinds.map((kind) => {
        if (!formatsOf(kind).includes(format)) return '';
        return formatsOf(kind)[0] === format ? 'default' : 'yes';
      }),
    ]);
    expect(rows.map(([name, , , ...takes]) => [name, ...takes])).toEqual(wanted);
    const versions = Object.fromEntries(rows.map(([name, , version]) => [name, version]));
    expect(versions['`ecs`']).toContain(ECS_VERSION);
    expect(versions['`ocsf`']).toContain(OCSF_VERSION);
  });

  it('says of every field where it went, and it is there', () => {
    const rows = rowsUnder('Where a field went');
    expect(rows.map(([name]) => name?.replaceAll('`', '')).sort()).toEqual(
      Object.keys(alert()).sort(),
    );
    const lines = FULL.map((one) => cef(one, MACHINE));
    const documents = [ecs, ocsf].map((write) =>
      FULL.map((one) => JSON.parse(write(one, MACHINE)) as unknown),
    );
    const missing = rows.flatMap(([name, inCef = '', ...cells]) => [
      ...namesIn(inCef)
        .filter((key) => !lines.some((line) => new RegExp(`[ |]${key}=`).test(line)))
        .map((key) => `${name} in CEF: ${key}`),
      ...cells.flatMap((cell, i) =>
        namesIn(cell)
          .filter((path) => !documents[i]?.some((document) => has(document, path)))
          .map((path) => `${name}: ${path}`),
      ),
    ]);
    expect(missing).toEqual([]);
  });
});
