/**
 * The whole life of a policy, as people live it: learnt from what a workload asks for, tried, put
 * in force, opened for a time by an exception, and closed again; over a resolver that is ended and
 * killed on the way.
 */

import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { UdpClient } from '../support/client.ts';
import { alertsOf } from '../support/history.ts';
import type { Message } from '../support/message.ts';
import { lacks, run, until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');
const LIFE_MS = 180_000;
const NXDOMAIN = 3;
/** Enough that the kernel deals them to every worker. */
const SOCKETS = 24;
const ALICE = '1001';
const BOB = '1002';
/** The longest time of an exception; upstream's TTL of 60 s is longer. */
const OPEN_SECONDS = 20;

/** What a build asks for on a day. */
const SEEN = [
  'github.com',
  'api.github.com',
  'codeload.github.com',
  'objects.githubusercontent.com',
  'registry.npmjs.org',
  'pypi.org',
  'files.pythonhosted.org',
  'deb.debian.org',
  'security.debian.org',
  'sts.eu-central-1.amazonaws.com',
  'd2glxqk2uabbnd.cloudfront.net',
  'dl-cdn.alpinelinux.org',
  'proxy.golang.org',
  'auth.docker.io',
  '3f9a61c2d8e04b17.edge.artifacts.example.com',
  '88b0c47e1fa2d935.edge.artifacts.example.com',
  'c51d7f20e96ab384.edge.artifacts.example.com',
  '07e2b8d4ac613f95.edge.artifacts.example.com',
];
/** Of these so many have labels that people chose. */
const PLAIN = 14;
const NEW = 'uploads.partner.example.net';

const people = process.getuid?.() === 0 && !lacks('setpriv');

let upstream: FakeServer;
let valve: Valve;
let clients: UdpClient[] = [];

function mainPart(): string {
  return `include: [policy.yaml]
upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
alerts: [{ to: "file:alerts.json" }]
people: { alice: { uid: ${ALICE} }, bob: { uid: ${BOB} } }
exceptions: { max: { prod: ${OPEN_SECONDS}s }, approvers: [bob] }
learn: { window: 1h }
`;
}

function policyPath(folder = '.'): string {
  return join(valve.folder, folder, 'policy.yaml');
}

async function start(): Promise<void> {
  upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(7)] })),
  );
  const pay = 'pay: { owner: team-pay, env: prod, sources: [127.0.0.0/8], mode: report }';
  const files = { 'policy.yaml': `workloads:\n  ${pay}\n` };
  valve = await Valve.start({ workers: 2, config: mainPart(), files });
  // The group of the socket may speak to it; the folder lets it pass.
  chmodSync(valve.folder, 0o755);
  await connect();
}

async function connect(): Promise<void> {
  for (const client of clients) client.close();
  const opening = Array.from({ length: SOCKETS }, () => UdpClient.open(valve, '127.0.0.1'));
  clients = await Promise.all(opening);
}

async function restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const status = await valve.program.stop(signal);
  expect(status).toBe(signal === 'SIGTERM' ? 0 : null);
  await valve.restart();
  await connect();
}

/** A command of root's. @returns what it said, both streams */
async function done(...args: string[]): Promise<string> {
  const { status, said } = await valve.command(...args);
  if (status !== 0) throw new Error(`${args.join(' ')}: ${status}: ${said}`);
  return said;
}

/** A command of a user of the socket's group. */
function as(uid: string, ...args: string[]): Promise<{ status: number | null; said: string }> {
  const who = ['--reuid', uid, '--regid', String(process.getgid?.()), '--clear-groups'];
  return run('setpriv', [...who, process.execPath, ENTRY, ...args, '-c', valve.configPath]);
}

/** A command's stdout, in a file as a shell puts it there. */
async function into(path: string, ...args: string[]): Promise<void> {
  const shell = ['-c', 'out=$1; shift; exec "$@" > "$out"', 'sh', path];
  const command = [process.execPath, ENTRY, ...args, '-c', valve.configPath];
  const { status, said } = await run('sh', [...shell, ...command]);
  if (status !== 0) throw new Error(`${args.join(' ')}: ${status}: ${said}`);
}

/** What every socket gets. */
function ask(name: string): Promise<Message[]> {
  return Promise.all(clients.map((client) => client.ask({ name, edns: {} })));
}

