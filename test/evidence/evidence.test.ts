/** Evidence bundles: exported from a history and a configuration, and checked octet by octet. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/audit/log.ts';
import { Trail } from '../../src/audit/trail.ts';
import * as audit from '../../src/cli/audit.ts';
import type { CliContext } from '../../src/cli/context.ts';
import * as evidence from '../../src/cli/evidence.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { KIND_ANSWER, KIND_NAME } from '../../src/events/kinds.ts';
import { alertsIn } from '../../src/evidence/alerts.ts';
import { verify } from '../../src/evidence/verify.ts';
import { fixture } from '../history/support/fixture.ts';
import { NOON } from '../history/support/records.ts';

const HOUR = 3_600_000;
/** Thousands of files are written: 3 s, and five times that where the disk is busy. */
const PATIENT_MS = 120_000;

async function run(...args: readonly string[]) {
  const out = { stdout: '', stderr: '', exitCode: 0 };
  const context: CliContext = {
    stdout: { write: (text) => (out.stdout += text) },
    stderr: { write: (text) => (out.stderr += text) },
    env: {},
    isTTY: false,
    now: () => NOON + 3 * HOUR,
    setExitCode: (code) => {
      out.exitCode = code;
    },
  };
  const program = new Command('dnsvalve').exitOverride();
  for (const { register } of [evidence, audit]) register(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof DnsvalveError)) throw error;
    out.exitCode = error.exitCode;
    out.stderr += error.message;
  }
  return out;
}

const alert = (id: string, workload: string, ms: number): string =>
  JSON.stringify({ version: 1, id, type: 'denied', workload, time: new Date(ms).toISOString() });

/** A history, a configuration, a feed, an audit log and alerts about the workload `pay`. */
async function world(): Promise<string> {
  const test = fixture();
  test.put([
    { name: 'www.example.com', allowed: 4, cached: 3, source: '10.0.0.1', rule: 1 },
    { kind: KIND_NAME, name: 'www.example.com', allowed: 4, rule: 1 },
    { kind: KIND_ANSWER, name: 'www.example.com', answers: ['192.0.2.1'] },
    { name: 'late.test', denied: 2, firstMs: NOON + 2 * HOUR, lastMs: NOON + 2 * HOUR },
    { name: 'other.test', denied: 2, workload: 2 },
  ]);
  test.recording.close();
  const folder = join(test.path, '..');
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'bad.txt'), 'bad.example\n');
  const lines = [
    alert('b', 'pay', NOON),
    alert('a', 'other', NOON),
    'no json',
    alert('c', 'pay', 1),
  ];
  writeFileSync(join(folder, 'alerts.jsonl'), lines.map((line) => `${line}\n`).join(''));
  writeFileSync(
    join(folder, 'dnsvalve.yaml'),
    `upstreams: { default: { servers: [ 192.0.2.1 ] } }
state_directory: state
history: { path: ${test.path} }
alerts: [ { to: "file:alerts.jsonl" } ]
feeds: { bad: { source: bad.txt, category: malware, action: deny } }
workloads:
  pay: { sources: [ 10.0.0.0/24 ], owner: team-pay, allow: [ .example.com ] }
`,
  );
  const log = new AuditLog({
    stateDirectory: join(folder, 'state'),
    now: () => NOON,
    report: fail,
  });
  new Trail(log, () => ({ revision: 7, configuration: 'c'.repeat(64) })).started('0.1.0');
  await log.close(10_000);
  return folder;
}

function fail(line: string): void {
  throw new Error(line);
}

const WINDOW = ['--since', '2026-03-01', '--until', '2026-03-01T13:00Z'];

function exportArgs(folder: string, ...more: readonly string[]): string[] {
  const config = join(folder, 'dnsvalve.yaml');
  return ['evidence', 'export', '--workload', 'pay', '-c', config, ...WINDOW, ...more];
}

interface Line {
  readonly part: string;
  readonly row: Record<string, unknown>;
}

