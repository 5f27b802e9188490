/** Every example configuration runs as a resolver and answers what it was written to show. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startValve, stopAll, stopValve, type Valve } from '../../examples/demo/valve.ts';
import { ask } from '../../examples/demo/workloads.ts';
import { ANYWHERE, startWorld, type World } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What the names mean on the two upstreams. */
const PUBLIC = { 'rebound.example': '10.1.2.3', 'partner.example': '10.99.0.7' };
const CORPORATE = { 'intranet.corp.example': '10.1.2.4', 'public.corp.example': '10.1.2.5' };

interface Row {
  readonly shows: string;
  readonly source: string;
  /** Name, and type where it is not A. */
  readonly query: string;
  readonly rcode?: string;
  /** Codes of the extended errors. */
  readonly ede?: readonly number[];
  readonly answer?: readonly string[];
}

const DENIED = { rcode: 'NXDOMAIN', ede: [15], answer: [] };
const LISTED = { rcode: 'NXDOMAIN', ede: [17], answer: [] };

/** What a row does not say: the answer of the world, without an error. */
const LET_OUT = { rcode: 'NOERROR', ede: [], answer: [ANYWHERE] };

const EXAMPLES: Readonly<Record<string, readonly Row[]>> = {
  'dnsvalve.yaml': [
    { shows: 'an allowlist', source: '127.0.0.2', query: 'api.stripe.com' },
    { shows: 'deny before allow', source: '127.0.0.2', query: 'old.partner.example', ...DENIED },
    { shows: 'types', source: '127.0.0.2', query: 'api.partner.example TXT', ...DENIED },
    { shows: 'a bundle', source: '127.0.0.3', query: 'static.crates.io' },
    { shows: 'report mode', source: '127.0.0.1', query: 'anything.example' },
    { shows: 'a feed in report mode', source: '127.0.0.1', query: 'pastebin.com', ...LISTED },
    {
      shows: 'a local zone',
      source: '127.0.0.3',
      query: 'billing.svc.example',
      answer: ['192.0.2.10'],
    },
    {
      shows: 'an unmapped source',
      source: '127.0.0.77',
      query: 'api.stripe.com',
      rcode: 'REFUSED',
      ede: [18],
      answer: [],
    },
  ],
  'deny-answers.yaml': [
    { shows: 'nodata', source: '127.0.0.2', query: 'a.example', ...DENIED, rcode: 'NOERROR' },
    {
      shows: 'an address',
      source: '127.0.0.3',
      query: 'a.example',
      ...DENIED,
      rcode: 'NOERROR',
      answer: ['192.0.2.80'],
    },
    {
      shows: 'an IPv6 address',
      source: '127.0.0.3',
      query: 'a.example AAAA',
      ...DENIED,
      rcode: 'NOERROR',
      answer: ['2001:db8::80'],
    },
    { shows: 'refused', source: '127.0.0.4', query: 'a.example', ...DENIED, rcode: 'REFUSED' },
  ],
  'feeds.yaml': [
    { shows: 'a file', source: '127.0.0.1', query: 'abc.ngrok.io', ...LISTED },
    { shows: 'an inline list', source: '127.0.0.1', query: 'www.evil.example', ...LISTED },
    { shows: 'a feed that only tells', source: '127.0.0.1', query: 'something.zip' },
    { shows: 'what no feed lists', source: '127.0.0.1', query: 'www.example.com' },
  ],
  'include.yaml': [
    { shows: 'the file of one team', source: '127.0.0.2', query: 'api.stripe.com' },
    { shows: 'the file of another', source: '127.0.0.3', query: 'www.shop.example' },
    { shows: 'teams apart', source: '127.0.0.3', query: 'api.stripe.com', ...DENIED },
    { shows: 'a bundle of the main file', source: '127.0.0.2', query: 'r3.o.lencr.org' },
  ],
  'budget.yaml': [
    { shows: 'a name within the budget', source: '127.0.0.2', query: 'api.partner.example' },
    { shows: 'the apex of a wildcard', source: '127.0.0.2', query: 'partner.example', ...DENIED },
  ],
  'local-zone.yaml': [
    {
      shows: 'an alias inside the zone',
      source: '127.0.0.2',
      query: 'invoices.svc.example',
      answer: ['billing.svc.example.', '192.0.2.10'],
    },
    {
      shows: 'a wildcard',
      source: '127.0.0.2',
      query: 'any.tenants.svc.example',
      answer: ['192.0.2.20'],
    },
    { shows: 'a private zone', source: '127.0.0.3', query: 'billing.svc.example', ...DENIED },
  ],
  'per-type-rules.yaml': [
    { shows: 'a type that is listed', source: '127.0.0.2', query: 'www.example.com' },
    { shows: 'one that is not', source: '127.0.0.2', query: 'www.example.com TXT', ...DENIED },
    {
      shows: 'another set of types',
      source: '127.0.0.2',
      query: 'mail.example.net MX',
      answer: ['5 mx.example.'],
    },
    { shows: 'a number', source: '127.0.0.2', query: 'www.example.com TYPE65280', ...DENIED },
  ],
  'policy-tests.yaml': [
    { shows: 'what a test expects', source: '127.0.0.2', query: 'api.partner.example' },
    { shows: 'an apex', source: '127.0.0.2', query: 'partner.example', ...DENIED },
    { shows: 'global deny', source: '127.0.0.2', query: 'www.forbidden.example', ...DENIED },
  ],
  'report-mode.yaml': [
    { shows: 'what enforce would deny', source: '127.0.0.1', query: 'anything.example' },
    { shows: 'a source nobody claims', source: '127.0.0.9', query: 'anything.example' },
  ],
  'split-horizon.yaml': [
    {
      shows: 'the servers of the company',
      source: '127.0.0.1',
      query: 'intranet.corp.example',
      answer: ['10.1.2.4'],
    },
    { shows: 'the longest suffix', source: '127.0.0.1', query: 'public.corp.example' },
    { shows: 'rebinding', source: '127.0.0.1', query: 'rebound.example', ...DENIED },
    {
      shows: 'an exception from it',
      source: '127.0.0.1',
      query: 'partner.example',
      answer: ['10.99.0.7'],
    },
  ],
  'syslog.yaml': [{ shows: 'a new name', source: '127.0.0.1', query: 'new.example' }],
};

