/**
 * (r) A reload of the feed of 1,000,000 domains under load: the longest latency while it goes on,
 * beside the longest in as many quiet moments before. Once with all of the valve on one core, where
 * compiling and answering share it, and once with both cores, where the load has its part of them.
 */

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from '../src/control/client.ts';
import type { Bench } from './bench.ts';
import { loadOf } from './measure.ts';
import { median, table, whole } from './median.ts';
import { domains, feedDomain, writeLines } from './names.ts';
import { FEED_SIZE, PLANS } from './scenario.ts';
import { LOAD_CORE, SERVER_CORE, type Server } from './server.ts';
import { CONTROL, statusOf, valveArgs } from './valve.ts';

const RATE = 20_000;
const SLICE_MS = 100;
/** Of load before the reload, and in all. */
const QUIET_SECONDS = 3;
const SECONDS = 9;
const WARM_SECONDS = 3;

interface Reload {
  /** Of the command until the new tables are in force. */
  readonly seconds: number;
  readonly quietMs: number;
  readonly reloadMs: number;
}

export async function measureReload(bench: Bench): Promise<void> {
  const rows: string[][] = [];
  for (const cores of [`${SERVER_CORE}`, `${SERVER_CORE},${LOAD_CORE}`]) {
    const found = await reloads(bench, cores);
    const added = found.map(({ quietMs, reloadMs }) => reloadMs - quietMs);
    bench.facts.set(cores.includes(',') ? 'r.two' : 'r.one', median(added));
    rows.push([
      cores.includes(',') ? 'both, beside the load' : 'one of its own',
      median(found.map(({ seconds }) => seconds)).toFixed(2),
      median(found.map(({ quietMs }) => quietMs)).toFixed(2),
      median(found.map(({ reloadMs }) => reloadMs)).toFixed(2),
      median(added).toFixed(2),
      added.map((ms) => ms.toFixed(1)).join(', '),
    ]);
  }
  const head = ['cores', 'reload s', 'longest before, ms', 'longest during, ms', 'added', 'each'];
  bench.say(
    `### (r) reload of a feed of ${whole(FEED_SIZE)} domains at ${whole(RATE)} queries/s\n`,
  );
  bench.say(table(head, rows));
}

async function reloads(bench: Bench, cores: string): Promise<Reload[]> {
  const plan = PLANS.find(({ key }) => key === 'a')!;
  const setup = await bench.setup(`r-${cores.length}`, 'reload', 'warm');
  const feedFile = join(setup.directory, 'feed');
  await writeLines(feedFile, domains(feedDomain, FEED_SIZE));
  const args = await valveArgs(setup, { feedFile });
  const command = { program: process.execPath, args, port: setup.port };
  const server = await bench.start({ ...command, log: join(setup.directory, 'log') }, cores);
  const load = { ...(await loadOf(bench, plan, 0)), byDnsperf: false };
  await bench.run(server, { ...load, seconds: WARM_SECONDS });
  const found: Reload[] = [];
  for (let round = 1; round <= bench.options.rounds; round++) {
    bench.note(`r: round ${round}, cores ${cores}`);
    // Another list each time, or there were nothing to do.
    await writeLines(
      feedFile,
      domains((i) => feedDomain(i + round), FEED_SIZE),
    );
    found.push(await reloadOnce(bench, server, setup.directory, load.queries));
  }
  await bench.stop(server);
  return found;
}

async function reloadOnce(
  bench: Bench,
  server: Server,
  directory: string,
  queries: string,
): Promise<Reload> {
  const load = { queries, seconds: SECONDS, rate: RATE, sockets: 64, sliceMs: SLICE_MS };
  const before = await statusOf(directory);
  let startedAt = 0;
  const running = bench.run(server, load, () => {
    startedAt = performance.now();
  });
  while (startedAt === 0) await wait(1);
  await wait(QUIET_SECONDS * 1000);
  const from = performance.now() - startedAt;
  await ask(join(directory, CONTROL), 'reload');
  const to = performance.now() - startedAt;
  const { seen } = await running;
  const { policy, feeds } = await statusOf(directory);
  if (policy.last_reload === before.policy.last_reload || policy.last_reload_error !== null) {
    bench.problem(`(r) no reload: ${policy.last_reload_error}`);
  }
  if (feeds[0]?.entries !== FEED_SIZE) bench.problem(`(r) ${feeds[0]?.entries} feed entries`);
  if (seen.lost > 0) bench.problem(`(r) ${seen.lost} queries lost`);
  if (to > (SECONDS - 1) * 1000) bench.problem('(r) the reload took longer than the load');
  return {
    seconds: (to - from) / 1000,
    ...longest(seen.sliceMax, Math.floor(from / SLICE_MS), Math.ceil(to / SLICE_MS) + 1),
  };
}

/** The longest latency from slice `first` on, and in as many slices before it. */
function longest(
  sliceMax: readonly number[],
  first: number,
  end: number,
): { quietMs: number; reloadMs: number } {
  const count = end - first;
  const quiet = sliceMax.slice(Math.max(2, first - count), first);
  return {
    quietMs: Math.max(...quiet) / 1000,
    reloadMs: Math.max(...sliceMax.slice(first, end)) / 1000,
  };
}
