/**
 * The whole life of a policy, as people live it: learnt from what a workload asks for, tried, put
 * in force, opened for a time by an exception, and closed again. After each step something befalls
 * the resolver, and all is as it was before: it is ended, or killed, or its clock is set, also
 * while it is down.
 */

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import { lacks, until } from '../support/processes.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';
import { Lived, SOCKETS } from './lived.ts';

const LIFE_MS = 300_000;
const NXDOMAIN = 3;
const ALICE = '1001';
const BOB = '1002';
/** The clock is set to so much before the end; upstream's TTL of 60 s is longer. */
const NEAR_END_MS = 5000;

/** A few names of a desktop's day; 14 of them from a public capture (MIT licence). */
const PLAIN = [
  'www.google.com',
  'fonts.gstatic.com',
  'accounts.google.com',
  'api.github.com',
  'ichef.bbci.co.uk',
  'static.files.bbci.co.uk',
  'preview.redd.it',
  'gateway.discord.gg',
  'default.exp-tas.com',
  'main.vscode-cdn.net',
  'safebrowsing.googleapis.com',
  'ocsp.digicert.com',
  'api-partner.spotify.com',
  'uk.finance.yahoo.com',
];
const ROTATING = '*.edge.artifacts.example.com';
const SEEN = [
  ...PLAIN,
  '3f9a61c2d8e04b17.edge.artifacts.example.com',
  '88b0c47e1fa2d935.edge.artifacts.example.com',
  'c51d7f20e96ab384.edge.artifacts.example.com',
  '07e2b8d4ac613f95.edge.artifacts.example.com',
];
const NEW = 'uploads.partner.example.net';

/** What befalls the resolver after the step with this number. */
type Fate = (lived: Lived, step: number) => Promise<void>;

/** Seconds from the machine's clock: forward and back, and never twice the same. */
const offset = (step: number): number => (step % 2 === 0 ? 1 : -1) * (60 + 47 * step);

interface Row {
  readonly name: string;
  readonly fate: Fate;
  /** What is open may close early where a clock was set, and never late. */
  readonly mayEndEarly: boolean;
}

const FATES: readonly Row[] = [
  { name: 'ended', mayEndEarly: false, fate: (lived) => lived.restart('SIGTERM') },
  { name: 'killed', mayEndEarly: false, fate: (lived) => killed(lived) },
  {
    name: 'given another time',
    mayEndEarly: true,
    fate: async (lived, step) => lived.setClock(offset(step)),
  },
  {
    name: 'killed, and given another time while it is down',
    mayEndEarly: true,
    fate: (lived, step) => killed(lived, () => lived.setClock(offset(step))),
  },
];

async function killed(lived: Lived, meanwhile?: () => void): Promise<void> {
  await kept();
  await lived.restart('SIGKILL', meanwhile);
}

const isPossible = process.getuid?.() === 0 && !lacks('setpriv') && FakeClock.isThere;

let upstream: FakeServer;
let lived: Lived;

async function start(): Promise<void> {
  upstream = await FakeServer.start((asked) =>
    asked.reply(answerTo(asked, { answers: [addressRecord(7)] })),
  );
  const config = `include: [policy.yaml]
upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
alerts: [{ to: "file:alerts.json" }]
people: { alice: { uid: ${ALICE} }, bob: { uid: ${BOB} } }
exceptions: { max: { prod: 1h }, approvers: [bob] }
learn: { window: 1h }
`;
  const pay = 'pay: { owner: team-pay, env: prod, sources: [127.0.0.0/8], mode: report }';
  lived = await Lived.start({
    workers: 2,
    config,
    files: { 'policy.yaml': `workloads:\n  ${pay}\n` },
  });
}

function policyPath(folder = '.'): string {
  return join(lived.valve.folder, folder, 'policy.yaml');
}

interface OpenRow {
  readonly pattern: string;
  readonly by: string;
  readonly approver: string | null;
  readonly expires: string | null;
  readonly state: string;
}

interface Step {
  readonly time: string;
  readonly act: string;
  readonly actor: string;
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly until: string;
  readonly queries: number;
  readonly names: readonly string[] | null;
  readonly steps: readonly Step[];
}

async function open(): Promise<readonly OpenRow[]> {
  return (await lived.json<{ rows: OpenRow[] }>('report', 'open', '--json')).rows;
}

function shown(): Promise<Shown> {
  return lived.json<Shown>('exception', 'show', 'ex-1', '--json');
}

/** The names that the history knows of the workload. */
async function known(): Promise<string[]> {
  const pairs = await lived.history('pay');
  return pairs.flatMap(({ detail }) => detail.map(({ name }) => name)).toSorted();
}

