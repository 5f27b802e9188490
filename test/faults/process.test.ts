/** What may happen to a running process, and to its files: it answers on, and says what is wrong. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { askOnce, TcpClient, UdpClient } from '../support/client.ts';
import { alertsOf, firstSeen } from '../support/history.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { lacks, makeFolder, until } from '../support/processes.ts';
import { BACKENDS, Valve, type ValveShape } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
/** Enough that the kernel deals them to every worker. */
const SOCKETS = 16;
const NXDOMAIN = 3;
/** Longer than what ends meanwhile has left. */
const SUSPENDED_MS = 3200;
/** Who asks is known where the native part is. */
const people = process.getuid?.() === 0 && BACKENDS.includes('native');
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;
const CONFIG = `zones: [{ name: com, file: com.zone }]
alerts: [{ to: "file:alerts.json" }]
detect: { baseline: { burn_in: 0s } }
workloads: { client: { sources: [127.0.0.0/8], mode: enforce } }
`;

let valve: Valve;
let clients: UdpClient[] = [];

async function start(shape: Partial<ValveShape> = {}): Promise<void> {
  const files = { 'com.zone': ZONE, ...shape.files };
  valve = await Valve.start({ workers: 2, config: CONFIG, ...shape, files });
  await connect();
}

async function connect(): Promise<void> {
  for (const client of clients) client.close();
  clients = await Promise.all(Array.from({ length: SOCKETS }, () => UdpClient.open(valve, CLIENT)));
}

/** What every socket gets; null where nothing comes in `waitMs`. */
function all(name: string, waitMs = 500): Promise<(Buffer | null)[]> {
  const query = buildQuery({ name, edns: {} });
  return Promise.all(clients.map((client) => client.exchange(query, waitMs)));
}

async function answersAll(name: string): Promise<void> {
  const got = await all(name, 5000);
  expect(got.map((one) => (one === null ? null : readMessage(one).answers.length))).toEqual(
    Array(SOCKETS).fill(1),
  );
}

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await valve.stop();
});

describe.each(BACKENDS)('a worker over %s sockets that dies', (backend) => {
  it('is started anew, while the other one answers, and it is said', async () => {
    const trigger = join(makeFolder(), 'crash');
    const preload = join(import.meta.dirname, 'crash-worker.ts');
    const settings = [
      `NODE_OPTIONS=--import=${preload}`,
      'DNSVALVE_CRASH=0',
      `DNSVALVE_CRASH_FILE=${trigger}`,
    ];
    await start({ backend, under: ['env', ...settings] });
    await answersAll('before.com');
    writeFileSync(trigger, '');
    await until('it died', () => (existsSync(trigger) ? null : true));
    // Its sockets are closed with it, so the other one is dealt all of the queries.
    await until('the other one answers all', async () => {
      const got = await all('meanwhile.com');
      return got.every((one) => one !== null) ? true : null;
    });
    await valve.program.says('a thread died and is started anew');
    expect(valve.program.said).toContain('crash on purpose');
    const told = await until('somebody is told', () => {
      return alertsOf(valve).find(({ type }) => type === 'worker-restarted') ?? null;
    });
    expect(told).toMatchObject({ subject: 'worker 0', severity: 3, workload: null });
    expect(told.reason).toContain('crash on purpose');
    await answersAll('after.com');
    expect(await valve.program.stop()).toBe(0);
    const seen = (await firstSeen(valve)).map(({ domain }) => domain);
    expect(seen).toEqual(expect.arrayContaining(['before.com', 'meanwhile.com', 'after.com']));
  });
});

describe.skipIf(lacks('prlimit'))('out of descriptors', () => {
  it.each(BACKENDS)(
    'over %s: UDP is answered, and TCP again when some are free',
    async (backend) => {
      await start({ backend, under: ['prlimit', '--nofile=160:160'] });
      const held: TcpClient[] = [];
      for (let i = 0; i < 400; i++) held.push(await TcpClient.open(valve, CLIENT));
      await answersAll('scarce.com');
      const names = Array.from({ length: 200 }, (_, i) => `n${i}.com`);
      for (const name of names) await clients[0]?.ask({ name });
      for (const one of held) one.close();
      await until('TCP is answered', async () => {
        const message = await askOnce('tcp', valve, CLIENT, { name: 'again.com' }).catch(
          () => null,
        );
        return message?.answers.length === 1 ? true : null;
      });
      expect(await valve.program.stop()).toBe(0);
      const seen = new Set((await firstSeen(valve)).map(({ domain }) => domain));
      expect([...names, 'scarce.com', 'again.com'].filter((name) => !seen.has(name))).toEqual([]);
    },
  );
});

