/**
 * Real tunnelling tools with a valve between their ends: told, stopped, and held to a budget. What
 * each case saw is written to the output of the run.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import type { Evaluation } from '../../src/detect/eval/evaluate.ts';
import type { WithDetection } from '../../src/detect/explain.ts';
import { readMessage } from '../support/message.ts';
import { lacks } from '../support/processes.ts';
import { Course, type CourseShape, octetsOf, partOf } from '../support/tunnels/course.ts';
import { FAR_ADDRESS, NEAR_ADDRESS, whatIsLacking } from '../support/tunnels/hosts.ts';
import { captureOf, type Passed } from '../support/tunnels/relay.ts';
import { DNS2TCP, IODINE, ZONE } from '../support/tunnels/tools.ts';

const NXDOMAIN = 3;
const EDE_BLOCKED = 15;
const WILDCARD = `"*.${ZONE}"`;
/** Above what either tool needs to open its tunnel, so that a transfer is under way. */
const AFTER_OPENING = 8192;
/** What a user is promised: queries and octets until a tunnel is found. */
const QUERIES_MAX = 8;
const OCTETS_MAX = 400;
const CASE_MS = 120_000;

const lacking = await whatIsLacking();
const TOOLS = [IODINE, DNS2TCP] as const;

describe.each(TOOLS)('$name through the valve', (tool) => {
  const place = tool.device === null ? lacking.hosts : lacking.devices;
  const isMissing = place !== null || lacks(...tool.programs);
  let course: Course | null = null;

  afterEach(async () => {
    await course?.stop();
    course = null;
  });

  async function open(shape: Omit<CourseShape, 'tool'>): Promise<Course> {
    course = await Course.open({ tool, ...shape });
    return course;
  }

  function saw(what: string): void {
    process.stdout.write(`${tool.name}: ${what}\n`);
  }

  it.skipIf(isMissing)(
    'works where it is only told, with an itemised score',
    async () => {
      const way = await open({ detect: '{ tunnel: { action: alert } }', allow: WILDCARD });
      await way.opened(way.startClient());
      way.give(2000);
      await way.when('all octets came out', () => way.taken === 2000);
      await way.when('the alert', () => tunnelAlerts(way).length > 0);
      const [told] = tunnelAlerts(way);
      expect(told).toMatchObject({
        verdict: 'allowed',
        workload: 'client',
        registrable_domain: ZONE,
        technique: 'T1071.004',
      });
      expect(told?.score).toBeGreaterThanOrEqual(told?.threshold ?? Number.POSITIVE_INFINITY);
      expect(told?.parts.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['new_names', 'seconds', 'queries', 'odd_percent']),
      );
      saw(`2000 octets came out; ${told?.reason}`);
    },
    CASE_MS,
  );

  it.skipIf(isMissing)(
    'is stopped within the goal where it is denied, and nothing more reaches its server',
    async () => {
      const way = await open({ detect: '{ tunnel: { action: deny } }', allow: WILDCARD });
      const client = way.startClient();
      if (tool === DNS2TCP) {
        await way.opened(client);
        way.give(50_000);
      }
      await denied(way, client);
      await client.stop();
      expect(way.taken).toBeLessThan(OCTETS_MAX);
      const before = untilDenied(way.tap.passed());
      const asked = before.filter(isAsk);
      expect(asked.length).toBeLessThanOrEqual(QUERIES_MAX);
      const octets = octetsOf(way.exit.queries());
      expect(octets).toBeLessThanOrEqual(OCTETS_MAX);
      await staysSilent(way, before);
      await isNamed(way);
      await isFoundAgain(way, before);
      saw(`denied at query ${asked.length}, ${octets} octets and ${way.taken} of payload got out`);
      await isExplained(way);
    },
    CASE_MS,
  );

  it.skipIf(isMissing)(
    'a transfer under way stops',
    async () => {
      const detect = `{ tunnel: { action: deny, threshold: ${AFTER_OPENING} } }`;
      const way = await open({ detect, allow: WILDCARD });
      const client = way.startClient({ isSparing: true });
      await way.opened(client);
      await way.shrinkPackets();
      way.give(50_000);
      await denied(way, client);
      await client.stop();
      expect(way.taken).toBeGreaterThan(0);
      expect(way.taken).toBeLessThan(2 * AFTER_OPENING);
      await staysSilent(way, untilDenied(way.tap.passed()));
      saw(`with a threshold of ${AFTER_OPENING} bytes ${way.taken} of 50000 octets came out`);
    },
    CASE_MS,
  );

  it.skipIf(isMissing)(
    'a budget of 1 kB an hour lets no more than that out',
    async () => {
      const allow = `{ name: ${WILDCARD}, budget: 1kB/h }`;
      const way = await open({ detect: '{ tunnel: { action: alert } }', allow });
      const client = way.startClient({ isSparing: true });
      await way.opened(client);
      await way.shrinkPackets();
      await giveUntilDenied(way);
      await client.stop();
      const decoded = await way.decoded();
      expect(decoded).toBeGreaterThan(0);
      expect(decoded).toBeLessThanOrEqual(1000);
      expect(way.taken).toBeLessThanOrEqual(decoded);
      await way.when('the alert', () => way.alerts().some((one) => one.detector === 'budget'));
      const octets = octetsOf(way.exit.queries());
      saw(
        `with 1kB/h its server decoded ${decoded} octets, ${way.taken} of them payload; ` +
          `${way.exit.queries().length} queries, ${octets} octets of names`,
      );
    },
    CASE_MS,
  );
});

