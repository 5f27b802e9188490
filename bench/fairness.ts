/**
 * (q) A quiet workload beside one that floods: latency and losses of the quiet one, at a fixed rate
 * from an address of its own, while another address floods at several rates.
 *
 * Generator and flood share a core: the generator has a real-time priority there, and the flood
 * gets what nobody else wants. What that core and the kernel cost all the same is measured beside
 * it: the same flood at a port that nobody reads. The valve is to add no more than a tenth to that.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { QUERY_RATE } from '../src/config/limits.ts';
import type { Bench } from './bench.ts';
import type { Load, Run } from './load.ts';
import { median, table, whole } from './median.ts';
import { writeLines } from './names.ts';
import { seen } from './report.ts';
import { LOAD_CORE, type Server } from './server.ts';
import { sourceAddress, statusOf, valveArgs } from './valve.ts';

const RATE = 5_000;
const NOISY = '127.2.0.1';
const NAMES = 100;
/** Queries a second that the noisy workload may ask, where its limit is not the usual one. */
const LIMIT = 5_000;
const USUAL_LIMIT = QUERY_RATE.default;
/**
 * A second: as much as it may ask, which nothing is to be filtered of; more; 0 is as fast as the
 * kernel takes them.
 */
const FLOODS = [USUAL_LIMIT, 50_000, 100_000, 200_000, 0] as const;
/** The flood's own socket. */
const NOBODY = 0;
const SLICE_MS = 20;

interface Valve {
  readonly server: Server;
  readonly directory: string;
}

interface Flood {
  /** Where it goes. */
  readonly port: number;
  readonly rate: number;
}

interface Case {
  readonly title: string;
  readonly valve: Valve;
  readonly flood: Flood | null;
  readonly runs: Run[];
  /** Datagrams a second that were sent, and that the valve received of all. */
  readonly sent: number[];
  readonly received: number[];
}

export async function measureFairness(bench: Bench): Promise<void> {
  const free = await startValve(bench, 'q-free', 0);
  const limited = await startValve(bench, 'q-limited', LIMIT);
  const usual = await startValve(bench, 'q-usual', USUAL_LIMIT);
  const load = await quietLoad(bench);
  for (const valve of [free, usual, limited]) {
    // The compiler of the server has seen a flood, too.
    const flood = { port: valve.server.port, rate: 0 };
    await runCase(bench, caseOf('', valve, null), { ...load, seconds: 1 });
    await runCase(bench, caseOf('', valve, flood), { ...load, seconds: 1 });
  }
  const cases = casesOf(free, limited, usual);
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const one of cases) {
      bench.note(`q: round ${round}, ${one.title}`);
      await runCase(bench, one, load);
    }
  }
  say(bench, cases);
  for (const { server } of [free, usual, limited]) await bench.stop(server);
}

function caseOf(title: string, valve: Valve, flood: Flood | null): Case {
  return { title, valve, flood, runs: [], sent: [], received: [] };
}

function casesOf(free: Valve, limited: Valve, usual: Valve): Case[] {
  const pairs = FLOODS.flatMap((rate) => [
    caseOf('flood elsewhere', usual, { port: NOBODY, rate }),
    caseOf(`usual limit, ${whole(USUAL_LIMIT)}/s`, usual, { port: usual.server.port, rate }),
  ]);
  return [
    caseOf('alone', usual, null),
    ...pairs,
    ...[LIMIT, 0].map((rate) => {
      return caseOf(`limit of ${whole(LIMIT)}/s`, limited, { port: limited.server.port, rate });
    }),
    caseOf('no limit', free, { port: free.server.port, rate: 0 }),
  ];
}

async function startValve(bench: Bench, room: string, rateLimit: number): Promise<Valve> {
  const setup = await bench.setup(room, room, 'warm');
  const workloads = [
    `  quiet: { sources: [${sourceAddress(0)}], allow: [.example.com] }`,
    `  noisy: { sources: [${NOISY}], allow: [.example.com] }`,
  ];
  const args = await valveArgs(setup, { workloads, rateLimit });
  const { directory, port } = setup;
  const log = join(directory, 'log');
  const server = await bench.start({ program: process.execPath, args, port, log });
  return { server, directory };
}

async function quietLoad(bench: Bench): Promise<Load> {
  const queries = join(bench.directory, 'quiet');
  const lines = Array.from({ length: NAMES }, (_, i) => `n${i}.example.com A 0`);
  await writeLines(queries, lines);
  const { seconds } = bench.options;
  const first = spawnSync('chrt', ['-f', '1', 'true']).status === 0;
  if (!first) bench.problem('q: no real-time priority: the flood keeps the generator waiting');
  return { queries, seconds, rate: RATE, sources: 1, sockets: 4, sliceMs: SLICE_MS, first };
}

async function runCase(bench: Bench, one: Case, load: Load): Promise<void> {
  const { valve, flood, runs, sent, received } = one;
  const before = await receivedBy(valve);
  if (flood === null) {
    runs.push(await bench.run(valve.server, load));
    return;
  }
  const args = ['-c', String(LOAD_CORE), 'chrt', '-i', '0', bench.tool('flood')];
  args.push(String(flood.port), NOISY, String(load.seconds), String(flood.rate));
  const child = spawn('taskset', args);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  runs.push(await bench.run(valve.server, load, () => child.stdin.end('\n')));
  await ended;
  sent.push(Number(said) / load.seconds);
  received.push(((await receivedBy(valve)) - before) / load.seconds);
}

async function receivedBy({ directory }: Valve): Promise<number> {
  return (await statusOf(directory)).counters.queries_udp ?? Number.NaN;
}

/** How long at least some query took more than a millisecond, ms: slices that hold such a one. */
function slowMs({ seen: { sliceMax } }: Run): number {
  return sliceMax.filter((micros) => micros > 1000).length * SLICE_MS;
}

function say(bench: Bench, cases: readonly Case[]): void {
  const keys = ['p50', 'p99', 'p999', 'max'] as const;
  let elsewhere = Number.NaN;
  const rows = cases.map(({ title, flood, runs, sent, received }) => {
    const p99 = seen(runs, 'p99');
    if (flood === null || flood.port === NOBODY) elsewhere = p99;
    else bench.facts.set(`q.${title}.${flood.rate}`, p99 / elsewhere);
    return [
      title,
      sent.length === 0 ? '' : whole(median(sent)),
      received.length === 0 ? '' : whole(median(received)),
      ...keys.map((key) => whole(seen(runs, key))),
      flood === null || flood.port === NOBODY ? '' : (p99 / elsewhere).toFixed(2),
      whole(median(runs.map(slowMs))),
      `${(median(runs.map(({ lostShare }) => lostShare)) * 100).toFixed(2)} %`,
      `${Math.round(median(runs.map(({ serverBusy }) => serverBusy)) * 100)} %`,
    ];
  });
  bench.say(`### (q) a quiet workload, ${whole(RATE)} queries/s, beside a flood\n`);
  const latencies = ['p50 µs', 'p99 µs', 'p99.9 µs', 'max µs', '× p99', 'ms with > 1 ms'];
  const head = ['', 'flood/s', 'received/s', ...latencies, 'lost', 'server busy'];
  bench.say(table(head, rows));
}
