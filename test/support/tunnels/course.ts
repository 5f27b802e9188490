/**
 * A tool's client and server with a valve between them, and what is seen of it:
 *
 *     client -- tap -- valve -- exit -- server          near | far
 *
 * The tap is at the client's host: all that it asks, all that it gets. The exit is before the tool's
 * server: all that leaves. A tool that needs the letter case, which the valve does not let through,
 * gets it back at the exit, or there would be no tunnel to look at.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert } from '../../../src/alerts/alert.ts';
import type { Message } from '../message.ts';
import { type Program, until } from '../processes.ts';
import { Valve } from '../valve.ts';
import { FAR_ADDRESS, Hosts, NEAR_ADDRESS } from './hosts.ts';
import { Relay } from './relay.ts';
import { type Tool, ZONE } from './tools.ts';

const BYTES = join(import.meta.dirname, 'bytes-process.ts');
const EXIT_PORT = 5400;
const SERVER_PORT = 5500;
const SMALL_MTU = '128';
/** Tools wait for seconds before they ask again. */
const PATIENCE_MS = 60_000;

export interface CourseShape {
  readonly tool: Tool;
  /** The value of `detect:`. */
  readonly detect: string;
  /** The entry of the allowlist. */
  readonly allow: string;
  /** Without it a tool that needs the letter case does not get it back. */
  readonly bringsCaseBack?: boolean;
}

export class Course {
  readonly hosts: Hosts;
  readonly valve: Valve;
  readonly tap: Relay;
  readonly exit: Relay;
  readonly #tool: Tool;
  readonly #taker: Program;
  readonly #server: Program;
  readonly #programs: Program[];

  private constructor(tool: Tool, hosts: Hosts, valve: Valve, parts: Parts) {
    this.#tool = tool;
    this.hosts = hosts;
    this.valve = valve;
    this.tap = parts.tap;
    this.exit = parts.exit;
    this.#taker = parts.taker;
    this.#server = parts.server;
    this.#programs = [parts.taker, parts.server];
  }

  static async open(shape: CourseShape): Promise<Course> {
    const { tool } = shape;
    const hosts = await Hosts.open();
    const valve = await startValve(hosts, shape);
    const tapLog = join(valve.folder, 'tap.log');
    const tap = await Relay.start(hosts, {
      end: 'near',
      listen: ['127.0.0.1', 53],
      to: [FAR_ADDRESS, valve.port],
      log: tapLog,
    });
    const bringsBack = tool.needsCase && shape.bringsCaseBack !== false;
    const exit = await Relay.start(hosts, {
      end: 'far',
      listen: ['127.0.0.1', EXIT_PORT],
      to: ['127.0.0.1', SERVER_PORT],
      log: join(valve.folder, 'exit.log'),
      ...(bringsBack ? { cases: tapLog } : {}),
    });
    const server = hosts.start('far', tool.server(SERVER_PORT, valve.folder));
    await server.says(tool.serving);
    const taker = hosts.start('far', bytes('take', tool.outlet));
    await taker.says('listening');
    return new Course(tool, hosts, valve, { tap, exit, taker, server });
  }

  /** Octets that came out at the far end. */
  get taken(): number {
    return Number([...this.#taker.said.matchAll(/taken (\d+)/g)].at(-1)?.[1] ?? 0);
  }

  startClient({ isSparing = false } = {}): Program {
    return this.#keep(this.hosts.start('near', this.#tool.client(isSparing, this.valve.folder)));
  }

  /** Resolves when the tool is ready to take octets at the near end. */
  async opened(client: Program): Promise<void> {
    await this.when('the tunnel is open', () => client.said.includes(this.#tool.open));
  }

  /** Sends random octets into the near end. */
  give(count: number): Program {
    return this.#keep(this.hosts.start('near', [...bytes('give', this.#tool.inlet), `${count}`]));
  }

  /** @throws Error when it does not become true in a generous time */
  async when(what: string, isSo: () => boolean): Promise<void> {
    await until(what, () => (isSo() ? true : null), PATIENCE_MS);
  }

  alerts(): Alert[] {
    const path = join(this.valve.folder, 'alerts.jsonl');
    const lines = readFileSync(path, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Alert);
  }

  /**
   * Octets that the tool's server decoded, of all sorts; where it has no device that counts them, what
   * came out at the far end once the server has ended.
   */
  async decoded(): Promise<number> {
    if (this.#tool.device !== null) return (await this.#device('far', this.#tool.device)).rx.bytes;
    await this.#server.stop();
    await this.when('all connections ended', () => this.#open === 0);
    return this.taken;
  }

  /**
   * Small packets: few octets are on the way when the tunnel is stopped, and of the short names of a
   * sparing client no more are needed than the 16 that iodine can number.
   */
  async shrinkPackets(): Promise<void> {
    const { device } = this.#tool;
    if (device === null) return;
    await this.hosts.ip('near', ['link', 'set', device, 'mtu', SMALL_MTU]);
  }

  async stop(): Promise<void> {
    for (const program of this.#programs) await program.stop();
    await this.tap.stop();
    await this.exit.stop();
    await this.valve.stop();
    await this.hosts.close();
  }

  /** Connections at the far end. */
  get #open(): number {
    return Number([...this.#taker.said.matchAll(/(\d+) open/g)].at(-1)?.[1] ?? 0);
  }

  async #device(end: 'near' | 'far', device: string): Promise<Link['stats64']> {
    const said = await this.hosts.ip(end, ['-s', '-j', 'link', 'show', device]);
    const [link] = JSON.parse(said) as [Link];
    return link.stats64;
  }

  #keep(program: Program): Program {
    this.#programs.unshift(program);
    return program;
  }
}

interface Parts {
  readonly tap: Relay;
  readonly exit: Relay;
  readonly taker: Program;
  readonly server: Program;
}

interface Link {
  readonly stats64: { readonly rx: { readonly bytes: number } };
}

/** Octets of distinct names, without the zone and the dot before it. */
export function octetsOf(queries: readonly Message[]): number {
  const parts = new Set(queries.map((query) => partOf(query)));
  return [...parts].reduce((sum, part) => sum + part.length, 0);
}

/** What stands before the zone in wire form, an octet a character, without regard to case. */
export function partOf({ question }: Message): string {
  const name = question.subarray(0, question.length - 4).toString('latin1');
  return name.slice(1, -(ZONE.length + 2)).toLowerCase();
}

function startValve(hosts: Hosts, { detect, allow }: CourseShape): Promise<Valve> {
  return Valve.start({
    under: hosts.at('far'),
    listen: [FAR_ADDRESS],
    config: `upstreams: { lab: { servers: ["127.0.0.1:${EXIT_PORT}"] } }
forward: { ${ZONE}: { upstream: lab, internal: false } }
alerts: [ { to: "file:alerts.jsonl" } ]
detect: ${detect}
workloads:
  client: { sources: [${NEAR_ADDRESS}/32], mode: enforce, allow: [ ${allow} ] }
`,
  });
}

function bytes(role: 'take' | 'give', [address, port]: readonly [string, number]): string[] {
  return [process.execPath, BYTES, role, address, String(port)];
}
