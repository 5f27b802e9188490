/**
 * Puts the conformance checks to this server and to others, and prints the scores side by side as
 * Markdown: `npm run --silent conformance > docs/conformance.md`. What is not installed is named
 * and left out. `--only NAME` asks one of them, and says why it fails.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askOnce, TRANSPORTS, type Transport } from '../support/client.ts';
import { FakeServer } from '../upstream/fake-server.ts';
import { type Check, titleOf, verdictOf } from './check.ts';
import { GROUPS } from './checks.ts';
import { PEERS, type Peer } from './peers.ts';
import { plainAnswer, Subject, ZONE } from './subject.ts';

const FROM = '127.0.0.1';
const START_MS = 15_000;
/** Below what the kernel hands out by itself; each server has a range, and a port for each start. */
const PORTS = 20_000 + (process.pid % 4000);
const PORTS_EACH = 1000;
const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');

const OWN: Peer = {
  name: 'dnsvalve',
  program: process.execPath,
  version: [ENTRY, 'version'],
  args({ folder, port, upstreamPort }) {
    const path = join(folder, 'dnsvalve.yaml');
    writeFileSync(
      path,
      `listen: ["127.0.0.1:${port}"]
workers: 1
history: { path: history.db }
control: { path: control.sock }
state_directory: state
upstreams: { fake: { servers: ["127.0.0.1:${upstreamPort}"] } }
forward: { ".": fake }
workloads: { client: { sources: [127.0.0.0/8], mode: open } }
`,
    );
    return [ENTRY, 'serve', '-c', path];
  },
};

/** `group / check / transport`: null where the rule is kept, else what went wrong. */
type Verdicts = Map<string, string | null>;

interface Sheet {
  readonly name: string;
  readonly version: string;
  readonly verdicts: Verdicts;
}

/** A check that applies to a transport. */
function* cases(): Generator<readonly [string, Check, Transport]> {
  for (const [group, checks] of GROUPS) {
    for (const check of checks) {
      for (const transport of TRANSPORTS) {
        if (check.over === undefined || check.over === transport) yield [group, check, transport];
      }
    }
  }
}

const keyOf = (group: string, check: Check, transport: Transport): string =>
  [group, titleOf(check), transport].join(' / ');

async function untilItAnswers(port: number): Promise<void> {
  const end = performance.now() + START_MS;
  while (performance.now() < end) {
    const to = { address: '127.0.0.1', port };
    const got = await askOnce('tcp', to, FROM, { name: `up.${ZONE}` }).catch(() => null);
    if (got?.answers.length === 1) return;
    await pause(100);
  }
  throw new Error('it does not answer');
}

/** A server of its own for each group, so that none pays for what an earlier one did to it. */
async function run(peer: Peer, firstPort: number): Promise<Verdicts> {
  const verdicts: Verdicts = new Map();
  for (const [wanted] of GROUPS) {
    for (const transport of TRANSPORTS) {
      const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-conformance-'));
      const upstream = await FakeServer.start(plainAnswer);
      const port = firstPort + verdicts.size;
      const child = spawn(peer.program, peer.args({ folder, port, upstreamPort: upstream.port }), {
        stdio: 'ignore',
      });
      const subject = new Subject({ address: '127.0.0.1', port }, upstream, transport, FROM);
      try {
        await untilItAnswers(port);
        for (const [group, check, over] of cases()) {
          if (group !== wanted || over !== transport) continue;
          verdicts.set(keyOf(group, check, over), await verdictOf(check, subject));
        }
      } finally {
        subject.close();
        child.kill('SIGKILL');
        await new Promise((resolve) => child.once('close', resolve));
        upstream.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return verdicts;
}

function versionOf({ program, version }: Peer): string | null {
  const { status, stdout, stderr } = spawnSync(program, version, { encoding: 'utf8' });
  if (status === null) return null;
  const said = `${stdout}${stderr}`;
  return /\d+\.\d+[.\w-]*/.exec(said)?.[0] ?? '?';
}

function score(verdicts: Verdicts, group: string | null): string {
  const rows = [...verdicts].filter(([key]) => group === null || key.startsWith(`${group} / `));
  const kept = rows.filter(([, problem]) => problem === null).length;
  return `${kept} of ${rows.length}`;
}

function* page(sheets: readonly Sheet[], left: readonly string[]): Generator<string> {
  const rules = GROUPS.reduce((sum, [, checks]) => sum + checks.length, 0);
  const names = sheets.map(({ name, version }) => `${name} ${version}`);
  yield '# Conformance';
  yield '';
  yield `${rules} rules of a forwarder, each seen from outside and named with its source, over UDP and`;
  yield 'TCP. Every server forwards to the same upstream, without validation and without policy; the';
  yield 'checks are in `test/conformance`, the configurations in `test/conformance/peers.ts`. Written by';
  yield '`npm run --silent conformance > docs/conformance.md`.';
  yield '';
  yield `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown processor'}.`;
  if (left.length > 0) yield `Not installed, left out: ${left.join(', ')}.`;
  yield '';
  yield `| | ${names.join(' | ')} |`;
  yield `|---|${names.map(() => '--:|').join('')}`;
  for (const [group] of GROUPS) {
    yield `| ${group} | ${sheets.map(({ verdicts }) => score(verdicts, group)).join(' | ')} |`;
  }
  yield `| **all** | ${sheets.map(({ verdicts }) => score(verdicts, null)).join(' | ')} |`;
  yield '';
  yield '## Rules that a server does not keep';
  yield '';
  yield `| rule | over | ${sheets.map(({ name }) => name).join(' | ')} |`;
  yield `|---|---|${sheets.map(() => '---|').join('')}`;
  for (const [group, check, transport] of cases()) {
    const key = keyOf(group, check, transport);
    const marks = sheets.map(({ verdicts }) => (verdicts.get(key) === null ? '' : 'no'));
    if (marks.every((mark) => mark === '')) continue;
    yield `| ${titleOf(check)} | ${transport.toUpperCase()} | ${marks.join(' | ')} |`;
  }
}

/** All side by side: most of the time is spent in waiting for what does not come. */
async function sheetOf(peer: Peer, index: number): Promise<Sheet | null> {
  const version = versionOf(peer);
  if (version === null) return null;
  const verdicts = await run(peer, PORTS + index * PORTS_EACH);
  process.stderr.write(`${peer.name} ${version}: ${score(verdicts, null)}\n`);
  return { name: peer.name, version, verdicts };
}

const only = process.argv.indexOf('--only');
const wanted = only === -1 ? null : process.argv[only + 1];
const asked = [OWN, ...PEERS].filter(({ name }) => wanted === null || name === wanted);
const found = await Promise.all(asked.map(sheetOf));
const sheets = found.filter((sheet) => sheet !== null);
const left = asked.filter((_, index) => found[index] === null).map(({ name }) => name);
if (wanted !== null) {
  for (const [key, problem] of sheets[0]?.verdicts ?? []) {
    if (problem !== null) process.stderr.write(`  ${key}: ${problem}\n`);
  }
}
// Connections that a server left half open would keep the process for minutes.
process.stdout.write(`${[...page(sheets, left)].join('\n')}\n`, () => process.exit(0));
