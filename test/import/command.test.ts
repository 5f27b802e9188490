/** `dnsvalve import` and `dnsvalve check` of what it printed, as a user runs them. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { register as registerCheck } from '../../src/cli/check.ts';
import { register } from '../../src/cli/import.ts';
import { readWith } from '../cli/support/read.ts';

const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-import-'));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const run = (...args: readonly string[]) => readWith(register, 0, ['import', ...args]);

const SOURCES: readonly (readonly [string, string, readonly string[]])[] = [
  ['smokescreen', 'services: [{ name: a, action: enforce, allowed_domains: ["*.io"] }]', []],
  ['harden-runner', 'github.com:443 *.docker.io:443 10.0.0.1:80', []],
  ['route53', 'a.example\n*.b.example\n*', ['--as', 'allow']],
  ['route53', 'a.example\n*.b.example', ['--as', 'deny', '--workload', 'w']],
  ['adguard', '||a.example^\n@@||b.a.example^\n/x/', []],
  ['pihole', 'a.example\n@@||a.example^', ['--workload', 'w']],
  ['hosts', '0.0.0.0 a.example', []],
  ['rpz', '@ SOA a. b. 1 2 3 4 5\na CNAME .\nb A 192.0.2.1', []],
  ['cilium', '{kind: CiliumNetworkPolicy, spec: {egress: [{toFQDNs: [{matchName: a.b}]}]}}', []],
];

describe('dnsvalve import', () => {
  it.each(SOURCES)('%s: what is printed passes check (%#)', async (format, text, options) => {
    const { stdout, exitCode, stderr } = await run(format, file('source', text), ...options);
    expect(exitCode).toBe(stderr === '' ? 0 : 1);
    const yaml = file('policy.yaml', stdout);
    const checked = await readWith(registerCheck, 0, ['check', yaml]);
    expect([checked.exitCode, checked.stdout]).toEqual([0, expect.stringContaining(': ok: ')]);
  });

  it('lists what is lost on stderr and as comments, and exits with 1', async () => {
    const source = file('endpoints', 'a.example:443');
    const { stdout, stderr, exitCode } = await run('harden-runner', source);
    const loss = 'ports 443 (1): a resolver sees names, not ports: close them in the network';
    expect([exitCode, stderr]).toEqual([1, `not carried over: ${loss}\n`]);
    expect(stdout).toContain(`# Not carried over:\n#   ${loss}\n`);
  });

  it('exits with 0 when all is carried over', async () => {
    const { stdout, stderr, exitCode } = await run('hosts', file('ads.txt', '0.0.0.0 a.example'));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain('feeds:\n  ads:\n    category: blocklist\n    format: rpz\n');
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'a format',
      ['smokescren', '/none'],
      /"smokescren" \(did you mean "smokescreen"\?\); accepted/,
    ],
    ['a file', ['hosts', '/none/x'], /\/none\/x: ENOENT/],
    ['a workload name', ['hosts', '/none', '--workload', 'A B'], /no workload name.*use "a-b"/],
    ['an action', ['route53', '/none', '--as', 'block'], /--as "block": allow or deny/],
  ];

  it.each(wrong)('refuses %s that is none', async (_, args, message) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toMatch(message);
  });
});