async function rcodesOf(...names: readonly string[]): Promise<number[]> {
  const all = await Promise.all(names.map(ask));
  return [...new Set(all.flat().map(({ rcode }) => rcode))];
}

/** The strings of the TXT records. */
async function whyOf(name: string): Promise<string[]> {
  const [client] = clients;
  const message = await client?.ask({ name: `_why.${name}`, type: 'TXT', edns: {} });
  return (message?.answers ?? []).map(({ rdata }) =>
    Buffer.from(rdata, 'hex').subarray(1).toString('utf8'),
  );
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly until: string;
  readonly queries: number;
  readonly names: readonly string[] | null;
  readonly steps: readonly { readonly act: string; readonly actor: string }[];
}

async function shown(): Promise<Shown> {
  return JSON.parse(await done('exception', 'show', 'ex-1', '--json')) as Shown;
}

/** The suggestion stands in a folder of its own, beside a main file as it is. */
async function learnt(): Promise<void> {
  const refused = await valve.command('promote', 'pay', '--dry-run');
  expect([refused.status, refused.said]).toEqual([1, expect.stringContaining('not covered: ')]);
  const drift = await valve.command('drift', '--since', '1h');
  expect([drift.status, drift.said]).toEqual([1, expect.stringContaining('undeclared')]);
  await into(join(valve.folder, 'suggested.yaml'), 'suggest', 'pay');
  const suggested = readFileSync(join(valve.folder, 'suggested.yaml'), 'utf8');
  for (const name of SEEN.slice(0, PLAIN)) expect(suggested).toMatch(`- ${name} `);
  expect(suggested).toContain('- "*.edge.artifacts.example.com"');
  const checked = await run(process.execPath, [
    ENTRY,
    'check',
    '-c',
    join(valve.folder, 'suggested.yaml'),
  ]);
  expect([checked.status, checked.said]).toEqual([0, expect.stringContaining('ok')]);
  mkdirSync(join(valve.folder, 'new'));
  copyFileSync(join(valve.folder, 'suggested.yaml'), policyPath('new'));
  copyFileSync(valve.configPath, join(valve.folder, 'new', 'dnsvalve.yaml'));
}

/** The back-test finds what the old list would deny, and nothing that the new one would. */
async function tried(): Promise<void> {
  const test = ['test', '--since', '1h', '--enforce', '--against'];
  const without = await valve.command(...test, valve.folder);
  expect([without.status, without.said]).toEqual([1, expect.stringContaining(SEEN[0] ?? '')]);
  await done(...test, join(valve.folder, 'new'));
}

/** What was learnt is in force, and denies nothing that it was learnt from. */
async function promoted(): Promise<void> {
  copyFileSync(policyPath('new'), policyPath());
  await done('check');
  await done('reload');
  expect(await done('promote', 'pay')).toContain('mode: report -> enforce');
  expect(readFileSync(policyPath(), 'utf8')).toContain('mode: enforce');
  await done('reload');
  expect(await rcodesOf(...SEEN)).toEqual([0]);
  expect(await rcodesOf(NEW)).toEqual([NXDOMAIN]);
}

/** Denied with the reason; what `_why` says is a command that is taken as it is. */
async function asked(): Promise<void> {
  for (const { rcode, ede, edeText } of await ask(NEW)) {
    expect([rcode, ede]).toEqual([NXDOMAIN, 15]);
    expect(edeText).toContain('pay: not in its allowlist; ask team-pay, policy: ');
    expect(edeText).toContain('policy.yaml:');
  }
  const [, command = ''] = await whyOf(NEW);
  const words = command.replace('to ask: dnsvalve ', '').split(' ');
  expect(words.slice(0, 4)).toEqual(['exception', 'request', 'pay', NEW]);
  const { status, said } = await as(ALICE, ...words);
  expect([status, said]).toEqual([0, expect.stringContaining('ex-1 requested')]);
}