describe.skipIf(lacking.hosts !== null || lacks(...DNS2TCP.programs))('letter case', () => {
  it(
    'does not go through, which dns2tcp needs: its server understands no name',
    async () => {
      const shape = { tool: DNS2TCP, detect: '{ tunnel: { action: alert } }', allow: WILDCARD };
      const way = await Course.open({ ...shape, bringsCaseBack: false });
      const client = way.startClient();
      await way.opened(client);
      way.give(2000);
      await way.when('the client gives up', () => client.said.includes('No response from DNS'));
      expect(way.exit.queries().length).toBeGreaterThan(0);
      expect(way.exit.answers()).toEqual([]);
      expect(way.taken).toBe(0);
      await way.stop();
    },
    CASE_MS,
  );
});

function isAsk({ way }: Passed): boolean {
  return way === 'ask';
}

function nameOf({ octets }: Passed): string {
  return partOf(readMessage(octets));
}

function isDenial({ way, octets }: Passed): boolean {
  return way === 'answer' && ((octets[3] ?? 0) & 0x0f) === NXDOMAIN;
}

function idOf({ port, octets }: Passed): string {
  return `${port} ${octets.readUInt16BE(0)}`;
}

/** Resolves when the client was denied and has had the time to try what else it knows. */
async function denied(way: Course, client: { readonly isRunning: boolean }): Promise<void> {
  await way.when('denials', () => {
    const denials = way.tap.passed().filter(isDenial);
    return denials.length >= 4 || (denials.length > 0 && !client.isRunning);
  });
}

/**
 * Again and again: a burst that would take half a budget at once is refused for that moment, and
 * who gives up then has not used it up.
 */
async function giveUntilDenied(way: Course): Promise<void> {
  const isOver = (): boolean => way.tap.passed().some(isDenial);
  while (!isOver()) {
    const giver = way.give(20_000);
    await way.when('a denial, or the end of the transfer', () => isOver() || !giver.isRunning);
  }
}

/** What passed the tap up to and with the query that was denied first. */
function untilDenied(passed: readonly Passed[]): Passed[] {
  const denial = passed.find(isDenial);
  if (denial === undefined) throw new Error('nothing was denied');
  const id = idOf(denial);
  const end = passed.findLastIndex((one, i) => {
    return i < passed.indexOf(denial) && isAsk(one) && idOf(one) === id;
  });
  return passed.slice(0, end + 1);
}

