/**
 * `npm run held`: what UDP clients notice of 10,000 idle and 2,000 slow TCP connections. Latencies
 * of UDP queries, before, while they are held, and after.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { buildQuery } from '../support/message.ts';
import { until } from '../support/processes.ts';
import { Valve } from '../support/valve.ts';

const { values } = parseArgs({
  options: {
    idle: { type: 'string', default: '10000' },
    slow: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '20' },
  },
});
const [idle, slow, seconds] = [values.idle, values.slow, values.seconds].map(Number) as [
  number,
  number,
  number,
];
const [SERVER_CORE, LOAD_CORE] = ['0', '1'];
const PER_STEP = 5;
const STEP_MS = 10;
const IDS = 65_536;
const OPEN_MS = 60_000;
const SHARE_HELD = 0.95;

const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Asks evenly; microseconds of each answer, sorted. */
async function latencies(port: number): Promise<number[]> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const sentAt = new Float64Array(IDS);
  const taken: number[] = [];
  socket.on('message', (octets) => {
    taken.push((performance.now() - (sentAt[octets.readUInt16BE(0)] ?? 0)) * 1000);
  });
  let sent = 0;
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (let i = 0; i < PER_STEP; i++) {
      const id = sent++ % IDS;
      sentAt[id] = performance.now();
      socket.send(buildQuery({ id, name: `h${sent % 500}.udp.com` }), port, '127.0.0.1');
    }
    await pause(STEP_MS);
  }
  await pause(1000);
  socket.close();
  say(`  ${sent} asked, ${sent - taken.length} lost`);
  return taken.toSorted((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN);
}

async function phase(name: string, port: number): Promise<number> {
  say(name);
  const sorted = await latencies(port);
  const [p50, p99, p999] = [at(sorted, 0.5), at(sorted, 0.99), at(sorted, 0.999)];
  say(`  p50 ${p50} us, p99 ${p99} us, p99.9 ${p999} us`);
  return p99;
}

spawnSync('taskset', ['-a', '-p', '-c', LOAD_CORE, String(process.pid)]);
const valve = await Valve.start({
  workers: 1,
  under: ['taskset', '-c', SERVER_CORE],
  files: { 'com.zone': ZONE },
  config: `zones: [{ name: com, file: com.zone }]
workloads: { client: { sources: [127.0.0.0/8], mode: enforce } }
`,
});
await phase('warm-up', valve.port);
const before = await phase('quiet', valve.port);
const args = [join(import.meta.dirname, 'hold.ts'), valve.port, idle, slow].map(String);
// The load of both kinds shares one core, and those who only hold stand back behind those who ask.
const pinned = ['-n', '10', 'taskset', '-c', LOAD_CORE, process.execPath, ...args];
const holder = spawn('nice', pinned, { stdio: ['ignore', 'pipe', 'inherit'] });
let [open, opened] = [0, 0];
createInterface({ input: holder.stdout }).on('line', (line) => {
  [open = 0, opened = 0] = line.split(' ').map(Number);
});
const wanted = (idle + slow) * SHARE_HELD;
await until('they are open', () => (open >= wanted ? true : null), OPEN_MS).catch(() => {});
const openedBefore = opened;
const held = await phase(`held: ${open} connections`, valve.port);
say(`  ${open} connections, ${opened - openedBefore} of them opened again meanwhile`);
holder.kill('SIGKILL');
const after = await phase('quiet again', valve.port);
say(`p99 held over p99 quiet: ${(held / ((before + after) / 2)).toFixed(2)}`);
await valve.stop();
process.exit(0);
