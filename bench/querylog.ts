/**
 * (l) What the query log and dnstap take: queries from the answer store at fixed rates, without
 * either, with the log, and with both. Who keeps up sheds nothing.
 */

import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { ask } from '../src/control/client.ts';
import { CONTROL_ACCEPT, controlFrame } from '../src/querylog/frames.ts';
import type { Bench } from './bench.ts';
import type { Load, Run } from './load.ts';
import { median, table, whole } from './median.ts';
import { writeLines } from './names.ts';
import { seen } from './report.ts';
import type { Server } from './server.ts';
import { CONTROL, sourceAddress, valveArgs } from './valve.ts';

const NAMES = 1000;
const RATES = [10_000, 20_000, 40_000, 60_000] as const;
const THREAD = 'dnsvalve-queryl';
const ACCEPT = controlFrame(CONTROL_ACCEPT, 'protobuf:dnstap.Dnstap');

interface Counted {
  readonly shed: number;
  readonly query_log: { readonly written: number; readonly lost: number } | null;
  readonly dnstap: { readonly sent: number; readonly lost: number } | null;
}

interface Entrant {
  readonly title: string;
  readonly server: Server;
  readonly directory: string;
}

export async function measureQueryLog(bench: Bench): Promise<void> {
  const collector = await startCollector();
  const log = 'query_log: { path: queries.jsonl, max_size: 1GB }';
  const dnstap = `dnstap: { to: "tcp://127.0.0.1:${collector.port}" }`;
  const entrants = [
    await startValve(bench, 'l-none', 'neither', []),
    await startValve(bench, 'l-log', 'query log', [log]),
    await startValve(bench, 'l-both', 'query log and dnstap', [log, dnstap]),
  ];
  const queries = join(bench.directory, 'l-queries');
  const lines = Array.from({ length: NAMES }, (_, i) => `n${i}.example.com A 0`);
  await writeLines(queries, lines);
  const rows: string[][] = [];
  const { seconds } = bench.options;
  for (const { server } of entrants) await bench.run(server, loadAt(queries, 20_000, 1));
  for (const rate of RATES) {
    for (const entrant of entrants) {
      bench.note(`l: ${entrant.title} at ${rate}/s`);
      const before = await countedBy(entrant);
      const run = await bench.run(entrant.server, loadAt(queries, rate, seconds));
      rows.push(row(entrant, run, before, await countedBy(entrant)));
    }
  }
  bench.say('### (l) query log and dnstap\n');
  const head = ['', 'queries/s', 'µs/query', 'of that the log', 'p50 µs', 'p99 µs'];
  bench.say(table([...head, 'written', 'shed'], rows));
  for (const { server } of entrants) await bench.stop(server);
  collector.close();
}

function loadAt(queries: string, rate: number, seconds: number): Load {
  return { queries, seconds, rate, sources: 1, sockets: 8 };
}

function row({ title }: Entrant, run: Run, before: Counted | null, after: Counted | null) {
  const written = (after?.query_log?.written ?? 0) - (before?.query_log?.written ?? 0);
  const shed = (after?.shed ?? 0) - (before?.shed ?? 0);
  return [
    title,
    whole(run.queriesPerSecond),
    run.cpuMicros.toFixed(1),
    (run.threadMicros.get(THREAD) ?? 0).toFixed(1),
    whole(median([seen([run], 'p50')])),
    whole(median([seen([run], 'p99')])),
    whole(written),
    after === null ? '' : `${((shed / run.seen.sent) * 100).toFixed(1)} %`,
  ];
}

async function countedBy({ directory }: Entrant): Promise<Counted | null> {
  const status = (await ask(join(directory, CONTROL), 'status')) as { query_log: Counted | null };
  return status.query_log;
}

async function startValve(
  bench: Bench,
  room: string,
  title: string,
  more: readonly string[],
): Promise<Entrant> {
  const setup = await bench.setup(room, room, 'warm');
  const workloads = [`  asking: { sources: [${sourceAddress(0)}], allow: [.example.com] }`];
  const args = await valveArgs(setup, { workloads, more });
  const { directory, port } = setup;
  const log = join(directory, 'log');
  return {
    title,
    directory,
    server: await bench.start({ program: process.execPath, args, port, log }),
  };
}

/** Takes a dnstap stream and forgets it; shakes hands as Frame Streams ask for. */
async function startCollector(): Promise<{ port: number; close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(ACCEPT);
      socket.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
