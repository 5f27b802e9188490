/**
 * `npm run held`: what UDP clients notice of 10,000 idle and 2,000 slow TCP connections, which are
 * opened again when the valve closes them. Latencies of UDP queries, in turns without and with
 * them; the medians of several rounds are compared.
 *
 * The valve has one core and all that loads it the other, where the generator of the UDP queries
 * has a real-time priority and those who hold connections get what is left.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { median, table, whole } from '../../bench/median.ts';
import { cpuSecondsOf } from '../../bench/server.ts';
import { until } from '../support/until.ts';
import { Valve } from '../support/valve.ts';

const { values } = parseArgs({
  options: {
    idle: { type: 'string', default: '10000' },
    slow: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '2000' },
  },
});
const [SERVER_CORE, LOAD_CORE] = ['0', '1'];
const NAMES = 500;
const OPEN_MS = 60_000;
const SHARE_HELD = 0.95;
const TOOLS = join(import.meta.dirname, '../../bench/tools');

const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
*.com. A 192.0.2.1
`;

interface Seen {
  readonly sent: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-held-'));
const queries = join(folder, 'queries');
const names = Array.from({ length: NAMES }, (_, i) => `h${i}.udp.com A 0\n`);
writeFileSync(queries, names.join(''));
const load = build('load', ['load.c', 'load-udp.c', 'load-tcp.c']);
const hold = build('hold', ['hold.c']);
const idle = Number(values.idle);
const slow = Number(values.slow);

function build(name: string, sources: readonly string[]): string {
  const path = join(folder, name);
  const args = ['-O2', ...sources.map((source) => join(TOOLS, source)), '-o', path];
  const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`compiling ${name}:\n${stderr}`);
  return path;
}

/** On the core of the load. @param priority how `chrt` says it */
function onLoadCore(priority: readonly string[], program: string, args: readonly string[]) {
  const all = ['-c', LOAD_CORE, 'chrt', ...priority, program, ...args];
  return spawn('taskset', all, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function latencies(port: number): Promise<Seen> {
  const args = ['-p', String(port), '-d', queries, '-m', 'udp', '-c', '4', '-q', '4', '-a', '1'];
  const child = onLoadCore(['-f', '1'], load, [...args, '-r', values.rate, '-l', values.seconds]);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  child.stdin?.end('\n');
  const [status] = await ended;
  if (status !== 0) throw new Error(`the load ended with status ${status}`);
  return JSON.parse(said.slice(said.indexOf('{'))) as Seen;
}

class Holder {
  readonly #child = onLoadCore(['-i', '0'], hold, [String(valve.port), values.idle, values.slow]);
  readonly #ended = once(this.#child, 'close');
  /** Connections that are open, and that were opened so far. */
  open = 0;
  opened = 0;

  constructor() {
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      [this.open = 0, this.opened = 0] = line.split(' ').map(Number);
    });
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }
}

/** Processor seconds that the valve has used. */
function cpuSeconds(): number {
  return cpuSecondsOf(valve.program.child.pid ?? 0);
}

async function connectionsAre(wanted: (open: number) => boolean): Promise<void> {
  const look = async (): Promise<true | null> => {
    const { counters } = (await valve.status()) as { counters: Record<string, number> };
    return wanted(counters['tcp_connections'] ?? 0) ? true : null;
  };
  await until('the connections', look, OPEN_MS);
}

const valve = await Valve.start({
  workers: 1,
  under: ['taskset', '-c', SERVER_CORE],
  files: { 'com.zone': ZONE },
  config: `zones: [{ name: com, file: com.zone }]
rate_limit: { queries: 0 }
workloads: { client: { sources: [127.0.0.0/8], mode: enforce } }
`,
});
const quiet: Seen[] = [];
const held: Seen[] = [];
const cpu: { quiet: number[]; held: number[] } = { quiet: [], held: [] };
const reopened: number[] = [];

async function measure(kind: 'quiet' | 'held'): Promise<Seen> {
  const before = cpuSeconds();
  const seen = await latencies(valve.port);
  cpu[kind].push((cpuSeconds() - before) / Number(values.seconds));
  process.stderr.write(`${kind}: p50 ${seen.p50}, p99 ${seen.p99} us, ${seen.lost} lost\n`);
  return seen;
}

await latencies(valve.port);
for (let round = 0; round < Number(values.rounds); round++) {
  quiet.push(await measure('quiet'));
  const holder = new Holder();
  await until(
    'they are open',
    () => (holder.open >= (idle + slow) * SHARE_HELD ? true : null),
    OPEN_MS,
  );
  const before = holder.opened;
  held.push(await measure('held'));
  reopened.push((holder.opened - before) / Number(values.seconds));
  await holder.stop();
  await connectionsAre((open) => open === 0);
}
quiet.push(await measure('quiet'));

const rowOf = (name: string, runs: readonly Seen[], busy: readonly number[]): string[] => [
  name,
  ...(['p50', 'p99', 'p999'] as const).map((key) => whole(median(runs.map((run) => run[key])))),
  whole(runs.reduce((sum, { lost }) => sum + lost, 0)),
  `${Math.round(median(busy) * 100)} %`,
];
const rows = [
  rowOf('without', quiet, cpu.quiet),
  rowOf(`${whole(idle)} idle, ${whole(slow)} slow`, held, cpu.held),
];
const head = ['TCP connections', 'p50 µs', 'p99 µs', 'p99.9 µs', 'lost', 'busy'];
process.stdout.write(table(head, rows));
const p99 = (runs: readonly Seen[]): number => median(runs.map((run) => run.p99));
process.stdout.write(`${whole(median(reopened))} connections a second are opened again\n`);
process.stdout.write(`p99 with them over p99 without: ${(p99(held) / p99(quiet)).toFixed(2)}\n`);
await valve.stop();
rmSync(folder, { recursive: true });
