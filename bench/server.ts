/**
 * A server under measurement: started on one core, watched through /proc, stopped by its id.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** The core of what is measured, and the core of the load and the upstream. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

const PROBE_EVERY_MS = 25;
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;
const PORTS_FROM = 20_000;
const PORTS_BEFORE = 32_000;

/** USER_HZ, in which /proc/PID/stat counts. */
const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  /** Where what it prints goes. */
  readonly log: string;
}

export class Server {
  readonly port: number;
  /** From the start of the process to its first answer. */
  readonly loadSeconds: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, loadSeconds: number) {
    this.#child = child;
    this.port = port;
    this.loadSeconds = loadSeconds;
  }

  /** @throws Error when it ends, or does not answer for two minutes; its log says why */
  static async start(command: Command, core: number): Promise<Server> {
    const log = openSync(command.log, 'w');
    const startedAt = performance.now();
    const child = spawn('taskset', ['-c', String(core), command.program, ...command.args], {
      stdio: ['ignore', log, log],
    });
    try {
      await untilAnswers(child, command.port);
    } catch (error) {
      await stop(child);
      const said = readFileSync(command.log, 'utf8').slice(-2000);
      throw new Error(`starting ${command.program}: it does not answer\n${said}`, { cause: error });
    }
    return new Server(child, command.port, (performance.now() - startedAt) / 1000);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Seconds of processor time that all its threads have used, in user and kernel mode. */
  cpuSeconds(): number {
    return readStat(`/proc/${this.pid}/stat`).seconds;
  }

  /** The same by thread name; threads of one name add up. */
  threadSeconds(): Map<string, number> {
    const seconds = new Map<string, number>();
    for (const thread of readdirSync(`/proc/${this.pid}/task`)) {
      const stat = readStat(`/proc/${this.pid}/task/${thread}/stat`);
      seconds.set(stat.name, (seconds.get(stat.name) ?? 0) + stat.seconds);
    }
    return seconds;
  }

  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

function readStat(path: string): { name: string; seconds: number } {
  const stat = readFileSync(path, 'latin1');
  // The name may hold spaces and brackets: what follows is counted from its end.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: stat.slice(stat.indexOf('(') + 1, end), seconds: ticks / TICKS_PER_SECOND };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

/** Asks for one name until any answer comes. */
async function untilAnswers(child: ChildProcess, port: number): Promise<void> {
  const socket = createSocket('udp4');
  let hasAnswered = false;
  socket.on('message', () => {
    hasAnswered = true;
  });
  socket.on('error', () => {});
  const query = Buffer.from(
    '\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05probe\x04test\0\0\x01\0\x01',
    'latin1',
  );
  const deadline = performance.now() + START_LIMIT_MS;
  try {
    while (!hasAnswered) {
      if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`nothing for ${START_LIMIT_MS} ms`);
      socket.send(query, port, '127.0.0.1');
      await wait(PROBE_EVERY_MS);
    }
  } finally {
    socket.close();
  }
}

/**
 * A UDP port of 127.0.0.1 that is free now. Below those that the kernel deals out to unbound sockets
 * (32768 and up), or one of the many that forward would take it before its server is up.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS_FROM, PORTS_BEFORE);
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    const isFree = await once(socket, 'listening').then(
      () => true,
      () => false,
    );
    socket.close();
    if (isFree) return port;
  }
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
