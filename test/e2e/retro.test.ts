/** A list that gains a name which somebody asked for before: told soon after the reload. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openClient } from '../support/client.ts';
import { type AlertLine, alertsOf, firstSeen } from '../support/history.ts';
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

it('a reloaded file that gains a name tells who asked for it, and when', async () => {
  const files = { 'com.zone': ZONE, 'malware.txt': 'known.com\n' };
  const valve = await Valve.start({ config: CONFIG, files });
  const client = await openClient('udp', valve, CLIENT);
  expect((await client.ask({ name: 'www.late.com' })).answers).toHaveLength(1);
  expect((await client.ask({ name: 'known.com' })).answers).toHaveLength(0);
  client.close();
  const domains = async () => (await firstSeen(valve)).map(({ domain }) => domain);
  await until('the history holds it', async () =>
    (await domains()).includes('late.com') ? true : null,
  );

  writeFileSync(join(valve.folder, 'malware.txt'), 'known.com\n*.late.com\n');
  valve.program.child.kill('SIGHUP');
  const told = await until('it is told', async () => {
    const lines = existsSync(join(valve.folder, 'alerts.json')) ? alertsOf(valve) : [];
    return lines.length > 0 ? (lines as (AlertLine & Record<string, unknown>)[]) : null;
  });
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
  if (process.env['SHOW'] !== undefined) console.log(JSON.stringify(told[0], null, 2));
  const { first_seen, window } = told[0] as Record<string, unknown>;
  expect(window).toEqual({ first: first_seen, last: first_seen });
  await valve.stop();
});
