/**
 * Exceptions and quarantines as people live with them: commands by several users, over a resolver
 * that is ended and killed between them, and whose clock is set.
 */

import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { UdpClient } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { alertsOf } from '../support/history.ts';
import type { Message } from '../support/message.ts';
import { lacks, run, until } from '../support/processes.ts';
import { Valve, type ValveShape } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');
const NAME = 'api.partner.example';
const NXDOMAIN = 3;
/** Enough that the kernel deals them to every worker. */
const SOCKETS = 12;
const ALICE = '1001';
const BOB = '1002';

const isRoot = process.getuid?.() === 0;
const people = isRoot && !lacks('setpriv');

let upstream: FakeServer;
let valve: Valve;
let clients: UdpClient[] = [];

async function start(shape: Partial<ValveShape> = {}): Promise<void> {
  upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(7)] })),
  );
  const config = `upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
alerts: [{ to: "file:alerts.json" }]
people: { alice: { uid: ${ALICE} }, bob: { uid: ${BOB} } }
exceptions: { max: { prod: 1h } }
workloads:
  pay: { env: prod, owner: team-pay, sources: [127.0.0.0/8], approvers: [alice, bob] }
`;
  valve = await Valve.start({ workers: 2, config, ...shape });
  // The group of the socket may speak to it; the folder lets it pass.
  chmodSync(valve.folder, 0o755);
  await connect();
}

async function connect(): Promise<void> {
  for (const client of clients) client.close();
  const opening = Array.from({ length: SOCKETS }, () => UdpClient.open(valve, '127.0.0.1'));
  clients = await Promise.all(opening);
}

/** A command of a user of the socket's group. */
function as(uid: string, ...args: string[]): Promise<{ status: number | null; said: string }> {
  const who = ['--reuid', uid, '--regid', String(process.getgid?.()), '--clear-groups'];
  return run('setpriv', [...who, process.execPath, ENTRY, ...args, '-c', valve.configPath]);
}

async function done(uid: string, ...args: string[]): Promise<string> {
  const { status, said } = await as(uid, ...args);
  if (status !== 0) throw new Error(`${args.join(' ')}: ${status}: ${said}`);
  return said;
}

/** What every socket gets. */
function ask(name = NAME): Promise<Message[]> {
  return Promise.all(clients.map((client) => client.ask({ name })));
}

function rcodes(messages: readonly Message[]): number[] {
  return [...new Set(messages.map(({ rcode }) => rcode))];
}

async function killAndRestart(): Promise<void> {
  valve.program.child.kill('SIGKILL');
  await valve.program.exit();
  await valve.restart();
  await connect();
}

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await valve.stop();
  upstream.stop();
});

describe.skipIf(!people)('an exception', () => {
  it('is asked for, approved by another user, used, and closes by itself, over kill -9', async () => {
    await start();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    const request = ['exception', 'request', 'pay', '*.partner.example', '--reason', 'settlement'];
    expect(await done(ALICE, ...request, '--for', '12s')).toContain('ex-1 requested');
    await killAndRestart();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    const own = await as(ALICE, 'exception', 'approve', 'ex-1');
    expect([own.status, own.said]).toEqual([2, expect.stringContaining('ask bob')]);
    expect(await done(BOB, 'exception', 'approve', 'ex-1')).toContain('ex-1 active');

    const opened = await ask();
    expect(rcodes(opened)).toEqual([0]);
    const ttls = opened.flatMap(({ answers }) => answers.map(({ ttl }) => ttl));
    expect(ttls).toHaveLength(SOCKETS);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(12);
    const second = await as(ALICE, 'exception', 'reject', 'ex-1');
    expect(second.said).toContain('alice requested it');

    await killAndRestart();
    expect(rcodes(await ask())).toEqual([0]);
    const shown = JSON.parse(await done(BOB, 'exception', 'show', 'ex-1', '--json')) as Shown;
    const endMs = Date.parse(shown.until);
    const closedMs = await until('the exception is over', async () => {
      const before = Date.now();
      if (!rcodes(await ask()).includes(0)) return Date.now();
      expect(before).toBeLessThan(endMs);
      return null;
    });
    expect(closedMs).toBeGreaterThanOrEqual(endMs);
    expect(closedMs - endMs).toBeLessThan(1000);

    const told = await until('the end is told', () => {
      const types = alertsOf(valve).map(({ type }) => type);
      return types.includes('exception-expired') ? types : null;
    });
    expect(told).toContain('exception-used');
    const audited = await until('the end is in the audit log', async () => {
      const acts = actsOf(await done('0', 'audit', '--jsonl'));
      return acts.some(([act]) => act === 'exception-expire') ? acts : null;
    });
    expect(audited).toEqual([
      ['exception-request', 1001],
      ['exception-approve', 1001],
      ['exception-approve', 1002],
      ['exception-reject', 1001],
      ['exception-expire', 0],
    ]);
    await killAndRestart();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    const life = JSON.parse(await done(BOB, 'exception', 'show', 'ex-1', '--json')) as Shown;
    expect(life.steps.map(({ act }) => act)).toEqual(['request', 'approve', 'activate', 'expire']);
  });

  it('that breaks the glass is open at once, alarms, and stays with an approval', async () => {
    await start();
    const request = ['exception', 'request', 'pay', NAME, '--reason', 'down', '--for', '30m'];
    expect(await done(ALICE, ...request, '--now')).toContain('unless somebody approves it');
    expect(rcodes(await ask())).toEqual([0]);
    await until('the alarm', () =>
      alertsOf(valve).some(({ type }) => type === 'break-glass') ? true : null,
    );
    await done(BOB, 'exception', 'approve', 'ex-1');
    await done(BOB, 'exception', 'revoke', 'ex-1');
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
  });
});

