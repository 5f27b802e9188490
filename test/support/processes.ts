/**
 * Processes that tests start: on free loopback ports, with what they say kept for the failure
 * message, and ended by their own id. Nothing here waits a fixed time.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { until } from './until.ts';

export { freePort } from './ports.ts';
export { until } from './until.ts';

/** What a test that failed halfway leaves behind: ended and removed after the file's last test. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();

function leaveNothing(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const path of folders) rmSync(path, { recursive: true, force: true });
}

// Outside of the test runner (`npm run soak`, `npm run faults`) the program itself ends.
if (process.env['VITEST'] === undefined) process.once('exit', leaveNothing);
else afterAll(leaveNothing);

/** A folder of its own below the system's temporary one. */
export function makeFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'dnsvalve-e2e-'));
  folders.add(path);
  return path;
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  folders.delete(path);
}

/** Whether the programs are there; says which are not. With CI set the tests run and fail. */
export function lacks(...programs: readonly string[]): boolean {
  const missing = programs.filter(
    (program) => spawnSync('which', [program], { stdio: 'ignore' }).status !== 0,
  );
  if (missing.length === 0) return false;
  process.stderr.write(`skipped, not installed: ${missing.join(', ')}\n`);
  return process.env['CI'] === undefined;
}

export class Program {
  readonly child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #said = '';
  /** It has ended, and all that it said was read. */
  #isClosed = false;

  constructor(
    command: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    this.child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#said += chunk.toString('utf8');
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.#exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.#said += error.message;
        this.#isClosed = true;
        resolve(-1);
      });
      this.child.once('close', (code) => {
        this.#isClosed = true;
        resolve(code);
      });
    });
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
  }

  /** All that it wrote so far, both streams. */
  get said(): string {
    return this.#said;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves once it has said `text`. @throws Error with all it said when it ends without */
  async says(text: string | RegExp, after = 0): Promise<void> {
    await until(`the process says ${text}`, () => {
      const said = this.#said.slice(after);
      if (typeof text === 'string' ? said.includes(text) : text.test(said)) return true;
      if (this.#isClosed) throw new Error(`ended without saying ${text}:\n${this.#said}`);
      return null;
    });
  }

  /** The exit status; null when a signal ended it. */
  exit(): Promise<number | null> {
    return this.#exited;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.isRunning) this.child.kill(signal);
    return this.#exited;
  }
}

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ readonly status: number | null; readonly said: string }> {
  const program = new Program(command, args, options);
  const status = await program.exit();
  return { status, said: program.said };
}