/** Open on every worker once the command has returned. @returns its end, ms since the epoch */
async function opened(): Promise<number> {
  const own = await as(ALICE, 'exception', 'approve', 'ex-1');
  expect([own.status, own.said]).toEqual([2, expect.stringContaining('bob')]);
  expect(await rcodesOf(NEW)).toEqual([NXDOMAIN]);
  const approved = await as(BOB, 'exception', 'approve', 'ex-1');
  expect([approved.status, approved.said]).toEqual([0, expect.stringContaining('ex-1 active')]);
  const answers = await ask(NEW);
  const nowMs = Date.now();
  expect(answers.map(({ rcode }) => rcode)).toEqual(Array(SOCKETS).fill(0));
  const endMs = Date.parse((await shown()).until);
  const ttls = answers.flatMap((message) => message.answers.map(({ ttl }) => ttl));
  expect(ttls).toHaveLength(SOCKETS);
  // What a client keeps is over when the exception is, but for the second that is rounded.
  expect(nowMs + (Math.max(...ttls) - 1) * 1000).toBeLessThanOrEqual(endMs);
  await until('the first use is told', () => (alerted('exception-used') ? true : null));
  await counted();
  return endMs;
}

function alerted(type: string): boolean {
  return alertsOf(valve).some((alert) => alert.type === type);
}

/** Who has it open, until when, and how often it was used, while it is. */
async function counted(): Promise<void> {
  const { rows } = JSON.parse(await done('exception', 'list', '--json')) as { rows: Shown[] };
  expect(rows.map(({ id, state }) => [id, state])).toEqual([['ex-1', 'active']]);
  const { queries, names, until: end } = await shown();
  expect([queries >= SOCKETS, names]).toEqual([true, [NEW]]);
  expect(rows[0]?.queries).toBeGreaterThanOrEqual(SOCKETS);
  const row = (await open()).find(({ pattern }) => pattern === NEW);
  expect([row?.approver, row?.expires]).toEqual(['bob', end]);
}

interface OpenRow {
  readonly workload: string;
  readonly pattern: string;
  readonly state: string;
  readonly approver: string | null;
  readonly expires: string | null;
}

async function open(): Promise<readonly OpenRow[]> {
  return (JSON.parse(await done('report', 'open', '--json')) as { rows: OpenRow[] }).rows;
}

/** Denied again from the end on, on every socket, whatever was cached. */
async function closed(endMs: number): Promise<void> {
  const closedMs = await until(
    'the exception is over',
    async () => {
      const beforeMs = Date.now();
      const rcodes = await rcodesOf(NEW);
      if (rcodes.includes(0)) {
        expect(beforeMs).toBeLessThan(endMs);
        return null;
      }
      return Date.now();
    },
    OPEN_SECONDS * 2000,
  );
  expect(closedMs).toBeGreaterThanOrEqual(endMs);
  await until('the end is told', () => (alerted('exception-expired') ? true : null));
}

/** What stays known of it, and that files and practice agree. */
async function reviewed(): Promise<void> {
  const life = await until('its uses are kept', async () => {
    const now = await shown();
    return now.state === 'expired' && now.queries > 0 ? now : null;
  });
  expect(life.names).toEqual([NEW]);
  expect(life.steps.map(({ act, actor }) => [act, actor])).toEqual([
    ['request', 'alice'],
    ['approve', 'bob'],
    ['activate', 'dnsvalve'],
    ['expire', 'dnsvalve'],
  ]);
  // All but the wildcard and its four names stand as they were asked for.
  const patterns = [...SEEN.slice(0, PLAIN), '*.edge.artifacts.example.com'];
  const rows = await open();
  expect(rows.map(({ pattern }) => pattern).toSorted()).toEqual(patterns.toSorted());
  expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['in use']));
  expect(await done('drift', '--since', '1h')).toContain('no drift');
}

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await valve.stop();
  upstream.stop();
});

describe.skipIf(!people)('a policy', () => {
  it(
    'is learnt, tried, enforced, opened for a time and closed, over ends and kills',
    async () => {
      await start();
      expect(await rcodesOf(...SEEN)).toEqual([0]);
      await restart('SIGTERM');
      await learnt();
      await tried();
      await promoted();
      await restart('SIGKILL');
      expect(await rcodesOf(...SEEN)).toEqual([0]);
      await asked();
      await restart('SIGKILL');
      const endMs = await opened();
      await restart('SIGKILL');
      expect(await rcodesOf(NEW)).toEqual([0]);
      await closed(endMs);
      expect(await rcodesOf(...SEEN)).toEqual([0]);
      await restart('SIGTERM');
      expect(await rcodesOf(NEW)).toEqual([NXDOMAIN]);
      await reviewed();
    },
    LIFE_MS,
  );
});
