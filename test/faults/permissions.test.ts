/**
 * Who may read and write what a running process leaves on the disk: history, exceptions, audit log,
 * alerts and feeds say who asked for what, and the socket takes orders.
 */

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Feed } from '../soak/feed.ts';
import { askOnce } from '../support/client.ts';
import { firstSeen } from '../support/history.ts';
import { until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';

const CLIENT = '127.0.0.2';
/** Written by the test. */
const GIVEN = new Set(['dnsvalve.yaml']);
/** What each must be there, so that nothing is right because it is not. */
const EXPECTED = [
  'alerts.json',
  'control.sock',
  'history.db',
  'history.db-wal',
  'query.log',
  'state',
  'state/alerts',
  'state/alerts/0000000000000001.jsonl',
  'state/alerts/cursors.json',
  'state/audit.head',
  'state/audit.jsonl',
  'state/evidence',
  'state/feeds',
  'state/feeds/bad.json',
  'state/overrides.db',
];

let valve: Valve;
let feed: Feed;

/** Path below the folder, and permission bits, of all that there is. */
function modesBelow(folder: string): Map<string, number> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const own = entries.filter((path) => !GIVEN.has(path));
  return new Map(own.flatMap((path) => modeOf(folder, path)));
}

/** None for a file that took another name meanwhile. */
function modeOf(folder: string, path: string): [string, number][] {
  const found = lstatSync(join(folder, path), { throwIfNoEntry: false });
  return found === undefined ? [] : [[path, found.mode & 0o7777]];
}

async function start(umask: string): Promise<void> {
  feed = await Feed.start(() => 'bad.example\n');
  valve = await Valve.start({
    workers: 2,
    under: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'],
    config: `alerts: [{ to: "file:alerts.json" }]
feeds: { bad: { source: "${feed.url}", category: malware } }
detect: { baseline: { burn_in: 0s } }
query_log: { path: query.log }
workloads: { client: { sources: [127.0.0.0/8], mode: enforce } }
`,
  });
}

afterEach(async () => {
  await valve.stop();
  feed.stop();
});

it.each([
  { umask: '000', most: 0o750 },
  { umask: '022', most: 0o750 },
  { umask: '077', most: 0o700 },
])('with umask $umask, others may read and write nothing', async ({ umask, most }) => {
  await start(umask);
  await askOnce('udp', valve, CLIENT, { name: 'www.denied.example' });
  const held = await valve.command('quarantine', 'client', ...valve.control);
  expect(held.status).toBe(0);
  await until('all of it is there', async () => {
    const modes = modesBelow(valve.folder);
    return EXPECTED.every((path) => modes.has(path)) ? true : null;
  });
  const modes = modesBelow(valve.folder);
  // Whom the group may speak to, the socket's own permissions say.
  expect(modes.get('control.sock')?.toString(8)).toBe('660');
  modes.delete('control.sock');
  const tooOpen = [...modes].filter(([, mode]) => (mode & ~most) !== 0);
  expect(tooOpen.map(([path, mode]) => `${path} ${mode.toString(8)}`)).toEqual([]);
  expect(await valve.program.stop()).toBe(0);
  expect((await firstSeen(valve)).map(({ domain }) => domain)).toContain('denied.example');
  const after = [...modesBelow(valve.folder)].filter(([, mode]) => (mode & ~most) !== 0);
  expect(after).toEqual([]);
});
