/** A list that gains a name which somebody asked for before: told soon after the reload. */

import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openClient } from '../support/client.ts';
import { type AlertLine, alertsOf } from '../support/history.ts';
import { until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';

const CLIENT = '127.0.0.2';
const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;
const CONFIG = `zones: [{ name: com, file: com.zone }]
feeds: { malware: { source: malware.txt, category: malware, action: deny } }
alerts: [{ to: "file:alerts.json", types: [retro-hit] }]
workloads: { client: { owner: team-c, sources: [${CLIENT}/32], mode: enforce } }
`;

/** The history holds what was asked for. */
function untilKept(valve: Valve): Promise<true> {
  return until('the history holds it', async () => {
    const { said } = await valve.command('first-seen', '--jsonl');
    return said.includes('"late.com"') ? true : null;
  });
}

function untilTold(valve: Valve): Promise<(AlertLine & Record<string, unknown>)[]> {
  return until('it is told', async () => {
    const lines = existsSync(join(valve.folder, 'alerts.json')) ? alertsOf(valve) : [];
    return lines.length > 0 ? (lines as (AlertLine & Record<string, unknown>)[]) : null;
  });
}

it('a reloaded file that gains a name tells who asked for it, and when', async () => {
  const files = { 'com.zone': ZONE, 'malware.txt': 'known.com\n' };
  const valve = await Valve.start({ config: CONFIG, files });
  const client = await openClient('udp', valve, CLIENT);
  expect((await client.ask({ name: 'www.late.com' })).answers).toHaveLength(1);
  expect((await client.ask({ name: 'known.com' })).answers).toHaveLength(0);
  client.close();
  await untilKept(valve);

  writeFileSync(join(valve.folder, 'malware.txt'), 'known.com\n*.late.com\n');
  valve.program.child.kill('SIGHUP');
  const told = await untilTold(valve);
  expect(told).toMatchObject([
    {
      type: 'retro-hit',
      severity: 4,
      technique: 'T1071.004',
      workload: 'client',
      owner: 'team-c',
      qname: 'www.late.com',
      registrable_domain: 'late.com',
      verdict: 'allowed',
      rule: 'feed malware (category malware)',
      subject: 'malware',
      count: 1,
    },
  ]);
  const { first_seen, window } = told[0] as Record<string, unknown>;
  expect(window).toEqual({ first: first_seen, last: first_seen });
  await valve.stop();
});

it('a download that brings a name tells who asked for it in an earlier run', async () => {
  const server = createServer((_request, response) => response.end('known.com\nwww.late.com\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const files = { 'com.zone': ZONE, 'malware.txt': 'known.com\n' };
  const valve = await Valve.start({ config: CONFIG, files });
  const client = await openClient('udp', valve, CLIENT);
  expect((await client.ask({ name: 'www.late.com' })).answers).toHaveLength(1);
  client.close();
  expect(await valve.program.stop()).toBe(0);

  const { port } = server.address() as AddressInfo;
  valve.configure(CONFIG.replace('malware.txt', `"http://127.0.0.1:${port}/list"`));
  await valve.restart();
  expect(await untilTold(valve)).toMatchObject([
    { type: 'retro-hit', workload: 'client', qname: 'www.late.com', subject: 'malware' },
  ]);
  await valve.stop();
});
