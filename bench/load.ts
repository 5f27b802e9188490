/** One run of load against a server, and what it cost that server. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { idleSeconds, LOAD_CORE, SERVER_CORE, type Server } from './server.ts';

const SAMPLE_MS = 250;

export const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;
export type Rcode = (typeof RCODES)[number];

export type Mode = 'udp' | 'pipelined' | 'connections';

export interface Load {
  /** File of `NAME TYPE [SOURCE]` lines. */
  readonly queries: string;
  /** Longest time, and whether to stop at the end of the file. */
  readonly seconds: number;
  readonly once?: boolean;
  readonly mode?: Mode;
  readonly sockets?: number;
  readonly outstanding?: number;
  /** Queries a second whatever comes back; without it as fast as answers come. */
  readonly rate?: number;
  /** Addresses that ask. */
  readonly sources?: number;
  readonly sliceMs?: number;
  /** Before all else on its core, by a real-time priority: others there are not to be measured. */
  readonly first?: boolean;
  /** Asked by dnsperf: one address, no percentiles. */
  readonly byDnsperf?: boolean;
}

/** What the generator saw; latencies in µs. */
export interface Seen {
  readonly sent: number;
  readonly completed: number;
  readonly lost: number;
  /** Answers that do not belong to what was asked. */
  readonly strange: number;
  readonly reconnects: number;
  /** How often the file was asked to its end. */
  readonly wraps: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly meanMicros: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly rcodes: readonly number[];
  readonly sliceMax: readonly number[];
  readonly sliceCompleted: readonly number[];
}

export interface Run {
  readonly seen: Seen;
  /**
   * Processor microseconds of all threads of the server, for each query answered, with what it had
   * left to do after the last answer.
   */
  readonly cpuMicros: number;
  /** The same by thread name, and by thread. */
  readonly threadMicros: ReadonlyMap<string, number>;
  readonly threads: readonly { readonly name: string; readonly micros: number }[];
  readonly queriesPerSecond: number;
  /** Shares 0..1 of one core that the server and the generator used: who is near 1 is the limit. */
  readonly serverBusy: number;
  readonly loadBusy: number;
  /** Share of the time for which the server's core had nothing to run. */
  readonly coreIdle: number;
  readonly lostShare: number;
  readonly residentMegabytes: number;
  /** Resident MB over the run, one figure every quarter of a second. */
  readonly residentOverTime: readonly number[];
}

/** @param onStart called when the first query leaves */
export type Runner = (server: Server, load: Load, onStart?: () => void) => Promise<Run>;

/** @returns what runs loads with the generator at this path */
export function runnerOf(generator: string): Runner {
  return async (server, load, onStart) => {
    const child = start(generator, server, load);
    const ended = once(child, 'close');
    const text = textOf(child);
    if (load.byDnsperf !== true) await text.holds('ready\n', ended);
    const before = server.cpuSeconds();
    const threadsBefore = server.threadSeconds();
    const idleBefore = idleSeconds(SERVER_CORE);
    const startedAt = performance.now();
    const resident: number[] = [];
    const timer = setInterval(() => resident.push(server.residentMegabytes()), SAMPLE_MS);
    child.stdin?.end('\n');
    onStart?.();
    const [status] = await ended;
    clearInterval(timer);
    const idle = idleSeconds(SERVER_CORE) - idleBefore;
    const elapsed = (performance.now() - startedAt) / 1000;
    if (status !== 0) throw new Error(`the load ended with status ${status}:\n${text.said}`);
    const seen = load.byDnsperf === true ? readDnsperf(text.said, elapsed) : readOwn(text.said);
    if (seen.completed === 0) throw new Error(`no answer at all:\n${text.said}`);
    const busySeconds = server.cpuSeconds() - before;
    // The history is written a little later, and must be nobody else's burden.
    await server.quiet();
    const cpuSeconds = server.cpuSeconds() - before;
    const threads = [...server.threadSeconds()].map(([id, { name, seconds }]) => ({
      name,
      micros: ((seconds - (threadsBefore.get(id)?.seconds ?? 0)) / seen.completed) * 1e6,
    }));
    return {
      seen,
      cpuMicros: (cpuSeconds / seen.completed) * 1e6,
      threadMicros: byName(threads),
      threads,
      queriesPerSecond: seen.completed / seen.seconds,
      serverBusy: busySeconds / seen.seconds,
      loadBusy: seen.cpuSeconds / seen.seconds,
      coreIdle: idle / elapsed,
      lostShare: seen.lost / seen.sent,
      residentMegabytes: server.residentMegabytes(),
      residentOverTime: resident,
    };
  };
}

function byName(threads: Run['threads']): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { name, micros } of threads) sums.set(name, (sums.get(name) ?? 0) + micros);
  return sums;
}

function start(generator: string, server: Server, load: Load): ChildProcess {
  const { mode = 'udp', sockets = 8, outstanding = 400, rate, sources, sliceMs } = load;
  const args = load.byDnsperf === true ? ['dnsperf', '-s', '127.0.0.1'] : [generator];
  args.push('-p', String(server.port), '-d', load.queries, '-l', String(load.seconds));
  args.push('-c', String(sockets), '-q', String(outstanding));
  if (load.byDnsperf === true) {
    args.push('-t', '2');
    if (load.once === true) args.push('-n', '1');
  } else {
    args.push('-m', mode);
    if (rate !== undefined) args.push('-r', String(rate));
    if (sources !== undefined) args.push('-a', String(sources));
    if (sliceMs !== undefined) args.push('-w', String(sliceMs));
    if (load.once === true) args.push('-1');
  }
  if (load.first === true) args.unshift('chrt', '-f', '1');
  return spawn('taskset', ['-c', String(LOAD_CORE), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
}

interface Text {
  readonly said: string;
  holds(wanted: string, ended: Promise<unknown>): Promise<void>;
}

function textOf(child: ChildProcess): Text {
  let said = '';
  const keep = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  // It may end before it reads; its status says so.
  child.stdin?.on('error', () => {});
  return {
    get said() {
      return said;
    },
    async holds(wanted, ended) {
      const end = ended.then(() => true);
      while (!said.includes(wanted)) {
        const isOver = await Promise.race([once(child.stdout!, 'data').then(() => false), end]);
        if (isOver && !said.includes(wanted)) throw new Error(`the load did not start:\n${said}`);
      }
    },
  };
}

function readOwn(text: string): Seen {
  return JSON.parse(text.slice(text.indexOf('{'))) as Seen;
}

function readDnsperf(text: string, elapsed: number): Seen {
  const sent = figure(text, /Queries sent:\s+(\d+)/);
  const completed = figure(text, /Queries completed:\s+(\d+)/);
  const mean = figure(text, /Average Latency \(s\):\s+([\d.]+)/) * 1e6;
  const max = figure(text, /Average Latency .*max ([\d.]+)/) * 1e6;
  const rcode = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(text)?.[1] ?? 0);
  return {
    sent,
    completed,
    lost: sent - completed,
    strange: 0,
    reconnects: 0,
    wraps: 0,
    seconds: completed / figure(text, /Queries per second:\s+([\d.]+)/),
    // It spins: what it would need is not known.
    cpuSeconds: elapsed,
    meanMicros: mean,
    p50: Number.NaN,
    p99: Number.NaN,
    p999: Number.NaN,
    max,
    rcodes: RCODES.map(rcode),
    sliceMax: [],
    sliceCompleted: [],
  };
}

function figure(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`dnsperf did not print ${pattern}:\n${text}`);
  return Number(found);
}
