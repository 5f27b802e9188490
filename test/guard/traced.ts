/**
 * The valve under strace, and system calls of its data plane counted: while it is stopped its
 * sockets are filled, so that what it finds when it goes on does not depend on anybody's speed.
 */

import { spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lacks, makeFolder, removeFolder, until } from '../support/processes.ts';
import { type Backend, Valve } from '../support/valve.ts';

/** Says why when it is so. */
export function cannotTrace(): boolean {
  if (lacks('strace')) return true;
  const { status, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], {
    encoding: 'utf8',
  });
  if (status === 0) return false;
  process.stderr.write(`skipped, strace may not trace here: ${stderr}\n`);
  return process.env['CI'] === undefined;
}

/** Calls of one thread by name. */
export type Calls = ReadonlyMap<string, number>;

export class TracedValve {
  readonly valve: Valve;
  readonly #folder: string;
  readonly #pid: number;

  private constructor(valve: Valve, folder: string, pid: number) {
    this.valve = valve;
    this.#folder = folder;
    this.#pid = pid;
  }

  static async start(backend: Backend, config: string): Promise<TracedValve> {
    const folder = makeFolder();
    const under = ['strace', '-f', '-qq', '-e', 'signal=none', '-o', join(folder, 'trace')];
    const valve = await Valve.start({ backend, config, under });
    const { pid } = (await valve.status()) as { pid: number };
    return new TracedValve(valve, folder, pid);
  }

  /** Resolves when all of its threads stand still. */
  async halt(): Promise<void> {
    process.kill(this.#pid, 'SIGSTOP');
    await until('the valve stands still', () => {
      const stat = readFileSync(`/proc/${this.#pid}/stat`, 'latin1');
      return /\) [tT] /.test(stat) ? true : null;
    });
  }

  goOn(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  /** Where the trace ends now. */
  mark(): number {
    return statSync(join(this.#folder, 'trace')).size;
  }

  /** What the thread that receives datagrams has called since a mark. */
  callsSince(mark: number): Calls {
    const text = readFileSync(join(this.#folder, 'trace'), 'latin1').slice(mark);
    const byThread = new Map<string, Map<string, number>>();
    for (const line of text.split('\n')) {
      // `<... name resumed>` is the end of a call that was counted when it began.
      const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
      if (thread === undefined || name === undefined) continue;
      const calls = byThread.get(thread) ?? new Map<string, number>();
      byThread.set(thread, calls);
      calls.set(name, (calls.get(name) ?? 0) + 1);
    }
    const all = [...byThread.values()];
    return all.toSorted((a, b) => received(b) - received(a))[0] ?? new Map();
  }

  async stop(): Promise<void> {
    // strace passes no signal on.
    process.kill(this.#pid, 'SIGCONT');
    process.kill(this.#pid, 'SIGTERM');
    await this.valve.program.exit();
    await this.valve.stop();
    removeFolder(this.#folder);
  }
}

const received = (calls: Calls): number =>
  (calls.get('recvmmsg') ?? 0) + (calls.get('recvmsg') ?? 0);

/** A socket of the test that keeps what it gets. */
export class Mailbox {
  readonly socket: Socket;
  readonly got: { readonly octets: Buffer; readonly port: number }[] = [];

  private constructor() {
    this.socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    this.socket.on('message', (octets, { port }) => this.got.push({ octets, port }));
  }

  static async open(): Promise<Mailbox> {
    const mailbox = new Mailbox();
    mailbox.socket.bind(0, '127.0.0.1');
    await once(mailbox.socket, 'listening');
    return mailbox;
  }

  /** Resolves when the kernel has taken it, which on loopback is to say delivered. */
  send(octets: Uint8Array, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(octets, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  }

  async holds(count: number): Promise<void> {
    await until(`${count} messages`, () => (this.got.length >= count ? true : null));
  }

  close(): void {
    this.socket.close();
  }
}
