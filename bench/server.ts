/**
 * A server under measurement: started on one core, watched through /proc, stopped by its id.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** The core of what is measured, and the core of the load and the upstream. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

const PROBE_EVERY_MS = 5;
const SETTLE_EVERY_MS = 250;
/** Resident memory has settled when it moved by less than this for a second. */
const SETTLED_MEGABYTES = 0.5;
const SETTLE_LIMIT_MS = 15_000;
/** Longer than anything waits that the valve gathers before it is written. */
const QUIET_EVERY_MS = 600;
const QUIET_SECONDS = 0.03;
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
  /** What it must answer to be ready; any answer to some name will do when not given. */
  readonly probe?: Probe;
}

export interface Probe {
  readonly name: string;
  readonly rcode: number | 'any';
  readonly transport: 'udp' | 'tcp';
}

const ANY_ANSWER: Probe = { name: 'probe.test', rcode: 'any', transport: 'udp' };

/** Seconds for which a core had nothing to run, since the machine started. */
export function idleSeconds(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'latin1'));
  const fields = line?.[1]?.split(' ').map(Number) ?? [];
  return ((fields[3] ?? 0) + (fields[4] ?? 0)) / TICKS_PER_SECOND;
}

/** Processor time of one thread. */
export interface ThreadTime {
  readonly name: string;
  readonly seconds: number;
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
  static async start(command: Command, cores: number | string): Promise<Server> {
    const log = openSync(command.log, 'w');
    const startedAt = performance.now();
    const child = spawn('taskset', ['-c', String(cores), command.program, ...command.args], {
      stdio: ['ignore', log, log],
    });
    try {
      await untilAnswers(child, command.port, command.probe ?? ANY_ANSWER);
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
    return cpuSecondsOf(this.pid);
  }

  /** The same by thread ID. */
  threadSeconds(): Map<string, ThreadTime> {
    const tasks = `/proc/${this.pid}/task`;
    return new Map(readdirSync(tasks).map((id) => [id, readStat(`${tasks}/${id}/stat`)]));
  }

  residentMegabytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }

  /** The same when it no longer changes. */
  async settledMegabytes(): Promise<number> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    const last = [this.residentMegabytes()];
    while (performance.now() < deadline) {
      await wait(SETTLE_EVERY_MS);
      last.push(this.residentMegabytes());
      const second = last.slice(-5);
      const moved = Math.max(...second) - Math.min(...second);
      if (second.length === 5 && moved < SETTLED_MEGABYTES) break;
    }
    return last.at(-1) ?? 0;
  }

  /** Resolves when it does next to nothing: what a load left to be done is part of its cost. */
  async quiet(): Promise<void> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    for (let before = this.cpuSeconds(); performance.now() < deadline; ) {
      await wait(QUIET_EVERY_MS);
      const now = this.cpuSeconds();
      if (now - before <= QUIET_SECONDS) return;
      before = now;
    }
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

/** Seconds of processor time that all threads of a process have used. */
export function cpuSecondsOf(pid: number): number {
  return readStat(`/proc/${pid}/stat`).seconds;
}

function readStat(path: string): ThreadTime {
  const stat = readFileSync(path, 'latin1');
  // The name may hold spaces and brackets: what follows is counted from its end.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  // Its own time and that of children that have ended: some fork for each connection.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
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

/** Asks again and again until the wanted answer comes. */
async function untilAnswers(child: ChildProcess, port: number, probe: Probe): Promise<void> {
  const socket = createSocket('udp4');
  let hasAnswered = false;
  socket.on('message', (message) => {
    if (probe.rcode === 'any' || ((message[3] ?? 0) & 15) === probe.rcode) hasAnswered = true;
  });
  socket.on('error', () => {});
  const query = queryFor(probe.name);
  const deadline = performance.now() + START_LIMIT_MS;
  try {
    while (!hasAnswered) {
      if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`nothing for ${START_LIMIT_MS} ms`);
      if (probe.transport === 'udp') socket.send(query, port, '127.0.0.1');
      else hasAnswered = await connects(port);
      await wait(PROBE_EVERY_MS);
    }
  } finally {
    socket.close();
  }
}

function queryFor(name: string): Buffer {
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label);
  const header = '\x12\x34\x01\0\0\x01\0\0\0\0\0\0';
  return Buffer.from(`${header}${labels.join('')}\0\0\x01\0\x01`, 'latin1');
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/**
 * A port of 127.0.0.1 that is free now for UDP and TCP. Below those that the kernel deals out to unbound sockets
 * (32768 and up), or one of the many that forward would take it before its server is up.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS_FROM, PORTS_BEFORE);
    const socket = createSocket('udp4');
    const listener = createServer();
    socket.bind(port, '127.0.0.1');
    listener.listen(port, '127.0.0.1');
    const isFree = (await Promise.all([isUp(socket), isUp(listener)])).every(Boolean);
    socket.close();
    listener.close();
    if (isFree) return port;
  }
}

async function isUp(what: EventEmitter): Promise<boolean> {
  return once(what, 'listening').then(
    () => true,
    () => false,
  );
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
