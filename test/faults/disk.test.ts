/**
 * History, exceptions, audit log and alerts on a disk that fills up, turns read-only or stands
 * still under a whole process: names are answered, people are told, nothing that was said to be
 * done is lost, and it recovers by itself.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Asker } from '../soak/asker.ts';
import { UdpClient } from '../support/client.ts';
import { firstSeen } from '../support/history.ts';
import { readMessage } from '../support/message.ts';
import { makeFolder, until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { Disk } from './disk.ts';

const CLIENT = '127.0.0.2';
const [NOERROR, NXDOMAIN] = [0, 3];
const FAILED = 3;
const PER_SECOND = 300;
const TEST_MS = 90_000;
/** Longer than what is to end meanwhile, and than a query may wait. */
const STALL_QUERIES = 900;
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;

interface Store {
  readonly name: string;
  readonly waiting: number;
  readonly lost: number;
  readonly error: string | null;
}

const isPossible = Disk.isPossible() && BACKENDS.includes('native');
let disk: Disk;
let valve: Valve;
let asker: Asker;
let client: UdpClient;
let alerts = '';
let asked: string[] = [];
/** Numbers of what was asked when the disk turned read-only, and a moment before. */
let lost = { from: 0, to: 0 };
const wrong: string[] = [];

/** Denied where the name is held; let through everywhere else. */
function check(name: string, octets: Buffer): void {
  const wanted = name.endsWith('held.com') ? NXDOMAIN : NOERROR;
  const { rcode } = readMessage(octets);
  if (rcode !== wanted) wrong.push(`${name}: rcode ${rcode}`);
}

async function start(): Promise<void> {
  wrong.length = 0;
  asked = [];
  lost = { from: 0, to: 0 };
  alerts = join(makeFolder(), 'alerts.json');
  valve = await Valve.start({
    data: disk.mountPoint,
    workers: 2,
    files: { 'com.zone': ZONE },
    config: `zones: [{ name: com, file: com.zone }]
alerts: [{ to: "file:${alerts}" }]
people: { operator: { uid: 0 } }
exceptions: { approvers: [operator] }
detect: { baseline: { burn_in: 0s } }
workloads: { client: { sources: [127.0.0.0/8], mode: enforce } }
`,
  });
  client = await UdpClient.open(valve, CLIENT);
  asker = await Asker.start({
    to: valve,
    sources: Array.from({ length: 8 }, (_, i) => `127.0.0.${20 + i}`),
    connections: 1,
    pace: { perSecond: PER_SECOND },
    next: () => {
      const name = `d${asked.length}.com`;
      asked.push(name);
      return { kind: 'data', name, type: 'A' };
    },
    onAnswer: ({ question, octets }) => check(question.name, octets),
    onLost: ({ name }) => wrong.push(`${name}: no answer`),
  });
}

async function more(count: number): Promise<void> {
  const from = asked.length;
  await until('more is asked', () => (asked.length >= from + count ? true : null));
}

async function stores(): Promise<Record<string, Store>> {
  const { storage } = (await valve.status()) as { storage: Store[] };
  return Object.fromEntries(storage.map((one) => [one.name, one]));
}

function told(type: string): { subject: string; reason: string }[] {
  const lines = readFileSync(alerts, 'utf8').split('\n').slice(0, -1);
  const all = lines.map((line) => JSON.parse(line) as { type: string } & Told);
  return all.filter((one) => one.type === type);
}

interface Told {
  readonly subject: string;
  readonly reason: string;
}

function command(...args: string[]): Promise<{ status: number | null; said: string }> {
  return valve.command(...args, ...valve.control);
}

function request(name: string): Promise<{ status: number | null; said: string }> {
  const why = ['--for', '1h', '--reason', 'test', '--now'];
  return command('exception', 'request', 'client', name, ...why);
}

async function rcodeOf(name: string): Promise<number> {
  return (await client.ask({ name })).rcode;
}

/** All that was asked for so far, but for what the kernel lost, has its first-seen row. */
async function hasAll(): Promise<void> {
  await asker.stop();
  expect(wrong).toEqual([]);
  await until('the history has all', async () => {
    const { history } = await stores();
    return history?.waiting === 0 && history.error === null ? true : null;
  });
  const kept = asked.filter((_, i) => i < lost.from || i >= lost.to);
  let missing = kept;
  await until('every name is there', async () => {
    const seen = new Set((await firstSeen(valve)).map(({ domain }) => domain));
    missing = kept.filter((name) => !seen.has(name));
    return missing.length === 0 ? true : null;
  }).catch(() => {});
  expect(missing).toEqual([]);
}