async function bundle(folder: string): Promise<{ text: string; path: string }> {
  const path = join(folder, 'case.jsonl');
  const { stderr, exitCode } = await run(...exportArgs(folder, '-o', path));
  expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
  return { text: readFileSync(path, 'utf8'), path };
}

describe('a bundle', () => {
  it('is not kept from being written by a file of alerts that has gone since it was listed', async () => {
    const folder = await world();
    const files = ['cursors.json.new', 'alerts.jsonl'].map((name) => join(folder, name));
    const rows = alertsIn(files, 'pay', { sinceMs: NOON, untilMs: NOON });
    expect(rows).toEqual([expect.objectContaining({ id: 'b' })]);
    // What is there and cannot be read is no bundle without it.
    expect(() => alertsIn([folder], 'pay', { sinceMs: NOON, untilMs: NOON })).toThrow('EISDIR');
  });

  it('holds what is known about the workload in the window, and nothing else', async () => {
    const { text } = await bundle(await world());
    const lines = text.split('\n').slice(0, -1);
    const rows = lines.slice(0, -1).map((line) => JSON.parse(line) as Line);
    expect(rows.map(({ part }) => part)).toEqual([
      'scope',
      'configuration',
      'identity',
      'feeds',
      'policies',
      'audit',
      'alerts',
      'hours',
      'history',
    ]);
    const of = (part: string): unknown => rows.find((row) => row.part === part)?.row;
    expect(of('identity')).toEqual({
      source: '10.0.0.0/24',
      workload: 'pay',
      from: 'configuration',
    });
    expect(of('configuration')).toMatchObject({
      files: [{ file: 'dnsvalve.yaml' }],
      workload: { name: 'pay', owner: 'team-pay', allow: [{ name: '.example.com' }] },
    });
    expect(of('feeds')).toMatchObject({ name: 'bad', octets: 12, fetched: null });
    expect(of('audit')).toMatchObject({ act: 'start', details: { after: { revision: 7 } } });
    expect(of('alerts')).toMatchObject({ id: 'b' });
    expect(of('history')).toMatchObject({
      domain: 'example.com',
      answers: ['192.0.2.1'],
      detail: [{ name: 'www.example.com', queries: 4 }],
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      part: 'manifest',
      version: 1,
      workload: 'pay',
      since: '2026-03-01T00:00:00.000Z',
      until: '2026-03-01T13:00:00.000Z',
      policy: { revision: 7, configuration: 'c'.repeat(64), since: '2026-03-01T12:00:00.000Z' },
    });
  });

  it('is the same, octet for octet, for the same inputs and window', async () => {
    const folder = await world();
    const first = await run(...exportArgs(folder));
    const second = await run(...exportArgs(folder));
    expect(first.stdout).toBe(second.stdout);
    expect(first.stdout).toBe((await bundle(folder)).text);
  });

  it('of the history alone needs no configuration', async () => {
    const folder = await world();
    const db = join(folder, 'history.db');
    const args = ['evidence', 'export', '--workload', 'pay', ...WINDOW, '--db', db];
    const { stdout } = await run(...args);
    const parts = stdout.match(/^\{"part":"\w+"/gm);
    expect(parts?.map((part) => part.slice(9, -1))).toEqual([
      'scope',
      'policies',
      'hours',
      'history',
      'manifest',
    ]);
  });

  const REFUSED = [
    { name: 'of a workload that nobody knows', more: ['--workload', 'nobody'] },
    { name: 'of a window that ends before it begins', more: ['--until', '2020-01-01'] },
  ];
  it.each(REFUSED)('$name is refused, and leaves no file', async ({ more }) => {
    const folder = await world();
    const path = join(folder, 'refused.jsonl');
    expect((await run(...exportArgs(folder, ...more, '-o', path))).exitCode).toBe(2);
    expect([path, `${path}.partial`].filter(existsSync)).toEqual([]);
  });

  it('never takes the place of another file', async () => {
    const folder = await world();
    const { path, text } = await bundle(folder);
    expect((await run(...exportArgs(folder, '-o', path))).exitCode).toBe(2);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('verify', () => {
  it('says that an untouched bundle is whole, and names its digest', async () => {
    const { path, text } = await bundle(await world());
    const { stdout, exitCode } = await run('evidence', 'verify', path);
    const digest = text.slice(-67, -3);
    expect(stdout).toContain(`evidence bundle, whole\n  rows 9, sha256 ${digest}\n`);
    expect(exitCode).toBe(0);
    expect((await run('evidence', 'verify', path, '--digest', digest)).exitCode).toBe(0);
    expect((await run('evidence', 'verify', path, '--digest', 'f'.repeat(64))).exitCode).toBe(1);
  });

  it(
    'finds a change of any octet',
    async () => {
      const { path } = await bundle(await world());
      const octets = readFileSync(path);
      const unseen: number[] = [];
      for (let at = 0; at < octets.length; at++) {
        const changed = Buffer.from(octets);
        changed[at] = octets[at]! ^ [0x01, 0x20, 0x80][at % 3]!;
        writeFileSync(path, changed);
        if (verify(path, null).findings.length === 0) unseen.push(at);
      }
      expect(octets.length).toBeGreaterThan(2000);
      expect(unseen).toEqual([]);
    },
    PATIENT_MS,
  );

  it('finds every cut, and anything that was added', async () => {
    const { path } = await bundle(await world());
    const octets = readFileSync(path);
    const unseen: number[] = [];
    for (let size = 0; size < octets.length; size += 7) {
      writeFileSync(path, octets.subarray(0, size));
      if (verify(path, null).findings.length === 0) unseen.push(size);
    }
    for (const added of ['\n', 'x', '{"part":"history","row":{}}\n']) {
      writeFileSync(path, Buffer.concat([octets, Buffer.from(added)]));
      if (verify(path, null).findings.length === 0) unseen.push(octets.length);
    }
    expect(unseen).toEqual([]);
  });

  it('names the part that was changed', async () => {
    const { path, text } = await bundle(await world());
    writeFileSync(path, text.replace('www.example.com', 'www.example.net'));
    const { stdout, exitCode } = await run('evidence', 'verify', path);
    expect(stdout).toContain('NOT WHOLE\n  the bundle is not as it was written');
    expect(stdout).toContain('  part history: is not as the manifest has it');
    expect(stdout.match(/part \w+:/g)).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('checks the audit log too, and what is neither is a finding', async () => {
    const folder = await world();
    const log = join(folder, 'state', 'audit.jsonl');
    expect((await run('evidence', 'verify', log)).stdout).toContain('audit log, whole');
    const text = readFileSync(log, 'utf8');
    writeFileSync(log, text.replace('"start"', '"Start"'));
    expect((await run('evidence', 'verify', log)).exitCode).toBe(1);
    expect((await run('evidence', 'verify', join(folder, 'bad.txt'))).exitCode).toBe(1);
    expect((await run('evidence', 'verify', join(folder, 'none'))).exitCode).toBe(2);
  });
});

describe('audit', () => {
  it('prints the acts, and says when the log is not whole', async () => {
    const folder = await world();
    const args = ['audit', '-c', join(folder, 'dnsvalve.yaml'), '--utc'];
    const { stdout, exitCode } = await run(...args);
    const [titles, row] = stdout.split('\n');
    expect(titles).toMatch(/^SEQ {2}TIME +ACT +BY +WHAT CAME OF IT$/);
    expect(row).toMatch(
      /^ {2}1 {2}2026-03-01 12:00:00Z {2}start {2}process \d+, uid \d+ +revision 7/,
    );
    expect(exitCode).toBe(0);
    const { rows } = JSON.parse((await run(...args, '--json')).stdout) as { rows: unknown[] };
    expect(rows).toMatchObject([{ seq: 1, act: 'start', details: { program: '0.1.0' } }]);
    expect((await run(...args, '--act', 'stop')).stderr).toBe('nothing found\n');
    const path = join(folder, 'state', 'audit.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('0.1.0', '0.1.1'));
    const damaged = await run(...args);
    expect(damaged).toMatchObject({ exitCode: 1 });
    expect(damaged.stderr).toContain('the log is not whole');
  });
});
