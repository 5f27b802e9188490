/** `dnsvalve query` as a command against the resolver of examples/dnsvalve.yaml, on IPv4 and IPv6. */

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../examples/demo/ports.ts';
import { startValve, stopAll, type Valve } from '../../examples/demo/valve.ts';
import { startWorld, type World } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'src', 'dnsvalve.js');

let directory: string;
let world: World;
let valve: Valve;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dnsvalve-query-'));
  for (const part of ['examples', 'blocklists']) {
    cpSync(join(ROOT, part), join(directory, part), { recursive: true });
  }
  world = await startWorld({});
  valve = await startValve(join(directory, 'examples'), 'dnsvalve.yaml', world.port);
});

afterAll(async () => {
  await stopAll();
  await world.close();
  rmSync(directory, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function query(...args: string[]): Promise<Ran> {
  const all = [PROGRAM, 'query', '-c', join(directory, 'examples', 'dnsvalve.yaml'), ...args];
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, all)) };
  } catch (error) {
    return error as Ran;
  }
}

interface Row {
  readonly rule: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    rule: 'a name that is let out is 0',
    args: ['api.stripe.com', '--as', 'payments-api'],
    code: 0,
    stdout:
      /^;; payments-api, 127\.0\.0\.2\n;; NOERROR, .*\n[\s\S]*api\.stripe\.com\. {2}\d+ {2}IN {2}A/,
  },
  {
    rule: 'a denied name is 1 and says why',
    args: ['evil.example', '--as', 'payments-api'],
    code: 1,
    stdout: /;; NXDOMAIN, [\s\S]*;; EDE 15 \(Blocked\): payments-api: .*ask team-payments/,
  },
  {
    rule: 'another workload gets another answer',
    args: ['api.stripe.com', '--as', 'build-runner', '--tcp'],
    code: 1,
    stdout: /EDE 15 [\s\S]*\(TCP\)/,
  },
  {
    rule: 'a feed is named',
    args: ['pastebin.com', '--source', '127.0.0.1'],
    code: 1,
    stdout: /EDE 17 \(Filtered\): developer: .*paste-sites/,
  },
  {
    rule: 'the unmapped source can be spoken for',
    args: ['api.stripe.com', '--as', '(unmapped)'],
    code: 1,
    stdout: /;; REFUSED, [\s\S]*EDE 18 \(Prohibited\)/,
  },
  {
    rule: 'short is the data, and the reason is chatter',
    args: ['billing.svc.example', 'TXT', '--short'],
    code: 0,
    stdout: /^"owner=team-billing" "tier=1"\n$/,
    stderr: /^$/,
  },
  {
    rule: 'short of a denied name is nothing',
    args: ['evil.example', '--short', '--as', 'payments-api'],
    code: 1,
    stdout: /^$/,
    stderr: /^NXDOMAIN: EDE 15 \(Blocked\)/,
  },
  {
    rule: 'a type without a form of its own is printed as RFC 3597 has it',
    args: ['beacon.svc.example', 'TYPE65280', '--short'],
    code: 0,
    stdout: /^\\# 4 c0000201\n$/,
  },
  {
    rule: 'DO is asked for and seen',
    args: ['api.stripe.com', '--dnssec', '--as', 'payments-api'],
    code: 0,
    stdout: /EDNS version 0, udp 1232, flags: do/,
  },
  {
    rule: 'control octets in a name stay out of the terminal',
    args: ['a\\027[31m.example', '--as', 'payments-api'],
    code: 1,
    stdout: /^[\n\x20-\x7e]*a\\027\[31m\.example\.[\n\x20-\x7e]*$/,
  },
  {
    rule: 'letters beyond ASCII are asked for as A-labels',
    args: ['bücher.example', '--as', 'payments-api'],
    code: 1,
    stdout: /\nxn--bcher-kva\.example\. {2}IN {2}A\n/,
  },
];

describe('dnsvalve query', () => {
  it.each(ROWS)('$rule', async ({ args, code, stdout, stderr }) => {
    const ran = await query(...args, '--server', `127.0.0.1:${valve.port}`);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toMatch(stdout ?? /^/);
    expect(ran.stderr).toMatch(stderr ?? /^/);
  });

  it('prints one JSON document', async () => {
    const server = `127.0.0.1:${valve.port}`;
    const ran = await query('evil.example', '--as', 'payments-api', '--json', '--server', server);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      version: 1,
      command: 'query',
      workload: 'payments-api',
      source: '127.0.0.2',
      port: valve.port,
      transport: 'udp',
      rcode: 'NXDOMAIN',
      question: { name: 'evil.example.', class: 'IN', type: 'A' },
      denied: true,
      ede: [{ code: 15, name: 'Blocked' }],
    });
  });

  it('nobody at the server is 3', async () => {
    const ran = await query('a.example', '--server', `127.0.0.1:${await freePort()}`);
    expect([ran.code, ran.stderr]).toEqual([
      3,
      expect.stringContaining('no answer from 127.0.0.1'),
    ]);
  });

  it('asks the first server of the configuration when none is named', async () => {
    const path = join(directory, 'examples', 'dnsvalve.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"127.0.0.1:5353"', `"0.0.0.0:${valve.port}"`));
    const ran = await query('billing.svc.example', '--short', '--as', 'build-runner');
    writeFileSync(path, text);
    expect([ran.code, ran.stdout]).toEqual([0, '192.0.2.10\n']);
  });
});

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
const hasIpv6 =
  addresses.some(({ address }) => address === '::1') || process.env['CI'] !== undefined;

describe.skipIf(!hasIpv6)('dnsvalve query on IPv6 (needs ::1)', () => {
  let six: Valve;

  beforeAll(async () => {
    const workloads = '{ six: { sources: ["::1/128"], allow: [.example.com] } }';
    const paths = 'history: { path: six.db }\ncontrol: { path: six.sock }\n';
    writeFileSync(join(directory, 'six.yaml'), `${paths}workloads: ${workloads}\n`);
    six = await startValve(directory, 'six.yaml', world.port, '[::1]');
  });

  it.each([
    ['UDP', [], 'www.example.com', 0],
    ['TCP', ['--tcp'], 'www.example.com', 0],
    ['UDP', [], 'www.example.net', 1],
  ])('over %s %j: %s is %i', async (transport, more, name, code) => {
    const path = join(directory, 'six.yaml');
    const server = `[::1]:${six.port}`;
    const ran = await query('-c', path, name, '--as', 'six', '--server', server, ...more);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toContain(';; six, ::1\n');
    expect(ran.stdout).toContain(`::1 port ${six.port} (${transport})`);
  });
});