/** What people were told is done is so after a kill. */
async function survivesKill(): Promise<void> {
  valve.program.child.kill('SIGKILL');
  await valve.program.exit();
  await valve.restart();
  client.close();
  client = await UdpClient.open(valve, CLIENT);
  expect(await rcodeOf('www.held.com')).toBe(NXDOMAIN);
  const { said } = await valve.command('exception', 'list', '--all', '--jsonl');
  const ids = said
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(ids).toEqual(['ex-1', 'ex-2']);
  const audit = await valve.command('audit', '--jsonl');
  const acts = audit.said
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Act);
  const done = acts
    .filter(({ details }) => details.refused === null)
    .map(({ details }) => details.id);
  expect(done.filter(Boolean).toSorted()).toEqual(['ex-1', 'ex-2', 'q-1']);
  expect(audit.status).toBe(0);
}

interface Act {
  readonly details: { readonly id?: string; readonly refused?: string | null };
}

beforeEach(async () => {
  if (!isPossible) return;
  disk = Disk.make();
  await start();
});

afterEach(async () => {
  if (!isPossible) return;
  disk.goOn();
  client.close();
  await asker.stop();
  await valve.stop();
  disk.remove();
});

const TROUBLES = [
  {
    name: 'is full',
    begin: () => disk.fill(),
    end: () => disk.free(),
    says: /full|ENOSPC|no space/i,
  },
  {
    name: 'turned read-only',
    begin: () => {
      lost = { from: Math.max(0, asked.length - PER_SECOND), to: asked.length };
      disk.turnReadOnly();
    },
    end: () => disk.renew(),
    says: /read-?only|I\/O error|EROFS|EIO/i,
  },
];

describe.runIf(isPossible)('a disk that', () => {
  it.each(TROUBLES)(
    '$name costs no answer; acts are refused, or said not to be kept; and all is kept in the end',
    async ({ begin, end, says }) => {
      expect((await request('one.partner.example')).status).toBe(0);
      await more(PER_SECOND);
      begin();
      await more(PER_SECOND);
      const troubled = await until('the history is in trouble', async () => {
        const { history } = await stores();
        return history !== undefined && history.error !== null ? history : null;
      });
      expect(troubled.error).toMatch(says);

      const refused = await request('two.partner.example');
      expect([refused.status, refused.said]).toEqual([
        FAILED,
        expect.stringContaining('nothing has changed'),
      ]);
      const held = await command('quarantine', '--domain', 'held.com');
      expect([held.status, held.said]).toEqual([
        FAILED,
        expect.stringContaining('holds, but is not on the disk'),
      ]);
      expect(await rcodeOf('www.held.com')).toBe(NXDOMAIN);
      const released = await command('release', 'held.com');
      expect([released.status, released.said]).toEqual([
        FAILED,
        expect.stringContaining('nothing has changed'),
      ]);
      expect(await rcodeOf('www.held.com')).toBe(NXDOMAIN);
      const alerted = await until(
        'somebody is told',
        () => told('storage-down').find(({ subject }) => subject === 'history') ?? null,
      );
      expect(alerted.reason).toMatch(says);
      expect(alerted.reason).toContain('0 records were given up');

      end();
      await until('all is on the disk', async () => {
        const all = Object.values(await stores());
        return all.every(({ error, waiting }) => error === null && waiting < PER_SECOND) &&
          all.every(({ lost }) => lost === 0)
          ? true
          : null;
      });
      expect((await request('three.partner.example')).status).toBe(0);
      await more(PER_SECOND);
      await hasAll();
      await survivesKill();
    },
    TEST_MS,
  );

  it(
    'stands still holds up no answer, and all is kept when it goes on',
    async () => {
      await more(PER_SECOND);
      disk.stall();
      await more(STALL_QUERIES);
      expect(wrong).toEqual([]);
      expect(await rcodeOf('www.held.org')).toBe(NXDOMAIN);
      disk.goOn();
      await hasAll();
      expect(await valve.program.stop()).toBe(0);
    },
    TEST_MS,
  );
});
