/**
 * What all measurements share: the directory, the tools, the upstream, the servers that run, and
 * what was found. Loopback only; whatever was started is stopped by its id.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Runner, runnerOf } from './load.ts';
import { domains, feedDomain, writeLines } from './names.ts';
import type { Options } from './options.ts';
import {
  ALLOWED,
  type Contestant,
  FEED_SIZE,
  feedOf,
  type Scenario,
  type Setup,
} from './scenario.ts';
import { type Command, freePort, LOAD_CORE, SERVER_CORE, Server } from './server.ts';

/** The C programs of tools/ with their sources. */
const TOOLS = {
  floor: ['floor.c'],
  relay: ['relay.c'],
  upstream: ['upstream.c'],
  flood: ['flood.c'],
  'floor-tcp': ['floor-tcp.c'],
  'upstream-tcp': ['upstream-tcp.c'],
  load: ['load.c', 'load-udp.c', 'load-tcp.c'],
} as const;

export type Tool = keyof typeof TOOLS;

const FLOOR_NOTE = { version: [], takes: () => true } as const;

export class Bench {
  readonly options: Options;
  readonly contestants: readonly Contestant[];
  /** Figures by name, for the table of goals. */
  readonly facts = new Map<string, number>();
  /** What was not as it was meant to be. The figures beside it count for nothing. */
  readonly problems: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), 'dnsvalve-bench-'));
  readonly run: Runner;
  upstreamPort = 0;
  readonly #running = new Set<Server>();
  readonly #feeds = new Map<number, string>();

  constructor(options: Options, contestants: readonly Contestant[]) {
    this.options = options;
    this.contestants = contestants;
    for (const name of Object.keys(TOOLS) as Tool[]) this.#build(name);
    this.run = runnerOf(this.tool('load'));
  }

  tool(name: Tool): string {
    return join(this.directory, name);
  }

  async startUpstream(): Promise<void> {
    this.upstreamPort = await freePort();
    const port = this.upstreamPort;
    const log = join(this.directory, 'upstream.log');
    const args = [String(port), join(this.directory, 'upstream.counts')];
    await this.start({ program: this.tool('upstream'), args, port, log }, LOAD_CORE);
    const probe = { name: '', rcode: 'any', transport: 'tcp' } as const;
    const program = this.tool('upstream-tcp');
    await this.start({ program, args: [String(port)], port, log, probe }, LOAD_CORE);
  }

  /** Queries that the upstream has had over UDP. */
  upstreamCount(): number {
    return Number(readFileSync(join(this.directory, 'upstream.counts')).readBigUInt64LE(0));
  }

  /** The program that does the same I/O and nothing else. */
  floor(name: 'floor' | 'relay' | 'floor-tcp'): Contestant {
    const program = this.tool(name);
    if (name === 'floor-tcp') {
      const probe = { name: '', rcode: 'any', transport: 'tcp' } as const;
      const args = async ({ port }: Setup) => [String(port)];
      return { ...FLOOR_NOTE, name: 'floor', program, probe, args };
    }
    const rest = name === 'relay' ? [String(this.upstreamPort)] : [];
    return {
      ...FLOOR_NOTE,
      name: 'floor',
      program,
      args: async ({ port, directory }) => [String(port), join(directory, 'counts'), ...rest],
    };
  }

  /** The file of a feed, written once. */
  async feedFile(size: number): Promise<string> {
    const known = this.#feeds.get(size);
    if (known !== undefined) return known;
    const path = join(this.directory, `feed-${size}`);
    await writeLines(path, domains(feedDomain, size));
    this.#feeds.set(size, path);
    return path;
  }

  /** Everything a contestant is told, with a directory and a port of its own. */
  async setup(room: string, name: string, scenario: Scenario): Promise<Setup> {
    return {
      name,
      scenario,
      directory: this.room(room),
      port: await freePort(),
      upstreamPort: this.upstreamPort,
      allowed: ALLOWED,
      feed: feedOf(FEED_SIZE),
      feedFile: await this.feedFile(FEED_SIZE),
    };
  }

  async startContestant(contestant: Contestant, setup: Setup): Promise<Server> {
    const args = await contestant.args(setup);
    const log = join(setup.directory, 'log');
    const { program, probe } = contestant;
    const command = { program, args, port: setup.port, log };
    return this.start(probe === undefined ? command : { ...command, probe });
  }

  async start(command: Command, cores: number | string = SERVER_CORE): Promise<Server> {
    const server = await Server.start(command, cores);
    this.#running.add(server);
    return server;
  }

  async stop(server: Server): Promise<void> {
    await server.stop();
    this.#running.delete(server);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((server) => this.stop(server)));
    rmSync(this.directory, { recursive: true, force: true });
  }

  room(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path);
    return path;
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.note(`PROBLEM: ${text}`);
  }

  #build(name: Tool): void {
    const sources = TOOLS[name].map((file) =>
      fileURLToPath(new URL(`tools/${file}`, import.meta.url)),
    );
    const args = ['-O2', ...sources, '-o', this.tool(name)];
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`compiling ${name}:\n${stderr}`);
  }
}