/**
 * After the first denial the server is asked nothing that it was not asked before. Its old questions
 * may come again: it holds some for seconds, and the valve asks a second time.
 */
async function staysSilent(way: Course, before: readonly Passed[]): Promise<void> {
  const known = new Set(before.filter(isAsk).map(nameOf));
  const end = before.at(-1)?.seconds ?? 0;
  const later = way.exit.passed().filter((one) => isAsk(one) && one.seconds > end);
  expect(later.map(nameOf).filter((name) => !known.has(name))).toEqual([]);
  const count = way.exit.queries().length;
  expect(await query(way, `more.${ZONE}`)).toContain('NXDOMAIN');
  expect(way.exit.queries().slice(count).map(partOf)).not.toContain('more');
}

/** `dnsvalve query` from the client's host. */
async function query(way: Course, name: string): Promise<string> {
  const entry = join(import.meta.dirname, '../../src/dnsvalve.js');
  const server = `${FAR_ADDRESS}:${way.valve.port}`;
  const command = [process.execPath, entry, 'query', name, 'TXT', '--server', server];
  const asking = way.hosts.start('near', [...command, '-c', way.valve.configPath]);
  await asking.exit();
  return asking.said;
}

/** The client's own denials name the ledger where it has EDNS; asked plainly, they do. */
async function isNamed(way: Course): Promise<void> {
  const words = `client: too much data in names under ${ZONE}, by `;
  const said = await query(way, `www.${ZONE}`);
  expect(said).toContain('NXDOMAIN');
  expect(said).toContain(`EDE ${EDE_BLOCKED} (Blocked): ${words}`);
  const denials = way.tap.answers().filter(({ rcode }) => rcode === NXDOMAIN);
  for (const { opt, ede, edeText } of denials) {
    if (opt === null) continue;
    expect(ede).toBe(EDE_BLOCKED);
    expect(edeText).toContain(words);
  }
}

/** Replayed, the capture of the client's side alarms at the very query, and not before. */
async function isFoundAgain(way: Course, before: readonly Passed[]): Promise<void> {
  const last = before.findLastIndex(isAsk);
  expect(await alarmsIn(way, before.slice(0, last))).toEqual([]);
  expect(await alarmsIn(way, before)).toContain('tunnel');
}

async function alarmsIn(way: Course, passed: readonly Passed[]): Promise<string[]> {
  const path = join(way.valve.folder, 'client.pcap');
  writeFileSync(path, captureOf(passed, [NEAR_ADDRESS, FAR_ADDRESS]));
  const { status, said } = await way.valve.command('detect', 'eval', path, '--json');
  expect(status).toBe(0);
  const { unlabelled } = JSON.parse(said) as Evaluation;
  return (unlabelled?.alerts ?? []).map(({ type }) => type);
}

function tunnelAlerts(way: Course): Alert[] {
  return way.alerts().filter(({ detector }) => detector === 'tunnel');
}

/** When all is told: `explain` has the score and the parts of the alert. Ends the valve. */
async function isExplained(way: Course): Promise<void> {
  await way.valve.program.stop();
  const told = tunnelAlerts(way).reduce((worst, one) =>
    (one.score ?? 0) > (worst.score ?? 0) ? one : worst,
  );
  const words = ['explain', 'client', `www.${ZONE}`, '--json', ...way.valve.control];
  const { said } = await way.valve.command(...words);
  const findings = (JSON.parse(said) as WithDetection).detection?.findings ?? [];
  expect(findings.find(({ detector }) => detector === 'tunnel')).toMatchObject({
    score: told.score,
    summary: told.reason,
    parts: told.parts,
    verdict: 'denied',
  });
}
