/**
 * (s) One worker and two: what a query costs when another worker shares the ports. On one core both
 * do what one did; on two the load has to share the second, so that queries/s says less than the
 * cost of a query.
 */

import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Run } from './load.ts';
import { loadOf, warmUp } from './measure.ts';
import { median, table, whole } from './median.ts';
import { PLANS } from './scenario.ts';
import { LOAD_CORE, SERVER_CORE, type Server } from './server.ts';
import { valveArgs } from './valve.ts';

const SOURCES = 1_000;
/** Enough sockets and addresses that the kernel's hash deals the queries out evenly. */
const SOCKETS = 64;
const WORKER = /^dnsvalve-worker/;

interface Case {
  readonly workers: number;
  readonly cores: string;
  readonly server: Server;
  readonly runs: Run[];
}

export async function measureScaling(bench: Bench): Promise<void> {
  const plan = { ...PLANS.find(({ key }) => key === 'a')!, key: 's', sources: SOURCES };
  const load = { ...(await loadOf(bench, plan, 0)), sockets: SOCKETS };
  const cases: Case[] = [];
  for (const cores of [`${SERVER_CORE}`, `${SERVER_CORE},${LOAD_CORE}`]) {
    for (const workers of [1, 2]) {
      const setup = await bench.setup(`s-${workers}-${cores.length}`, 'scaling', 'warm');
      const args = await valveArgs(setup, { workers });
      const command = { program: process.execPath, args, port: setup.port };
      const log = join(setup.directory, 'log');
      const server = await bench.start({ ...command, log }, cores);
      cases.push({ workers, cores, server, runs: [] });
    }
  }
  for (const { server } of cases) await warmUp(bench, plan, server, load);
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const { workers, cores, server, runs } of cases) {
      bench.note(`s: round ${round}, ${workers} workers, cores ${cores}`);
      runs.push(await bench.run(server, load));
    }
  }
  for (const { workers, cores, runs } of cases) {
    bench.facts.set(`s.${cores.includes(',') ? 'two' : 'one'}.${workers}`, cost(runs));
  }
  const head = ['workers', 'cores', 'CPU µs/query', 'queries/s', 'least busy worker, share'];
  bench.say('### (s) one worker and two, warm cache, 1,000 addresses\n');
  bench.say(table(head, cases.map(row)));
  for (const { server } of cases) await bench.stop(server);
}

const cost = (runs: readonly Run[]): number => median(runs.map(({ cpuMicros }) => cpuMicros));

function row({ workers, cores, runs }: Case): string[] {
  return [
    String(workers),
    cores.includes(',') ? 'both, beside the load' : 'one of its own',
    cost(runs).toFixed(2),
    whole(median(runs.map(({ queriesPerSecond }) => queriesPerSecond))),
    workers === 1 ? '' : `${Math.round(median(runs.map(leastShare)) * 100)} %`,
  ];
}

/** Of the processor time of all workers, the part of the one that had least. */
function leastShare({ threads }: Run): number {
  const micros = threads.filter(({ name }) => WORKER.test(name)).map((one) => one.micros);
  return Math.min(...micros) / micros.reduce((sum, one) => sum + one, 0);
}