/** Every query is counted, of its domain and of its name: what a kill from here on cannot lose. */
async function kept(): Promise<void> {
  await until('every query is counted', async () => {
    const pairs = await lived.history('pay');
    const names = pairs.flatMap(({ detail }) => detail);
    const counts = [pairs, names].map((rows) => rows.reduce((sum, row) => sum + row.queries, 0));
    return counts.every((count) => count === lived.asked) ? true : null;
  });
}

/** What must be the same before and after: files, stores and answers. */
async function standing(names: readonly string[]): Promise<object> {
  const { rows } = await lived.json<{ rows: Shown[] }>('exception', 'list', '--all', '--json');
  const answers: [string, number[]][] = [];
  for (const name of names) answers.push([name, await lived.rcodesOf(name)]);
  return {
    answers,
    known: await known(),
    open: (await open()).map(({ pattern, by, approver, expires }) => [
      ...[pattern, by, approver, expires],
    ]),
    exceptions: rows.map(({ id, state, until: end }) => [id, state, end]),
    steps: rows.length === 0 ? [] : (await shown()).steps,
    policy: readFileSync(policyPath(), 'utf8'),
  };
}

/** A day's traffic, and the history tells of all of it. */
async function replayed(): Promise<void> {
  expect(await lived.rcodesOf(...SEEN)).toEqual([0]);
  await until('the day is kept', async () => ((await known()).length >= SEEN.length ? true : null));
}

/** The suggestion stands in a folder of its own, beside a main file as it is. */
async function learnt(): Promise<void> {
  const refused = await lived.command('promote', 'pay', '--dry-run');
  expect([refused.status, refused.said]).toEqual([1, expect.stringContaining('not covered: ')]);
  const drift = await lived.command('drift', '--since', '1h');
  expect([drift.status, drift.said]).toEqual([1, expect.stringContaining('undeclared')]);
  mkdirSync(join(lived.valve.folder, 'new'));
  await lived.into(policyPath('new'), 'suggest', 'pay');
  const suggested = readFileSync(policyPath('new'), 'utf8');
  for (const name of PLAIN) expect(suggested).toMatch(`- ${name} `);
  expect(suggested).toContain(`- "${ROTATING}"`);
  copyFileSync(lived.valve.configPath, join(lived.valve.folder, 'new', 'dnsvalve.yaml'));
}

/** The back-test finds what the old list would deny, and nothing that the new one would. */
async function tried(): Promise<void> {
  const test = ['test', '--since', '1h', '--enforce', '--against'];
  const without = await lived.command(...test, lived.valve.folder);
  expect([without.status, without.said]).toEqual([1, expect.stringContaining(PLAIN[0] ?? '')]);
  await lived.done(...test, join(lived.valve.folder, 'new'));
}

/** What was learnt is in force, and denies nothing that it was learnt from. */
async function promoted(): Promise<void> {
  copyFileSync(policyPath('new'), policyPath());
  await lived.done('check');
  await lived.done('reload');
  expect(await lived.done('promote', 'pay')).toContain('mode: report -> enforce');
  expect(readFileSync(policyPath(), 'utf8')).toContain('mode: enforce');
  await lived.done('reload');
  expect(await lived.rcodesOf(...SEEN)).toEqual([0]);
}

/** A build wants something new: denied, with the reason. */
async function denied(): Promise<void> {
  for (const { rcode, ede, edeText } of await lived.ask(NEW)) {
    expect([rcode, ede]).toEqual([NXDOMAIN, 15]);
    expect(edeText).toContain('pay: not in its allowlist; ask team-pay, policy: ');
    expect(edeText).toContain('policy.yaml:');
  }
  await until('the denial is kept', async () => ((await known()).includes(NEW) ? true : null));
}

/** What `_why` says is a command that is taken as it is. */
async function requested(): Promise<void> {
  const [message] = await lived.ask(`_why.${NEW}`, 'TXT');
  const texts = (message?.answers ?? []).map(({ rdata }) =>
    Buffer.from(rdata, 'hex').subarray(1).toString('utf8'),
  );
  const words = (texts[1] ?? '').replace('to ask: dnsvalve ', '').split(' ');
  expect(words.slice(0, 4)).toEqual(['exception', 'request', 'pay', NEW]);
  const { status, said } = await lived.as(ALICE, ...words);
  expect([status, said]).toEqual([0, expect.stringContaining('ex-1 requested')]);
  expect(await lived.rcodesOf(NEW)).toEqual([NXDOMAIN]);
}

