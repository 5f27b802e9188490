/** The commands that read the history, run as a user runs them, without a process. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import * as firstSeen from '../../src/cli/first-seen.ts';
import * as history from '../../src/cli/history.ts';
import * as who from '../../src/cli/who.ts';
import * as workloads from '../../src/cli/workloads.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { KIND_ANSWER, KIND_NAME } from '../../src/events/kinds.ts';
import { fixture, temporaryDirectory } from '../history/support/fixture.ts';
import { NOON } from '../history/support/records.ts';

const HOUR = 3_600_000;

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function run(args: readonly string[]): Promise<Run> {
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
  program.configureOutput({
    writeErr: (text) => {
      out.stderr += text;
    },
  });
  for (const { register } of [history, who, firstSeen, workloads]) register(program, context);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof DnsvalveError) out.exitCode = error.exitCode;
    else if (error instanceof CommanderError) out.exitCode = 2;
    else throw error;
    out.stderr += error.message;
  }
  return out;
}

function database(): string {
  const test = fixture();
  test.put([
    { name: 'www.example.com', allowed: 4, cached: 3, source: '10.0.0.1', rule: 1 },
    { kind: KIND_NAME, name: 'www.example.com', allowed: 4, rule: 1 },
    { kind: KIND_ANSWER, name: 'www.example.com', answers: ['192.0.2.1', '192.0.2.2'] },
    { name: 'x\\027[2J.evil.test', denied: 2, workload: 2, firstMs: NOON + HOUR, qtype: 16 },
  ]);
  test.recording.close();
  return test.path;
}

describe('who', () => {
  it('prints an aligned table with the first asker first', async () => {
    const { stdout, exitCode } = await run(['who', 'example.com', '--utc', '--db', database()]);
    expect(stdout.split('\n')).toEqual([
      'WORKLOAD  NAME         FIRST SEEN            AGE     SOURCE    FIRST VERDICT  QUERIES  DENIED  LAST SEEN',
      'pay       example.com  2026-03-01 12:00:00Z  3h ago  10.0.0.1  allowed              4       0  2026-03-01 12:00:00Z',
      '',
    ]);
    expect(exitCode).toBe(0);
  });

  it('takes a name in any case, with a trailing dot, and finds what lies below', async () => {
    const { stdout } = await run(['who', 'COM.', '--db', database(), '--jsonl']);
    expect(JSON.parse(stdout)).toMatchObject({ domain: 'example.com' });
  });

  it('exits 1 and says so on stderr where nobody asked', async () => {
    const { stdout, stderr, exitCode } = await run(['who', 'nobody.test', '--db', database()]);
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: '',
      stderr: 'nothing found\n',
      exitCode: 1,
    });
  });
});

describe('a list of names', () => {
  function list(text: string): string {
    const path = join(temporaryDirectory(), 'iocs.txt');
    writeFileSync(path, text);
    return path;
  }

  it('gives who asked for each, with the name of the list, and says how many were', async () => {
    const file = list(
      '# report\nnobody[.]test\nhxxp://WWW.example[.]com/x\nevil.test\n192.0.2.1\n',
    );
    const { stdout, stderr, exitCode } = await run([
      'who',
      '--file',
      file,
      '--csv',
      '--db',
      database(),
    ]);
    const lines = stdout.split('\r\n').map((line) => line.split(',').slice(0, 3).join(' '));
    expect(lines.slice(0, 2)).toEqual([
      'indicator workload domain',
      'www.example.com pay example.com',
    ]);
    expect(lines).toHaveLength(4);
    expect(stderr).toBe(`${file}: 1 addresses left out: names only\n2 of 3 names were asked for\n`);
    expect(exitCode).toBe(0);
  });

  it('exits 1 where nobody asked for any, and says which lines hold no name', async () => {
    const file = list('nobody.test\na..b\n');
    const { stdout, stderr, exitCode } = await run(['who', '--file', file, '--db', database()]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toContain(`${file}:2: "a..b": not a domain name`);
  });
});

describe('a window', () => {
  it('of history says what was new in it, for a workload by its name', async () => {
    const args = ['history', 'web', '--since', '150m', '--until', '1h', '--jsonl'];
    const { stdout } = await run([...args, '--db', database()]);
    expect(JSON.parse(stdout)).toMatchObject({ new: true, workload: 'web', denied: 2 });
  });

  it('ends before its end', async () => {
    const { stdout } = await run(['first-seen', '--until', '2h', '--db', database()]);
    expect(stdout).toContain('example.com');
    expect(stdout).not.toContain('evil.test');
  });

  it('keeps to a verdict', async () => {
    const { stdout } = await run(['first-seen', '--verdict', 'denied', '--db', database()]);
    expect(stdout).toContain('evil.test');
    expect(stdout).not.toContain('example.com');
  });
});

describe('documents', () => {
  it('of --json carry version and command, and are there without rows too', async () => {
    const { stdout, exitCode } = await run(['history', 'no.test', '--json', '--db', database()]);
    expect(JSON.parse(stdout)).toEqual({ version: 1, command: 'history', rows: [] });
    expect(exitCode).toBe(0);
  });

  it('have stable fields, times in RFC 3339, and null for what is not known', async () => {
    const path = database();
    const { stdout } = await run(['history', 'example.com', '--names', '--json', '--db', path]);
    const counts = { queries: 4, allowed: 4, denied: 0, would_deny: 0, failed: 0 };
    const times = { first_seen: '2026-03-01T12:00:00.000Z', last_seen: '2026-03-01T12:00:00.000Z' };
    expect(JSON.parse(stdout).rows).toEqual([
      {
        workload: 'pay',
        domain: 'example.com',
        name: 'example.com',
        ...times,
        ...counts,
        cached: 3,
        names: 1,
        folded: 0,
        first_source: '10.0.0.1',
        first_type: 'A',
        first_verdict: 'allowed',
        first_name: 'www.example.com',
        answers: ['192.0.2.1', '192.0.2.2'],
        policy_revision: 1,
        policy_loaded: '2026-03-01T11:59:59.000Z',
        rule: 'policy.yaml:7:5 *.example.com',
        days: [{ date: '2026-03-01', ...counts }],
        detail: [{ name: 'www.example.com', ...times, ...counts }],
      },
    ]);
  });

  it('of --jsonl are one line per row', async () => {
    const { stdout } = await run(['workloads', '--jsonl', '--db', database()]);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([
      { workload: 'pay', domains: 1, queries: 4, cached: 3 },
      { workload: 'web', domains: 1, queries: 2, denied: 2 },
    ]);
  });
});

describe('tables', () => {
  it('of first-seen are in the order of time and never carry a control octet', async () => {
    const { stdout } = await run(['first-seen', '--utc', '--db', database()]);
    const lines = stdout.split('\n');
    expect(lines[1]).toContain('pay');
    expect(lines[2]).toContain('x\\027[2J.evil.test');
    expect(lines[2]).toContain('TXT');
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  it('of history put the full names below their domain', async () => {
    const args = ['history', '--workload', 'pay', '--names', '--utc', '--db', database()];
    const { stdout } = await run(args);
    expect(stdout.split('\n')[2]).toMatch(/^- {11}www\.example\.com +2026-03-01 12:00:00Z/);
  });

  it('of history end in a bar for each day', async () => {
    const { stdout } = await run(['history', 'example.com', '--utc', '--db', database()]);
    const [titles, line] = stdout.split('\n');
    expect(titles).toMatch(/ LAST 28 DAYS$/);
    expect(line).toMatch(/ 192\.0\.2\.2 {29}█$/);
  });

  it('say on stderr that a limit cut them', async () => {
    const { stdout, stderr } = await run(['first-seen', '--limit', '1', '--db', database()]);
    expect(stdout).toContain('evil.test');
    expect(stdout).not.toContain('example.com');
    expect(stderr).toContain('limited to 1 rows');
  });

  it('keep to a time', async () => {
    const { stdout } = await run(['first-seen', '--since', '150m', '--db', database()]);
    expect(stdout).not.toContain('example.com');
    expect(stdout).toContain('evil.test');
  });
});

describe('the database', () => {
  it('is the one of the configuration that --config names', async () => {
    const path = database();
    const config = join(dirname(path), 'dnsvalve.yaml');
    writeFileSync(config, 'listen: ["127.0.0.1:5353"]\nhistory: { path: history.db }\n');
    const { stdout, stderr } = await run(['workloads', '--config', config]);
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringContaining('pay'), stderr: '' });
  });
});

describe('errors', () => {
  const path = '/nonexistent/history.db';
  const rows: { name: string; args: string[]; exitCode: number; want: RegExp }[] = [
    { name: 'history needs a question', args: ['history'], exitCode: 2, want: /--workload/ },
    { name: 'a wrong name', args: ['who', 'a..b'], exitCode: 2, want: /name "a\.\.b"/ },
    { name: 'a wrong time', args: ['workloads', '--since', 'x'], exitCode: 2, want: /time "x"/ },
    {
      name: 'a wrong limit',
      args: ['workloads', '--limit', '-1'],
      exitCode: 2,
      want: /number of rows/,
    },
    {
      name: 'two forms at once',
      args: ['workloads', '--json', '--jsonl'],
      exitCode: 2,
      want: /one of/,
    },
    {
      name: 'two forms, one of them CSV,',
      args: ['who', 'x', '--json', '--csv'],
      exitCode: 2,
      want: /one of/,
    },
    { name: 'no name and no list', args: ['who'], exitCode: 2, want: /--file/ },
    { name: 'a name and a list', args: ['who', 'x', '--file', 'y'], exitCode: 2, want: /--file/ },
    {
      name: 'a list that is not there',
      args: ['who', '--file', '/nonexistent'],
      exitCode: 2,
      want: /ENOENT/,
    },
    {
      name: 'an unknown option',
      args: ['workloads', '--colour'],
      exitCode: 2,
      want: /unknown option/,
    },
  ];
  for (const { name, args, exitCode, want } of rows) {
    it(`${name} exits ${exitCode}`, async () => {
      const found = await run([...args, '--db', database()]);
      expect(found).toMatchObject({ exitCode, stdout: '' });
      expect(found.stderr).toMatch(want);
    });
  }

  it('a missing database exits 3 and names the path', async () => {
    const found = await run(['workloads', '--db', path]);
    expect(found).toMatchObject({ exitCode: 3, stdout: '' });
    expect(found.stderr).toContain(`history ${path}: no such file`);
  });

  it('an unreadable database exits 3 and names the path', async () => {
    const broken = join(temporaryDirectory(), 'history.db');
    writeFileSync(broken, 'no database'.repeat(100));
    const found = await run(['workloads', '--db', broken]);
    expect(found).toMatchObject({ exitCode: 3, stdout: '' });
    expect(found.stderr).toContain(broken);
  });

  it('a workload that nobody has heard of is pointed out', async () => {
    const { stderr, exitCode } = await run(['first-seen', '--workload', 'pya', '--db', database()]);
    expect(stderr).toContain('workload "pya": the history has not heard of it');
    expect(exitCode).toBe(0);
  });
});
