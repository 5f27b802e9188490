/**
 * What a large estate costs at start and at rest: a feed of 1,000,000 domains and 100,000 prefixes,
 * in the words of `dnsvalve status --json`.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { domains, feedDomain, writeLines } from './names.ts';
import { table } from './report.ts';
import { type Command, freePort, SERVER_CORE, type Server } from './server.ts';
import { CONFIG, CONTROL, PROGRAM } from './valve.ts';

const FEED = 1_000_000;
const WORKLOADS = 1_000;
const PREFIXES_EACH = 100;

type Start = (command: Command, core: number) => Promise<Server>;

/** The part of the status document that is shown. */
interface Status {
  readonly policy: { readonly prefixes: number; readonly rules: number; compile_ms: number };
  readonly memory: Readonly<Record<string, number>>;
  readonly feeds: readonly { readonly entries?: number }[];
}

/** @returns a Markdown table */
export async function measureScale(
  directory: string,
  upstreamPort: number,
  start: Start,
): Promise<string> {
  const port = await freePort();
  await writeLines(join(directory, 'feed.txt'), domains(feedDomain, FEED));
  const config = join(directory, CONFIG);
  await writeLines(config, configLines(port, upstreamPort));
  const args = [PROGRAM, 'serve', '--config', config, '--log-level', 'warn'];
  const log = join(directory, 'log');
  const server = await start({ program: process.execPath, args, port, log }, SERVER_CORE);
  try {
    return report(server, readStatus(join(directory, CONTROL)));
  } finally {
    await server.stop();
  }
}

function* configLines(port: number, upstreamPort: number): Generator<string> {
  yield `listen: ["127.0.0.1:${port}"]`;
  yield 'workers: 1';
  yield `upstreams: { default: { servers: ["127.0.0.1:${upstreamPort}"] } }`;
  yield 'feeds: { listed: { source: feed.txt, format: plain, category: malware } }';
  yield 'history: { path: history.db }';
  yield `control: { path: ${CONTROL} }`;
  yield 'state_directory: .';
  yield 'workloads:';
  for (let i = 0; i < WORKLOADS; i++) {
    yield `  workload-${i}:`;
    yield `    allow: [service-${i}.example.com]`;
    yield '    sources:';
    for (let j = 0; j < PREFIXES_EACH; j++) yield `      - ${prefix(i * PREFIXES_EACH + j)}`;
  }
}

/** Nine of ten are IPv4 /28s of 10/8, the tenth an IPv6 /64. */
function prefix(index: number): string {
  if (index % 10 === 9)
    return `"fd00:0:${(index >>> 12).toString(16)}:${(index & 0xfff).toString(16)}::/64"`;
  return `10.${index >>> 12}.${(index >>> 4) & 255}.${(index & 15) << 4}/28`;
}

function readStatus(control: string): Status {
  const args = [PROGRAM, 'status', '--json', '--control', control];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`dnsvalve status ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Status;
}

function report(server: Server, { policy, memory, feeds }: Status): string {
  const entries = feeds.reduce((sum, feed) => sum + (feed.entries ?? 0), 0);
  const rows: [string, string][] = [
    ['feed entries', entries.toLocaleString('en')],
    ['prefixes', policy.prefixes.toLocaleString('en')],
    ['start to first answer, s', server.loadSeconds.toFixed(2)],
    ['of that compiling (compile_ms), s', (policy.compile_ms / 1000).toFixed(2)],
    ['RSS of the process, MB', Math.round(server.residentMegabytes()).toString()],
  ];
  for (const [name, octets] of Object.entries(memory)) {
    rows.push([`memory.${name}, MB`, (octets / 1e6).toFixed(1)]);
  }
  const title = '### (e) a feed of 1,000,000 domains and 100,000 prefixes, as `status` says it\n';
  return `${title}\n${table(['', ''], rows)}`;
}
