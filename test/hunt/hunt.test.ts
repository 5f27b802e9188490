/** `feeds hunt`: a list against the history, as a user runs it. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../../src/cli/context.ts';
import * as feeds from '../../src/cli/feeds.ts';
import { DnsvalveError } from '../../src/errors.ts';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { WALK_FROM } from '../../src/hunt/hunt.ts';
import { fixture } from '../history/support/fixture.ts';
import { NOON } from '../history/support/records.ts';

const HOUR = 3_600_000;
/** Names that nobody asked for: a list long enough to be hunted by a walk. */
const FILLER = Array.from({ length: WALK_FROM }, (_, i) => `n${i}.filler.test`);

function database(): string {
  const test = fixture();
  test.put([
    { name: 'www.example.com', allowed: 4 },
    { kind: KIND_NAME, name: 'www.example.com', allowed: 4 },
    { kind: KIND_NAME, name: 'cdn.example.com', allowed: 1, firstMs: NOON + 1 },
    { name: 'evil.test', denied: 2, workload: 2, firstMs: NOON + HOUR, lastMs: NOON + HOUR },
    { name: 'a.b.sole.org', allowed: 1, workload: 3, firstMs: NOON + 2 * HOUR },
  ]);
  test.recording.close();
  return test.path;
}

async function run(list: string, more: readonly string[] = [], path = database()) {
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
  const file = join(dirname(path), 'list.txt');
  writeFileSync(file, list);
  const program = new Command('dnsvalve').exitOverride();
  program.configureOutput({ writeErr: () => {} });
  feeds.register(program, context);
  const inherit = (command: Command): void => {
    for (const each of command.commands)
      inherit(each.exitOverride().copyInheritedSettings(command));
  };
  inherit(program);
  try {
    await program.parseAsync(['feeds', 'hunt', file, '--db', path, ...more], { from: 'user' });
  } catch (error) {
    if (error instanceof DnsvalveError) out.exitCode = error.exitCode;
    else if (error instanceof CommanderError) out.exitCode = 2;
    else throw error;
    out.stderr += error.message;
  }
  return out;
}

async function found(list: string, more: readonly string[] = []): Promise<string[]> {
  const { stdout } = await run(list, ['--jsonl', ...more]);
  const rows = stdout.split('\n').filter((line) => line !== '');
  return rows.map((line) => {
    const { workload, name, indicator } = JSON.parse(line);
    return `${workload} ${name} < ${indicator}`;
  });
}

interface Row {
  readonly name: string;
  readonly list: string;
  readonly want: readonly string[];
  readonly more?: readonly string[];
}

const ROWS: readonly Row[] = [
  { name: 'a domain', list: 'evil.test', want: ['web evil.test < evil.test'] },
  {
    name: 'a name in capitals with a dot',
    list: 'EVIL.test.',
    want: ['web evil.test < evil.test'],
  },
  { name: 'a suffix above a domain', list: 'test', want: ['web evil.test < test'] },
  {
    name: 'a full name that is detail of a domain',
    list: 'cdn.example.com',
    want: ['pay cdn.example.com < cdn.example.com'],
  },
  {
    name: 'a name above the only name of a domain',
    list: 'b.sole.org',
    want: ['batch a.b.sole.org < b.sole.org'],
  },
  { name: 'nothing of a name beside it', list: 'vil.test', want: [] },
  { name: 'nothing of a name below what was asked', list: 'x.evil.test', want: [] },
  {
    name: 'a line of a hosts file',
    list: '0.0.0.0 evil.test',
    want: ['web evil.test < evil.test'],
  },
  { name: 'no subdomain of a line of a hosts file', list: '0.0.0.0 example.com', want: [] },
  {
    name: 'a hosts line of a name below a domain',
    list: '0.0.0.0 www.example.com',
    want: ['pay www.example.com < www.example.com'],
  },
  {
    name: 'what lies below a wildcard',
    list: '*.example.com',
    want: ['pay www.example.com < example.com', 'pay cdn.example.com < example.com'],
  },
  { name: 'not the name above a wildcard', list: '*.evil.test', want: [] },
  { name: 'an adblock rule', list: '||evil.test^', want: ['web evil.test < evil.test'] },
  {
    name: 'no exception of an adblock list',
    list: '||evil.test^\n@@||example.com^',
    want: ['web evil.test < evil.test'],
  },
  {
    name: 'an RPZ owner',
    list: '$ORIGIN rpz.\n@ SOA a. b. 1 2 3 4 5\nevil.test CNAME .\n',
    want: ['web evil.test < evil.test'],
  },
  {
    name: 'several in the order of first seen',
    list: 'a.b.sole.org\nevil.test\nexample.com',
    want: [
      'pay example.com < example.com',
      'web evil.test < evil.test',
      'batch a.b.sole.org < a.b.sole.org',
    ],
  },
  { name: 'only one workload', list: 'evil.test', more: ['--workload', 'pay'], want: [] },
  {
    name: 'only what was asked since then',
    list: 'evil.test\nsole.org',
    more: ['--since', '90m'],
    want: ['batch sole.org < sole.org'],
  },
];

/** The same list, with so many lines of its own format that its domains are walked. */
function lengthened(list: string): string {
  if (list.startsWith('$')) return `${list}${FILLER.map((n) => `${n} CNAME .`).join('\n')}\n`;
  if (list.startsWith('0')) return [list, ...FILLER.map((n) => `0.0.0.0 ${n}`)].join('\n');
  if (list.startsWith('|')) return [list, ...FILLER.map((n) => `||${n}^`)].join('\n');
  return [list, ...FILLER].join('\n');
}

describe('a hunt finds', () => {
  for (const { name, list, want, more } of ROWS) {
    it(`${name}, in a short list`, async () => expect(await found(list, more)).toEqual(want));
    it(`${name}, in a long list`, async () =>
      expect(await found(lengthened(list), more)).toEqual(want));
  }
});

describe('a hunt exits', () => {
  it('1 where something was found, and prints when and how often', async () => {
    const { stdout, stderr, exitCode } = await run('evil.test\n192.0.2.1', ['--utc']);
    expect(stdout.split('\n')).toEqual([
      'WORKLOAD  NAME       INDICATOR  FIRST SEEN            LAST SEEN             QUERIES  DENIED  FIRST VERDICT',
      'web       evil.test  evil.test  2026-03-01 13:00:00Z  2026-03-01 13:00:00Z        2       2  denied',
      '',
    ]);
    expect(stderr).toMatch(/not looked for: 1 of kind address, first in line 2: 192\.0\.2\.1/);
    expect(exitCode).toBe(1);
  });

  it('0 where nothing was found, with a document all the same', async () => {
    const { stdout, exitCode } = await run('nobody.test', ['--json']);
    expect(JSON.parse(stdout)).toEqual({ version: 1, command: 'feeds hunt', rows: [] });
    expect(exitCode).toBe(0);
  });

  it('2 where the list names nothing', async () => {
    expect(await run('# only a remark')).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('2 for a format that there is not', async () => {
    expect(await run('evil.test', ['--format', 'csv'])).toMatchObject({ exitCode: 2 });
  });

  it('3 where there is no history', async () => {
    const { exitCode } = await run('evil.test', ['--db', '/nonexistent/history.db']);
    expect(exitCode).toBe(3);
  });
});
