import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALERT_TYPES } from '../../src/alerts/alert.ts';
import { FINDING_ALERTS } from '../../src/alerts/findings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { DETECTOR_NAMES, detectorOf } from '../../src/detect/detectors.ts';
import { rsyslogMissing } from './rsyslog.ts';
import { alert } from './sample.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');

/** Of the sinks that the page opens with. */
const KINDS = ['syslog-tcp', 'syslog-udp', 'unix', 'file', 'syslog-tcp', 'syslog-tls', 'https'];

const ABOUT = new Map([
  ['one registrable domain', 'domain'],
  ['all names of a workload', 'workload'],
  ['one rule', 'rule'],
]);

/** Cells of the table rows in the section under `heading`. */
function rowsUnder(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function namesIn(cells: string[][]): string[] {
  return cells.flatMap(([first]) =>
    [...(first ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? ''),
  );
}

describe('docs/alerts.md', () => {
  it('lists every alert type with its severity and technique', () => {
    const listed = rowsUnder('Types').map(([type, severity, , technique]) => [
      type?.replaceAll('`', ''),
      Number.parseInt(severity ?? '', 10),
      technique === '' ? null : technique,
    ]);
    const known = Object.entries(ALERT_TYPES);
    expect(listed).toEqual(known.map(([type, facts]) => [type, facts.severity, facts.technique]));
  });

  it('lists every detector with the alert that its findings make', () => {
    const listed = rowsUnder('Findings').map(([name, type, severity, about, technique]) => ({
      name: name?.replaceAll('`', ''),
      type: type?.replaceAll('`', ''),
      severity: Number.parseInt(severity ?? '', 10),
      about: ABOUT.get(about ?? ''),
      technique,
    }));
    const known = [...FINDING_ALERTS].map(([type, facts]) => {
      const { name, scope } = detectorOf(type);
      return { name, ...facts, about: scope };
    });
    expect(listed).toEqual(known);
    expect(listed.map(({ name }) => name)).toEqual(DETECTOR_NAMES);
  });

  it('lists every field of the document', () => {
    expect(namesIn(rowsUnder('Fields')).sort()).toEqual(Object.keys(alert()).sort());
  });

  it('opens with a configuration that loads', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-docs-'));
    try {
      const file = join(folder, 'dnsvalve.yaml');
      const block = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? '';
      writeFileSync(file, `${block}workloads: { dev: { sources: [ 127.0.0.1/32 ] } }\n`);
      const { alerts, alertWindowMs } = loadConfig(file);
      const kinds = alerts.map((sink) => sink.target.kind);
      expect(kinds).toEqual(KINDS);
      expect(alertWindowMs).toBe(600_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.skipIf(rsyslogMissing() !== null)('gives rsyslog examples that rsyslog accepts', () => {
    const blocks = [...text.matchAll(/^```\n((?:module|input)\([\s\S]*?)^```$/gm)];
    expect(blocks).toHaveLength(3);
    const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-docs-'));
    try {
      for (const [, block] of blocks) {
        const config = join(folder, 'rsyslog.conf');
        const needed = block?.includes('module(load="imuxsock"')
          ? ''
          : 'module(load="imuxsock" SysSock.Use="off")\n';
        writeFileSync(config, `${needed}${block}\n*.* ${join(folder, 'all')}\n`);
        const run = spawnSync('/usr/sbin/rsyslogd', ['-N1', '-f', config], { encoding: 'utf8' });
        expect({ block, status: run.status, said: run.stderr.match(/error.*/g) }).toEqual({
          block,
          status: 0,
          said: null,
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
