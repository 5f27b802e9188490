/**
 * The scenarios in which every server does the same work: everybody up, everybody warm, then round
 * after round in turn, so that what else happens on the machine meets them alike.
 */

import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { checkRun } from './checks.ts';
import type { Load, Run } from './load.ts';
import { median } from './median.ts';
import { writeLines } from './names.ts';
import { scenarioTable } from './report.ts';
import type { Contestant, ScenarioPlan, Setup } from './scenario.ts';
import type { Server } from './server.ts';
import { statusOf, valve } from './valve.ts';

/** A server in a scenario, and its runs so far. */
export interface Entrant {
  readonly contestant: Contestant;
  readonly setup: Setup;
  readonly server: Server;
  readonly runs: Run[];
  /** What was not as meant, without repeats. */
  readonly wrong: Set<string>;
}

export async function measureScenario(bench: Bench, plan: ScenarioPlan): Promise<void> {
  const floor = bench.floor(plan.floor);
  const contestants = [floor, ...bench.contestants.filter((one) => canTake(one, plan))];
  const entrants = await startAll(bench, plan, contestants);
  for (let round = 0; round <= bench.options.rounds; round++) {
    const load = await loadOf(bench, plan, round);
    for (const entrant of entrants) {
      const { name } = entrant.contestant;
      bench.note(`${plan.key}: ${round === 0 ? 'warming' : `round ${round} of`} ${name}`);
      if (round === 0) await warmUp(bench, plan, entrant.server, load);
      else await measureOne(bench, plan, entrant, load);
    }
  }
  bench.say(scenarioTable(plan, entrants));
  keepFacts(bench, plan.key, entrants);
  for (const { server } of entrants) await bench.stop(server);
}

function canTake({ takes }: Contestant, plan: ScenarioPlan): boolean {
  return takes === undefined ? plan.mode === 'udp' : takes(plan);
}

export async function startAll(
  bench: Bench,
  plan: ScenarioPlan,
  contestants: readonly Contestant[],
): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  for (const contestant of contestants) {
    const { name } = contestant;
    bench.note(`${plan.key}: starting ${name}`);
    const setup = await bench.setup(`${plan.key}-${name}`, name, plan.scenario);
    const server = await bench.startContestant(contestant, setup);
    entrants.push({ contestant, setup, server, runs: [], wrong: new Set() });
  }
  return entrants;
}

/**
 * Caches full, then the load itself for as long as a round: a daemon runs for weeks, and what its
 * compiler does in the first seconds is none of what a query costs.
 */
export async function warmUp(
  bench: Bench,
  plan: ScenarioPlan,
  server: Server,
  load: Load,
): Promise<void> {
  const once = { ...load, once: true };
  const { warmLines } = plan;
  if (warmLines !== undefined) {
    const queries = join(bench.directory, 'warm');
    await writeLines(queries, warmLines());
    await bench.run(server, { ...once, queries });
  } else if (plan.freshRate === 0) {
    // Over UDP in any case: dnsdist would ask for the rest over TCP.
    await bench.run(server, once);
  }
  await bench.run(server, load);
}

/** One run, and whether it was what it should be. */
async function measureOne(
  bench: Bench,
  plan: ScenarioPlan,
  entrant: Entrant,
  load: Load,
): Promise<void> {
  const { contestant, server, runs } = entrant;
  const isValve = contestant.name === valve.name;
  const before = isValve ? (await statusOf(entrant.setup.directory)).counters : null;
  const upstream = bench.upstreamCount();
  const run = await bench.run(server, load);
  runs.push(run);
  const after = isValve ? (await statusOf(entrant.setup.directory)).counters : null;
  const moved = { upstream: bench.upstreamCount() - upstream, counters: grown(before, after) };
  for (const text of checkRun(plan, run, moved, contestant.name === 'floor')) {
    entrant.wrong.add(text);
    if (isValve || contestant.name === 'floor') {
      bench.problem(`(${plan.key}) ${contestant.name}: ${text}`);
    }
  }
}

type Counters = Readonly<Record<string, number>> | null;

function grown(before: Counters, after: Counters): Counters {
  if (before === null || after === null) return null;
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
  );
}

/** The load of one round; `round` 0 is the warm-up. */
export async function loadOf(bench: Bench, plan: ScenarioPlan, round: number): Promise<Load> {
  const { seconds, generator } = bench.options;
  const queries = join(bench.directory, 'queries');
  if (round === 0 || plan.freshRate > 0) {
    await writeLines(queries, plan.lines(round, plan.freshRate * seconds));
  }
  const { mode, sockets, sources } = plan;
  const load = { queries, seconds, mode, sockets };
  if (sources > 1) return { ...load, sources };
  return { ...load, byDnsperf: generator === 'dnsperf' && mode === 'udp' };
}

function keepFacts(bench: Bench, key: string, entrants: readonly Entrant[]): void {
  for (const { contestant, runs } of entrants) {
    const cost = median(runs.map(({ cpuMicros }) => cpuMicros));
    if (!Number.isNaN(cost)) bench.facts.set(`${key}.${contestant.name}`, cost);
  }
  const mine = entrants.find(({ contestant }) => contestant.name === valve.name);
  const resident = mine?.runs.flatMap(({ residentOverTime }) => residentOverTime) ?? [];
  const half = resident.slice(resident.length >>> 1);
  // How much more is resident at the end than half way through.
  bench.facts.set(`${key}.growth`, (half.at(-1) ?? 0) / (half[0] ?? 1));
}
