/** One run of dnsperf against a server, and what it cost that server. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LOAD_CORE, type Server } from './server.ts';

const CLIENTS = 8;
const OUTSTANDING = 400;

export type Rcode = 'NOERROR' | 'NXDOMAIN';

export interface Run {
  /** Processor microseconds of all threads of the server, for each query answered. */
  readonly cpuMicros: number;
  /** The same by thread name. */
  readonly threadMicros: ReadonlyMap<string, number>;
  readonly queriesPerSecond: number;
  readonly latencyMicros: number;
  /** Shares of all queries, 0..1: answered with the expected RCODE, and not answered at all. */
  readonly expectedShare: number;
  readonly lostShare: number;
  readonly residentMegabytes: number;
}

export interface Load {
  /** File of `NAME TYPE` lines. */
  readonly queries: string;
  /** Longest time, and whether to stop at the end of the file. */
  readonly seconds: number;
  readonly once: boolean;
  readonly expect: Rcode;
}

/** @throws Error when dnsperf fails or nothing was answered */
export async function run(server: Server, load: Load): Promise<Run> {
  const before = server.cpuSeconds();
  const threadsBefore = server.threadSeconds();
  const text = await dnsperf(server.port, load);
  const cpuSeconds = server.cpuSeconds() - before;
  const threads = server.threadSeconds();
  const sent = figure(text, /Queries sent:\s+(\d+)/);
  const completed = figure(text, /Queries completed:\s+(\d+)/);
  if (completed === 0) throw new Error(`dnsperf got no answer:\n${text}`);
  const expected = Number(new RegExp(`${load.expect} (\\d+)`).exec(text)?.[1] ?? 0);
  return {
    cpuMicros: (cpuSeconds / completed) * 1e6,
    threadMicros: new Map(
      [...threads].map(([name, seconds]) => [
        name,
        ((seconds - (threadsBefore.get(name) ?? 0)) / completed) * 1e6,
      ]),
    ),
    queriesPerSecond: figure(text, /Queries per second:\s+([\d.]+)/),
    latencyMicros: figure(text, /Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    expectedShare: expected / completed,
    lostShare: (sent - completed) / sent,
    residentMegabytes: server.residentMegabytes(),
  };
}

async function dnsperf(port: number, load: Load): Promise<string> {
  const args = ['-c', String(LOAD_CORE), 'dnsperf', '-s', '127.0.0.1', '-p', String(port)];
  args.push('-c', String(CLIENTS), '-q', String(OUTSTANDING), '-t', '2');
  args.push('-d', load.queries, '-l', String(load.seconds));
  if (load.once) args.push('-n', '1');
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.resume();
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`dnsperf ended with status ${status}:\n${text}`);
  return text;
}

function figure(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`dnsperf did not print ${pattern}:\n${text}`);
  return Number(found);
}
