/** The valve as a process of its own, as an operator runs it, and its commands. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'dnsvalve.js');
const TRIES = 3;

export interface Valve {
  readonly port: number;
  /** `native` or `dgram`: how datagrams are moved. */
  readonly io: string;
  readonly process: ChildProcess;
}

/** Every one that was started and may still run. */
const started = new Set<ChildProcess>();

/** Starts it in `directory`, whose configuration is `file`; resolves when it answers. */
export async function startValve(
  directory: string,
  file: string,
  upstreamPort: number,
  host: '127.0.0.1' | '[::1]' = '127.0.0.1',
): Promise<Valve> {
  let said = '';
  for (let i = 0; i < TRIES; i++) {
    const port = await freePort();
    const listen = ['--listen', `${host}:${port}`, '--upstream', `127.0.0.1:${upstreamPort}`];
    const child = spawn(process.execPath, [PROGRAM, 'serve', '-c', file, ...listen], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.add(child);
    const log = await readyOrEnd(child);
    const line = log.split('\n').find((candidate) => candidate.includes(READY));
    if (line !== undefined) return { port, io: ioOf(line), process: child };
    started.delete(child);
    said = log;
  }
  throw new Error(`dnsvalve did not start:\n${said}`);
}

const READY = '"msg":"ready"';

/** What it said until every worker listens, or until it ended. */
function readyOrEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.includes(READY) && chunk.includes('\n')) resolve(text);
      });
    }
    child.once('close', () => resolve(text));
    child.once('error', reject);
  });
}

function ioOf(line: string): string {
  return /"io":"([a-z]+)"/.exec(line)?.[1] ?? 'unknown';
}

/**
 * SIGTERM: drains, writes the history and the alerts, ends.
 *
 * @returns its exit status
 */
export async function stopValve({ process: child }: Valve): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }
  started.delete(child);
  return child.exitCode ?? 1;
}

/** Ends whatever was started, also what does not answer yet. */
export async function stopAll(): Promise<void> {
  for (const child of started) await stopValve({ port: 0, io: '', process: child });
}

/** Rows of a reading command, as it prints them with --jsonl. */
export async function rowsOf<Row>(directory: string, ...args: string[]): Promise<Row[]> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [PROGRAM, ...args, '--jsonl'], { cwd: directory });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}