/** Stopped for longer than what is to end meanwhile lasts; then what was asked is answered. */
async function suspended(name: string): Promise<number[]> {
  valve.program.child.kill('SIGSTOP');
  await until('it is stopped', () => {
    const status = readFileSync(`/proc/${valve.program.child.pid}/status`, 'utf8');
    return /^State:\s+T/m.test(status) ? true : null;
  });
  const asked = all(name, 10_000);
  await pause(SUSPENDED_MS);
  valve.program.child.kill('SIGCONT');
  return (await asked).map((one) => (one === null ? -1 : readMessage(one).rcode));
}

describe.each(BACKENDS)('a system over %s sockets that is suspended', (backend) => {
  it('answers what was asked meanwhile, and goes on', async () => {
    await start({ backend });
    await answersAll('before.com');
    const hold = ['quarantine', '--domain', 'held.com', '--for', '2s'];
    expect((await valve.command(...hold, ...valve.control)).status).toBe(0);
    expect(readMessage((await all('www.held.com'))[0] as Buffer).rcode).toBe(NXDOMAIN);
    expect(await suspended('asked.com')).toEqual(Array(SOCKETS).fill(0));
    await until('the quarantine is over', async () => {
      const got = await all('www.held.com');
      return got.every((one) => one !== null && readMessage(one).rcode === 0) ? true : null;
    });
    expect(valve.program.said).not.toMatch(/died|fault/);
    expect(await valve.program.stop()).toBe(0);
  });
});

it.runIf(people)('an exception that ended while the system was suspended is over', async () => {
  const upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
  );
  await start({
    config: `${CONFIG}upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { example: fake }
people: { operator: { uid: 0 } }
`,
  });
  const name = 'api.partner.example';
  const open = ['exception', 'request', 'client', name, '--for', '3s', '--reason', 'test', '--now'];
  const { status, said } = await valve.command(...open, ...valve.control);
  expect([status, said]).toEqual([0, expect.stringContaining('ex-1 active')]);
  expect((await all(name)).map((one) => readMessage(one as Buffer).rcode)).toContain(0);
  expect(await suspended(name)).toEqual(Array(SOCKETS).fill(NXDOMAIN));
  upstream.stop();
});

/** Files that are there and are none of ours, and whether it starts all the same. */
const SPOILED: readonly {
  readonly name: string;
  readonly path: string;
  readonly starts: boolean;
  readonly says: string | RegExp;
}[] = [
  { name: 'history.db', path: 'history.db', starts: true, says: /corrupt.*set aside/ },
  { name: 'the store of exceptions', path: 'state/overrides.db', starts: false, says: 'overrides' },
  { name: 'budgets.json', path: 'state/budgets.json', starts: true, says: 'budgets' },
  {
    name: 'the alert journal',
    path: 'state/alerts/0000000000000001.jsonl',
    starts: true,
    says: '',
  },
  { name: 'the cursors', path: 'state/alerts/cursors.json', starts: true, says: '' },
  { name: 'the audit log', path: 'state/audit.jsonl', starts: true, says: '' },
  { name: 'the head of the audit log', path: 'state/audit.head', starts: true, says: '' },
];

describe('a start on files that are spoiled', () => {
  it.each(SPOILED)('$name: starts $starts, and says so', async ({ path, starts, says }) => {
    await start();
    await answersAll('before.com');
    const hold = ['quarantine', '--domain', 'held.com'];
    expect((await valve.command(...hold, ...valve.control)).status).toBe(0);
    expect(await valve.program.stop()).toBe(0);
    const full = join(valve.folder, path);
    mkdirSync(join(full, '..'), { recursive: true });
    for (const suffix of ['-wal', '-shm']) rmSync(full + suffix, { force: true });
    writeFileSync(full, Buffer.alloc(20_000, 'spoiled\n\0'));
    const restarting = valve.restart();
    if (!starts) {
      await expect(restarting).rejects.toThrow(says as string);
      // Nothing was overwritten: it can be looked at, and restored.
      expect(readFileSync(full).length).toBe(20_000);
      return;
    }
    await restarting;
    await connect();
    await answersAll('after.com');
    expect(readMessage((await all('www.held.com'))[0] as Buffer).rcode).toBe(NXDOMAIN);
    expect(valve.program.said).toMatch(says);
    expect(await valve.program.stop()).toBe(0);
    expect((await firstSeen(valve)).map(({ domain }) => domain)).toContain('after.com');
  });
});