let directory: string;
let world: World;
let corporate: World;
let collector: Socket;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dnsvalve-examples-'));
  for (const part of ['examples', 'blocklists']) {
    cpSync(join(ROOT, part), join(directory, part), { recursive: true });
  }
  world = await startWorld(PUBLIC);
  corporate = await startWorld(CORPORATE);
  collector = createSocket('udp4').bind(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address();
  // What is not on this machine in real life is here: nothing of a test leaves loopback.
  rewrite('split-horizon.yaml', '10.0.0.2, "[2001:db8::53]:53"', `"127.0.0.1:${corporate.port}"`);
  rewrite('feeds.yaml', 'https://feeds.example/', 'https://127.0.0.1:9/');
  rewrite('syslog.yaml', '127.0.0.1:5514', `127.0.0.1:${port}`);
  rewrite('syslog.yaml', '[::1]:5514', `[::1]:${port}`);
  rewrite('syslog.yaml', 'unix:/dev/log', `unix:${join(directory, 'log')}`);
});

afterAll(async () => {
  await stopAll();
  collector.close();
  await Promise.all([world.close(), corporate.close()]);
  rmSync(directory, { recursive: true });
});

function rewrite(file: string, from: string, to: string): void {
  const path = join(directory, 'examples', file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

it('every example is held by this test', () => {
  const files = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'));
  expect(Object.keys(EXAMPLES).sort()).toEqual(files.sort());
});

describe.each(Object.entries(EXAMPLES))('examples/%s', (file, rows) => {
  let valve: Valve;

  beforeAll(async () => {
    valve = await startValve(join(directory, 'examples'), file, world.port);
  });

  afterAll(async () => {
    expect(await stopValve(valve)).toBe(0);
  });

  it.each(rows)('$shows: $query from $source', async (row) => {
    const [name = '', type = 'A'] = row.query.split(' ');
    const asking = { workload: '', source: row.source, name, type, why: '' };
    const response = await ask(asking, valve.port);
    const { rcode, ede, answer } = { ...LET_OUT, ...row };
    expect({
      rcode: response.rcode,
      ede: response.errors.map(({ code }) => code),
      answer: response.answer.map(({ data }) => data),
    }).toEqual({ rcode, ede, answer });
  });
});

describe('examples/syslog.yaml', () => {
  it('sends what it has to say to the collector', async () => {
    const valve = await startValve(join(directory, 'examples'), 'syslog.yaml', world.port);
    const message = once(collector, 'message');
    const name = 'never-before.example';
    await ask({ workload: '', source: '127.0.0.1', name, type: 'A', why: '' }, valve.port);
    const [octets] = await message;
    expect(String(octets)).toContain('qname="never-before.example"');
    await stopValve(valve);
  });
});
