/**
 * (k) Latency at half of saturation, of the valve beside Unbound: an open loop that counts from when
 * a query was due. Each at half of what it can do itself, and all at half of what the slowest can
 * do. One more valve tells what its garbage collections were.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.ts';
import type { Pause } from './gc.ts';
import type { Run } from './load.ts';
import { type Entrant, loadOf, startAll, warmUp } from './measure.ts';
import { median, table, whole } from './median.ts';
import { seen } from './report.ts';
import { type Contestant, PLANS, type ScenarioPlan } from './scenario.ts';
import { valve, valveArgs } from './valve.ts';

const SOCKETS = 64;
const PEER = 'unbound';
const OBSERVED = 'dnsvalve, observed';
/** Beyond this share of lost queries a latency says nothing. */
const LOST_MAX = 0.001;
const OBSERVER = fileURLToPath(new URL('gc.ts', import.meta.url));

/** The valve with an observer of its collections in each thread; its latency is not shown. */
function observedValve(path: string): Contestant {
  return {
    ...valve,
    name: OBSERVED,
    program: 'env',
    args: async (setup) => [
      `BENCH_GC_FILE=${path}`,
      process.execPath,
      ...(await valveArgs(setup, {}, ['--import', OBSERVER])),
    ],
  };
}

export async function measureLatency(bench: Bench): Promise<void> {
  for (const key of ['a', 'e']) {
    const plan = PLANS.find((one) => one.key === key);
    if (plan !== undefined) await measurePlan(bench, { ...plan, key: `k, load of ${key}` });
  }
}

async function measurePlan(bench: Bench, plan: ScenarioPlan): Promise<void> {
  const pauses = join(bench.directory, `${plan.key.at(-1)}.gc`);
  const peers = bench.contestants.filter(({ name }) => name === PEER);
  const entrants = await startAll(bench, plan, [valve, ...peers, observedValve(pauses)]);
  const saturation = await saturate(bench, plan, entrants);
  const common = Math.floor(Math.min(...saturation.values()) / 2);
  const rows: string[][] = [];
  let round = 2;
  const rates = entrants
    .flatMap((entrant) => {
      const own = Math.floor((saturation.get(entrant) ?? 0) / 2);
      return [common, own].map((rate) => ({ entrant, rate, runs: [] as Run[] }));
    })
    // The slowest's own half is the common one.
    .filter(({ rate }, i) => i % 2 === 0 || rate > common * 1.02)
    .filter(({ entrant, rate }) => entrant.contestant.name !== OBSERVED || rate === common);
  const window = { from: Date.now(), to: 0 };
  for (let turn = 0; turn < bench.options.rounds; turn++) {
    for (const one of rates) {
      bench.note(`${plan.key}: ${one.entrant.contestant.name} at ${one.rate}/s`);
      const load = await loadOf(bench, plan, round++);
      one.runs.push(
        await bench.run(one.entrant.server, { ...withoutDnsperf(load), rate: one.rate }),
      );
    }
  }
  window.to = Date.now();
  for (const { entrant, rate, runs } of rates) {
    checkLoss(bench, plan, entrant, runs);
    if (entrant.contestant.name !== OBSERVED) rows.push(row(entrant, rate, runs));
    if (rate !== common) continue;
    const { name } = entrant.contestant;
    bench.facts.set(`${plan.key}.p999.${name}`, seen(runs, 'p999'));
  }
  const head = ['server', 'queries/s', 'p50 µs', 'p99 µs', 'p99.9 µs', 'max µs', 'longest of all'];
  bench.say(`### (${plan.key}) latency at half of saturation: ${plan.title}\n`);
  bench.say(table(head, rows));
  bench.say(pauseTable(pauses, window));
  for (const { server } of entrants) await bench.stop(server);
}

type Loads = Awaited<ReturnType<typeof loadOf>>;

const withoutDnsperf = (load: Loads): Loads => ({ ...load, byDnsperf: false, sockets: SOCKETS });

async function saturate(
  bench: Bench,
  plan: ScenarioPlan,
  entrants: readonly Entrant[],
): Promise<Map<Entrant, number>> {
  const found = new Map<Entrant, number>();
  for (const [at, entrant] of entrants.entries()) {
    bench.note(`${plan.key}: saturating ${entrant.contestant.name}`);
    await warmUp(bench, plan, entrant.server, await loadOf(bench, plan, 0));
    const load = await loadOf(bench, plan, 1 + at / 10);
    found.set(entrant, (await bench.run(entrant.server, withoutDnsperf(load))).queriesPerSecond);
  }
  return found;
}

function checkLoss(
  bench: Bench,
  plan: ScenarioPlan,
  { contestant }: Entrant,
  runs: readonly Run[],
): void {
  const lost = median(runs.map(({ lostShare }) => lostShare));
  if (lost > LOST_MAX && contestant.name === valve.name) {
    bench.problem(`(${plan.key}) ${contestant.name}: ${(lost * 100).toFixed(2)} % lost`);
  }
}

function row({ contestant }: Entrant, rate: number, runs: readonly Run[]): string[] {
  const keys = ['p50', 'p99', 'p999', 'max'] as const;
  const longest = Math.max(...runs.map((run) => run.seen.max));
  return [
    contestant.name,
    whole(rate),
    ...keys.map((key) => whole(seen(runs, key))),
    whole(longest),
  ];
}

/** What collections the observed valve had, thread by thread. */
function pauseTable(path: string, window: { from: number; to: number }): string {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  const byThread = new Map<string, number[]>();
  for (const line of lines) {
    const { thread, at, ms } = JSON.parse(line) as Pause;
    if (at < window.from || at > window.to) continue;
    byThread.set(thread, [...(byThread.get(thread) ?? []), ms]);
  }
  const seconds = Math.round((window.to - window.from) / 1000);
  const rows = [...byThread].map(([thread, all]) => [
    thread,
    all.length,
    all.reduce((sum, ms) => sum + ms, 0).toFixed(1),
    median(all).toFixed(2),
    Math.max(...all).toFixed(2),
  ]);
  const title = `Garbage collections of one more valve in these ${seconds} s, under load in a part of them:\n`;
  const head = ['thread', 'collections', 'together ms', 'median ms', 'longest ms'];
  return rows.length === 0 ? `${title.trimEnd()} none.\n` : `${title}\n${table(head, rows)}`;
}
