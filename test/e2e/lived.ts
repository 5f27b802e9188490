/**
 * A resolver as people live with it: commands of several users, queries from many sockets, and what
 * may befall it in between. The daemon and every command go by one clock, which the test sets.
 */

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { TcpClient, UdpClient } from '../support/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { alertsOf } from '../support/history.ts';
import type { Message } from '../support/message.ts';
import { run } from '../support/processes.ts';
import { Valve, type ValveShape } from '../support/valve.ts';

const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');
const FROM = '127.0.0.1';
/** Enough that the kernel deals them to every worker. */
const UDP_SOCKETS = 24;
const TCP_SOCKETS = 8;
export const SOCKETS = UDP_SOCKETS + TCP_SOCKETS;

/** A row of the history, with the names below its domain. */
export interface Pair {
  readonly domain: string;
  readonly queries: number;
  readonly detail: readonly { readonly name: string; readonly queries: number }[];
}

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

export class Lived {
  readonly valve: Valve;
  readonly #clock: FakeClock;
  #offsetMs = 0;
  #clients: UdpClient[] = [];
  #asked = 0;

  private constructor(valve: Valve, clock: FakeClock) {
    this.valve = valve;
    this.#clock = clock;
  }

  static async start(shape: ValveShape): Promise<Lived> {
    const clock = FakeClock.make();
    if (clock === null) throw new Error('libfaketime is not installed');
    const valve = await Valve.start({ ...shape, under: clock.under });
    // The group of the socket may speak to it; the folder lets it pass.
    chmodSync(valve.folder, 0o755);
    const lived = new Lived(valve, clock);
    await lived.#connect();
    return lived;
  }

  /** Queries so far that count. */
  get asked(): number {
    return this.#asked;
  }

  /** ms since the epoch, as the daemon has them. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** @param seconds from the machine's clock; whole ones */
  setClock(seconds: number): void {
    this.#offsetMs = seconds * 1000;
    this.#clock.set(`${seconds < 0 ? '' : '+'}${seconds}`);
  }

  /** Ends it with a signal, does what befalls meanwhile, and starts it anew. */
  async restart(signal: 'SIGTERM' | 'SIGKILL', meanwhile = (): void => {}): Promise<void> {
    const status = await this.valve.program.stop(signal);
    const wanted = signal === 'SIGTERM' ? 0 : null;
    if (status !== wanted) throw new Error(`${signal}: ${status}: ${this.valve.program.said}`);
    meanwhile();
    await this.valve.restart();
    await this.#connect();
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.valve.stop();
    this.#clock.remove();
  }

  /** A command of root's. */
  command(...args: string[]): Promise<Ended> {
    return this.#run([], args);
  }

  /** A command of a user of the socket's group. */
  as(uid: string, ...args: string[]): Promise<Ended> {
    const who = ['--reuid', uid, '--regid', String(process.getgid?.()), '--clear-groups'];
    return this.#run(['setpriv', ...who], args);
  }

  /** @returns what it said, both streams. @throws Error where its status is not 0 */
  async done(...args: string[]): Promise<string> {
    return said(args, await this.command(...args));
  }

  /** The document of a command that prints one, on a line of its own beside any notes. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(documentsOf(await this.done(...args))[0] ?? '') as T;
  }

  /** A command's stdout, in a file as a shell puts it there. */
  async into(path: string, ...args: string[]): Promise<void> {
    said(args, await this.#run(['sh', '-c', `exec "$@" >"${path}"`, 'sh'], args));
  }

  /** What the history has of a workload; nothing before it knows it. */
  async history(workload: string): Promise<Pair[]> {
    const ended = await this.command('history', '--workload', workload, '--names', '--jsonl');
    if (ended.status !== 0) return [];
    return documentsOf(ended.said).map((line) => JSON.parse(line) as Pair);
  }

  /** By the clock from the first instruction of the program on, but not of what starts it. */
  #run(before: readonly string[], args: readonly string[]): Promise<Ended> {
    const node = [process.execPath, ENTRY, ...args, '-c', this.valve.configPath];
    const [program = '', ...rest] = [...before, ...this.#clock.under, ...node];
    return run(program, rest);
  }

  /** What every socket gets; over UDP and TCP. */
  async ask(name: string, type = 'A'): Promise<Message[]> {
    const shape = { name, type, edns: {} };
    const streams = await Promise.all(
      Array.from({ length: TCP_SOCKETS }, () => TcpClient.open(this.valve, FROM)),
    );
    const answers = await Promise.all(
      [...this.#clients, ...streams].map((client) => client.ask(shape)),
    );
    for (const stream of streams) stream.close();
    if (!name.startsWith('_why.')) this.#asked += answers.length;
    return answers;
  }

  /** The different ones, of all names and sockets. */
  async rcodesOf(...names: readonly string[]): Promise<number[]> {
    const all: number[] = [];
    for (const name of names) for (const { rcode } of await this.ask(name)) all.push(rcode);
    return [...new Set(all)].toSorted();
  }

  isAlerted(type: string): boolean {
    return alertsOf(this.valve).some((alert) => alert.type === type);
  }

  async #connect(): Promise<void> {
    for (const client of this.#clients) client.close();
    const opening = Array.from({ length: UDP_SOCKETS }, () => UdpClient.open(this.valve, FROM));
    this.#clients = await Promise.all(opening);
  }
}

function said(args: readonly string[], ended: Ended): string {
  if (ended.status === 0) return ended.said;
  throw new Error(`${args.join(' ')}: ${ended.status}: ${ended.said}`);
}

function documentsOf(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('{'));
}