/** Open on every worker once the command of another user has returned. @returns ms it took */
async function approved(): Promise<number> {
  const own = await lived.as(ALICE, 'exception', 'approve', 'ex-1');
  expect([own.status, own.said]).toEqual([2, expect.stringContaining('bob')]);
  expect(await lived.rcodesOf(NEW)).toEqual([NXDOMAIN]);
  const approval = await lived.as(BOB, 'exception', 'approve', 'ex-1');
  expect([approval.status, approval.said]).toEqual([0, expect.stringContaining('ex-1 active')]);
  expect((await lived.ask(NEW)).map(({ rcode }) => rcode)).toEqual(Array(SOCKETS).fill(0));
  const { until: end, steps } = await shown();
  expect(steps.map(({ act }) => act)).toEqual(['request', 'approve', 'activate']);
  const row = (await open()).find(({ pattern }) => pattern === NEW);
  expect([row?.approver, row?.expires]).toEqual(['bob', end]);
  const [, approve, activate] = steps.map(({ time }) => Date.parse(time));
  return (activate ?? 0) - (approve ?? 0);
}

/** Told at the first use, and counted. */
async function used(): Promise<void> {
  expect(await lived.rcodesOf(NEW)).toEqual([0]);
  await until('the first use is told', () => (lived.isAlerted('exception-used') ? true : null));
  await until('the use is counted', async () => {
    const { queries, names } = await shown();
    return queries >= SOCKETS && names?.includes(NEW) ? true : null;
  });
}

/**
 * Open to its end, and for nobody later: not one query that was sent after the end is let through,
 * and no client may keep an answer for longer.
 */
async function expired({ mayEndEarly }: Row): Promise<void> {
  const endMs = Date.parse((await shown()).until);
  lived.setClock(Math.floor((endMs - NEAR_END_MS - Date.now()) / 1000));
  await until('the exception is over', async () => {
    const sentMs = lived.now();
    const answers = await lived.ask(NEW);
    const open = answers.filter(({ rcode }) => rcode === 0);
    if (open.length === 0) return true;
    expect(sentMs).toBeLessThan(endMs);
    const ttls = open.flatMap((message) => message.answers.map(({ ttl }) => ttl));
    // It was answered after it was sent; a TTL is rounded to a second.
    expect(sentMs + (Math.max(...ttls) - 1) * 1000).toBeLessThanOrEqual(endMs);
    return null;
  });
  if (!mayEndEarly) expect(lived.now()).toBeGreaterThanOrEqual(endMs);
  expect(await lived.rcodesOf(NEW)).toEqual([NXDOMAIN]);
  await until('the end is told', () => (lived.isAlerted('exception-expired') ? true : null));
}

/** What stays known of it, and that files and practice agree. */
async function reviewed(): Promise<void> {
  const { state, names, steps } = await shown();
  expect([state, names]).toEqual(['expired', [NEW]]);
  expect(steps.map(({ act, actor }) => [act, actor])).toEqual([
    ['request', 'alice'],
    ['approve', 'bob'],
    ['activate', 'dnsvalve'],
    ['expire', 'dnsvalve'],
  ]);
  // All but the wildcard and its four names stand as they were asked for.
  await until('their use is kept', async () => {
    const rows = await open();
    expect(rows.map(({ pattern }) => pattern).toSorted()).toEqual([...PLAIN, ROTATING].toSorted());
    return rows.every(({ state: use }) => use === 'in use') ? true : null;
  });
  expect(await lived.done('drift', '--since', '2h')).toContain('no drift');
}

afterEach(async () => {
  await lived.stop();
  upstream.stop();
});

describe.skipIf(!isPossible)('a policy', () => {
  it.each(FATES)(
    'is learnt, enforced, opened and closed again by a resolver that is $name after each step',
    async (row) => {
      const context = { step: 0 };
      const after = async (names: readonly string[]): Promise<void> => {
        const before = await standing(names);
        await row.fate(lived, context.step++);
        expect(await standing(names)).toEqual(before);
      };
      await start();
      await replayed();
      await after(SEEN);
      await learnt();
      await after(SEEN);
      await tried();
      await after(SEEN);
      await promoted();
      await after(SEEN);
      await denied();
      await after([...SEEN, NEW]);
      await requested();
      await after([...SEEN, NEW]);
      const openedMs = await approved();
      await after([...SEEN, NEW]);
      await used();
      await after([...SEEN, NEW]);
      await expired(row);
      await after([...SEEN, NEW]);
      await reviewed();
      await after([...SEEN, NEW]);
      console.log(`open on both workers ${openedMs} ms after the approval`);
    },
    LIFE_MS,
  );
});
