/**
 * `npm run bench`: the valve beside its peers on this machine, as Markdown for RESULTS.md.
 *
 *   npm run bench -- --seconds 8 --rounds 3 --only a,b --peers unbound,dnsdist
 *
 * Each server runs alone on one core, the load, the upstream and this process on the other. Ends
 * with status 1 when something was not as it was meant to be: then the figures mean nothing.
 */

import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { measureActs } from './acts.ts';
import { Bench } from './bench.ts';
import { measureFairness } from './fairness.ts';
import { goalTable } from './goals.ts';
import { measureLatency } from './latency.ts';
import { measureScenario } from './measure.ts';
import { measureMemory } from './memory.ts';
import { type Options, readOptions } from './options.ts';
import { PEERS } from './peers.ts';
import { measureQueryLog } from './querylog.ts';
import { measureReload } from './reload.ts';
import { measureScaling } from './scaling.ts';
import { type Contestant, PLANS } from './scenario.ts';
import { isInstalled, LOAD_CORE } from './server.ts';
import { measureStart } from './start.ts';
import { valve } from './valve.ts';
import { historyFile, measureHistory } from './write-history.ts';

const NEEDED = ['cc', 'taskset', 'getconf'];

const options = readOptions(process.argv.slice(2));
const needed = options.generator === 'dnsperf' ? [...NEEDED, 'dnsperf'] : NEEDED;
const missing = needed.filter((program) => !isInstalled(program));
if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
// This process looks on now and then: never on the core of what it looks at.
spawnSync('taskset', ['-acp', String(LOAD_CORE), String(process.pid)]);
const { present, absent } = sortPeers(options);
const bench = new Bench(options, present);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void bench.close().finally(() => process.exit(130)));
}
try {
  await measureAll();
} finally {
  await bench.close();
}
if (bench.problems.length > 0) process.exitCode = 1;

async function measureAll(): Promise<void> {
  const { only } = options;
  await bench.startUpstream();
  bench.say(heading());
  for (const plan of PLANS) {
    if (only.has(plan.key[0] ?? '')) await measureScenario(bench, plan);
  }
  if (only.has('h')) await measureStart(bench);
  if (only.has('j')) await measureHistory(bench);
  if (only.has('i')) await measureMemory(bench, historyFile(bench));
  if (only.has('k')) await measureLatency(bench);
  if (only.has('l')) await measureQueryLog(bench);
  if (only.has('q')) await measureFairness(bench);
  if (only.has('r')) await measureReload(bench);
  if (only.has('s')) await measureScaling(bench);
  if (only.has('t')) await measureActs(bench);
  bench.say(goalTable(bench.facts));
  for (const text of bench.problems) bench.say(`- not as it was meant to be: ${text}`);
}

/** Those that are installed; what is missing is named and left out. */
function sortPeers({ peers }: Options): { present: Contestant[]; absent: string[] } {
  const wanted = PEERS.filter(({ name }) => peers.has(name));
  const absent = wanted.filter(({ program }) => !isInstalled(program)).map(({ name }) => name);
  return { present: [valve, ...wanted.filter(({ name }) => !absent.includes(name))], absent };
}

function heading(): string {
  const versions = present.map(
    ({ name, program, version }) => `${name} ${versionOf(program, version)}`,
  );
  const uname = spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim();
  const { rounds, seconds, generator } = options;
  return [
    `${new Date().toISOString().slice(0, 16)}Z, ${cpus()[0]?.model ?? 'unknown CPU'}, ` +
      `${cpus().length} cores, Linux ${uname}, Node ${process.versions.node}`,
    `${versions.join('; ')}`,
    ...absent.map((name) => `${name} is not installed and left out.`),
    `${rounds} rounds of ${seconds} s, medians; load by ${generator === 'own' ? 'tools/load.c' : generator}\n`,
  ].join('\n');
}

function versionOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr.replace(/^\w+ \d+ [\d:]+ /, ''))?.[0] ?? '?';
}
