/**
 * `npm run bench`: the valve beside its peers on this machine, and a Markdown table of what it saw.
 *
 *   npm run bench -- --seconds 5 --rounds 3 --only a,b --peers unbound,dnsdist
 *
 * Each server runs alone on one core, the load and the upstream on the other. All servers of a
 * scenario are up at the same time and asked in turn, round after round, so that what else happens
 * on the machine meets them alike. Loopback only; whatever was started is stopped by its id.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Load, type Run, run } from './load.ts';
import { writeLines } from './names.ts';
import { type Options, readOptions } from './options.ts';
import { PEERS } from './peers.ts';
import { scenarioTable } from './report.ts';
import { measureScale } from './scale.ts';
import { ALLOWED, type Contestant, feedOf, SCENARIOS, type ScenarioPlan } from './scenario.ts';
import { freePort, isInstalled, LOAD_CORE, SERVER_CORE, Server } from './server.ts';
import { valve } from './valve.ts';

/** Time for caches to fill and compilers to settle before the first round. */
const WARM_UP_SECONDS = 2;
const NEEDED = ['cc', 'taskset', 'dnsperf', 'getconf'];

const options = readOptions(process.argv.slice(2));
const directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-'));
const running = new Set<Server>();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(130)));
}
try {
  await bench(options);
} finally {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}

async function bench({ only, peers }: Options): Promise<void> {
  const missing = NEEDED.filter((program) => !isInstalled(program));
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
  const upstreamPort = await freePort();
  const upstream = buildTool('upstream');
  await start({ ...upstream, args: [String(upstreamPort)], port: upstreamPort }, LOAD_CORE);
  const contestants = present([floor(), valve, ...PEERS.filter(({ name }) => peers.has(name))]);
  say(heading(contestants));
  for (const plan of SCENARIOS) {
    if (only.has(plan.key)) await measureScenario(plan, contestants, upstreamPort);
  }
  if (only.has('e')) say(await measureScale(roomFor('scale'), upstreamPort, start));
}

/** Everybody up, everybody warm, then round after round. */
async function measureScenario(
  plan: ScenarioPlan,
  contestants: readonly Contestant[],
  upstreamPort: number,
): Promise<void> {
  const servers = new Map<string, Server>();
  for (const contestant of contestants) {
    // What forwards nothing has no place among forwarders.
    if (plan.scenario === 'new' && contestant.name === 'floor') continue;
    note(`${plan.key}: starting ${contestant.name}`);
    servers.set(contestant.name, await startContestant(contestant, plan, upstreamPort));
  }
  const runs = new Map<string, Run[]>([...servers.keys()].map((name) => [name, []]));
  for (let round = 0; round <= options.rounds; round++) {
    const load = await loadOf(plan, round);
    for (const [name, server] of servers) {
      note(`${plan.key}: ${round === 0 ? 'warming' : `round ${round} of`} ${name}`);
      if (round === 0) await warmUp(server, load);
      else runs.get(name)?.push(await run(server, load));
    }
  }
  const loadSeconds = new Map([...servers].map(([name, server]) => [name, server.loadSeconds]));
  say(scenarioTable(plan, runs, loadSeconds));
  for (const server of servers.values()) await stop(server);
}

async function warmUp(server: Server, load: Load): Promise<void> {
  await run(server, { ...load, once: true, seconds: WARM_UP_SECONDS });
  await run(server, { ...load, seconds: WARM_UP_SECONDS });
}

async function loadOf(plan: ScenarioPlan, round: number): Promise<Load> {
  const queries = join(directory, 'queries');
  if (round === 0 || plan.isFresh) {
    await writeLines(queries, plan.names(round), (name) => `${name} A`);
  }
  return { queries, seconds: options.seconds, once: false, expect: plan.expect };
}

async function startContestant(
  contestant: Contestant,
  plan: ScenarioPlan,
  upstreamPort: number,
): Promise<Server> {
  const { name, program } = contestant;
  const room = roomFor(`${plan.key}-${name}`);
  const port = await freePort();
  const { scenario, feedSize } = plan;
  const lists = { allowed: ALLOWED, feed: feedOf(feedSize) };
  const setup = { name, scenario, directory: room, port, upstreamPort, ...lists };
  const args = await contestant.args(setup);
  return start({ program, args, port, log: join(room, 'log') }, SERVER_CORE);
}

async function start(command: Parameters<typeof Server.start>[0], core: number): Promise<Server> {
  const server = await Server.start(command, core);
  running.add(server);
  return server;
}

async function stop(server: Server): Promise<void> {
  await server.stop();
  running.delete(server);
}

async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop));
}

function roomFor(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

/** Compiles one of the programs of this folder. */
function buildTool(name: string): { program: string; log: string } {
  const program = join(directory, name);
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const { status, stderr } = spawnSync('cc', ['-O2', source, '-o', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`compiling ${source}:\n${stderr}`);
  return { program, log: join(directory, `${name}.log`) };
}

function floor(): Contestant {
  const { program } = buildTool('floor');
  return { name: 'floor', program, version: [], args: async ({ port }) => [String(port)] };
}

/** Those that are installed; what is missing is named and left out. */
function present(all: readonly Contestant[]): Contestant[] {
  return all.filter(({ name, program }) => {
    const isThere = isInstalled(program);
    if (!isThere) say(`${name} is not installed and left out.\n`);
    return isThere;
  });
}

function heading(contestants: readonly Contestant[]): string {
  const versions = contestants
    .filter(({ version }) => version.length > 0)
    .map(({ name, program, version }) => `${name} ${versionOf(program, version)}`);
  return [
    `${new Date().toISOString().slice(0, 16)}Z, ${cpus()[0]?.model ?? 'unknown CPU'}, ` +
      `${cpus().length} cores, Node ${process.versions.node}, ${kernel()}`,
    `${versions.join('; ')}`,
    `${options.rounds} rounds of ${options.seconds} s, dnsperf -c 8 -q 400, medians\n`,
  ].join('\n');
}

function versionOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr.replace(/^\w+ \d+ [\d:]+ /, ''))?.[0] ?? '?';
}

function kernel(): string {
  return `Linux ${spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim()}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