/** Acts about exceptions, and the users that they came from. */
function actsOf(lines: string): [string, number][] {
  const records = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { act: string; by: { uid: number } });
  const ours = records.filter(({ act }) => act.startsWith('exception-'));
  return ours.map(({ act, by }) => [act, by.uid]);
}

interface Shown {
  readonly until: string;
  readonly steps: readonly { readonly act: string }[];
}

describe('a quarantine', () => {
  it('holds on every worker when the command returns, over kill -9, until it is released', async () => {
    await start();
    const config = valve.configPath;
    // What is let through, and in the store of answers, is contained all the same.
    const open = `workloads:\n  pay: { sources: [127.0.0.0/8], mode: open }\n`;
    valve.configure(`upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }\n${open}`);
    expect((await valve.command('reload')).status).toBe(0);
    expect(rcodes(await ask())).toEqual([0]);
    const contained = await valve.command('quarantine', 'pay', '--lifeline', 'ntp.example');
    expect(contained.status).toBe(0);
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    expect(rcodes(await ask('ntp.example'))).toEqual([0]);

    const folder = join(valve.folder, 'state', 'evidence');
    expect(contained.said).toContain('sha256');
    const [bundle = '', ...more] = readdirSync(folder);
    expect(more).toEqual([]);
    expect(contained.said).toContain(bundle);
    const verified = await run(process.execPath, [
      ENTRY,
      'evidence',
      'verify',
      join(folder, bundle),
    ]);
    expect(verified.status).toBe(0);

    await killAndRestart();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    expect((await valve.command('release', 'pay')).status).toBe(0);
    expect(rcodes(await ask())).toEqual([0]);
    await killAndRestart();
    expect(rcodes(await ask())).toEqual([0]);
    expect(config).toBe(valve.configPath);
  });

  it('without evidence holds all the same, and its command says so and why', async () => {
    await start();
    const open = `workloads: { pay: { sources: [127.0.0.0/8], mode: open } }`;
    valve.configure(
      `upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }\n${open}\n`,
    );
    expect((await valve.command('reload')).status).toBe(0);
    // A file stands where the folder of the bundles would be.
    const state = join(valve.folder, 'state');
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, 'evidence'), '');
    const contained = await valve.command('quarantine', 'pay');
    expect([contained.status, contained.said]).toEqual([
      1,
      expect.stringMatching(
        /contained on all workers.*\n.*no evidence could be taken: .*EEXIST|ENOTDIR/,
      ),
    ]);
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    await killAndRestart();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
  });

  it('of a domain closes it to everybody, and its time ends it', async () => {
    await start();
    valve.configure(`upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
workloads: { pay: { sources: [127.0.0.0/8], mode: open } }\n`);
    expect((await valve.command('reload')).status).toBe(0);
    expect(rcodes(await ask())).toEqual([0]);
    const { status } = await valve.command(
      'quarantine',
      '--domain',
      'partner.example',
      '--for',
      '2s',
    );
    expect(status).toBe(0);
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    expect(rcodes(await ask('api.other.example'))).toEqual([0]);
    await until('it is open again', async () =>
      rcodes(await ask()).includes(NXDOMAIN) ? null : true,
    );
  });
});

describe.skipIf(!people || !FakeClock.isThere)('a clock that is set', () => {
  it('forward ends an exception, and back does not open it again', async () => {
    const clock = FakeClock.make();
    await start({ under: clock?.under ?? [] });
    const request = ['exception', 'request', 'pay', NAME, '--reason', 'why', '--for', '1h'];
    await done(ALICE, ...request);
    await done(BOB, 'exception', 'approve', 'ex-1');
    expect(rcodes(await ask())).toEqual([0]);
    clock?.set('-10d');
    expect(rcodes(await ask())).toEqual([0]);
    clock?.set('+2h');
    await until('it is over', async () => (rcodes(await ask()).includes(0) ? null : true));
    // At once: what a worker found over is over, whether main has looked meanwhile or not.
    clock?.set('-1h');
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    await until('the store has it', async () => {
      const shown = JSON.parse(await done(BOB, 'exception', 'show', 'ex-1', '--json')) as Shown;
      return shown.steps.some(({ act }) => act === 'expire') ? true : null;
    });
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    await killAndRestart();
    expect(rcodes(await ask())).toEqual([NXDOMAIN]);
    clock?.remove();
  });
});
