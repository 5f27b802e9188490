/**
 * (q) A quiet workload beside one that floods: latency and losses of the quiet one, at a fixed rate
 * from an address of its own, while another address sends as fast as the kernel takes it.
 *
 * Generator and flood share a core. What that alone costs is measured beside it: the same flood at
 * a port that nobody reads.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { QUERY_RATE } from '../src/config/limits.ts';
import type { Bench } from './bench.ts';
import type { Load, Run } from './load.ts';
import { median, table, whole } from './median.ts';
import { writeLines } from './names.ts';
import { seen } from './report.ts';
import { LOAD_CORE, type Server } from './server.ts';
import { sourceAddress, valveArgs } from './valve.ts';

const RATE = 5_000;
const NOISY = '127.2.0.1';
const NAMES = 100;
/** Queries a second that the noisy workload may ask, where it has a limit. */
const LIMIT = 5_000;
const USUAL_LIMIT = QUERY_RATE.default;
/** The flood's own socket. */
const NOBODY = 0;

interface Case {
  readonly title: string;
  readonly server: Server;
  /** Where the flood goes; null for none. */
  readonly floodPort: number | null;
  readonly runs: Run[];
  readonly floods: number[];
}

export async function measureFairness(bench: Bench): Promise<void> {
  const free = await startValve(bench, 'q-free', 0);
  const limited = await startValve(bench, 'q-limited', LIMIT);
  const usual = await startValve(bench, 'q-usual', USUAL_LIMIT);
  const of = (title: string, server: Server, floodPort: number | null): Case => {
    return { title, server, floodPort, runs: [], floods: [] };
  };
  const cases = [
    of('alone', free, null),
    of('the flood goes elsewhere', free, NOBODY),
    of('flood without a limit', free, free.port),
    of(`flood with the usual limit, ${whole(USUAL_LIMIT)}/s`, usual, usual.port),
    of(`flood with a limit of ${whole(LIMIT)}/s`, limited, limited.port),
  ];
  const load = await quietLoad(bench);
  for (const server of [free, usual, limited]) await bench.run(server, { ...load, seconds: 1 });
  // The compiler of the server has seen a flood, too.
  for (const server of [free, usual, limited]) {
    await runCase(bench, of('', server, server.port), { ...load, seconds: 1 });
  }
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const one of cases) {
      bench.note(`q: round ${round}, ${one.title}`);
      await runCase(bench, one, load);
    }
  }
  say(bench, cases);
  for (const server of [free, usual, limited]) await bench.stop(server);
}

async function startValve(bench: Bench, room: string, rateLimit: number): Promise<Server> {
  const setup = await bench.setup(room, room, 'warm');
  const workloads = [
    `  quiet: { sources: [${sourceAddress(0)}], allow: [.example.com] }`,
    `  noisy: { sources: [${NOISY}], allow: [.example.com] }`,
  ];
  const args = await valveArgs(setup, { workloads, rateLimit });
  const log = join(setup.directory, 'log');
  return bench.start({ program: process.execPath, args, port: setup.port, log });
}

async function quietLoad(bench: Bench): Promise<Load> {
  const queries = join(bench.directory, 'quiet');
  const lines = Array.from({ length: NAMES }, (_, i) => `n${i}.example.com A 0`);
  await writeLines(queries, lines);
  const { seconds } = bench.options;
  return { queries, seconds, rate: RATE, sources: 1, sockets: 4 };
}

async function runCase(bench: Bench, one: Case, load: Load): Promise<void> {
  const { server, floodPort, runs, floods } = one;
  if (floodPort === null) {
    runs.push(await bench.run(server, load));
    return;
  }
  // Behind the generator: what is measured is the server, not who gets the core of the load.
  const args = ['-c', String(LOAD_CORE), 'nice', '-n', '19', bench.tool('flood')];
  const flood = spawn('taskset', [...args, String(floodPort), NOISY, String(load.seconds)]);
  let said = '';
  flood.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(flood, 'close');
  runs.push(await bench.run(server, load, () => flood.stdin.end('\n')));
  await ended;
  floods.push(Number(said) / load.seconds);
}

function say(bench: Bench, cases: readonly Case[]): void {
  const keys = ['p50', 'p99', 'p999'] as const;
  const rows = cases.map(({ title, runs, floods }) => [
    title,
    floods.length === 0 ? '' : whole(median(floods)),
    ...keys.map((key) => whole(seen(runs, key))),
    `${(median(runs.map(({ lostShare }) => lostShare)) * 100).toFixed(2)} %`,
    `${Math.round(median(runs.map(({ serverBusy }) => serverBusy)) * 100)} %`,
  ]);
  bench.say(`### (q) a quiet workload, ${whole(RATE)} queries/s, beside a flood\n`);
  const head = ['', 'flood/s', 'p50 µs', 'p99 µs', 'p99.9 µs', 'lost', 'server busy'];
  bench.say(table(head, rows));
}
