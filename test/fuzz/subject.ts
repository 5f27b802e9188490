/**
 * The valve as a process under attack, and what must stay as it is however long that lasts: alive,
 * silent in its log, without faults, no bigger and with no more descriptors.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../src/control/client.ts';
import { heldBy } from '../support/growth.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');

export interface SubjectShape {
  readonly backend: 'native' | 'dgram';
  /** Files of the configuration by name; `main.yaml` is the one that is served. */
  files(port: number): Readonly<Record<string, string>>;
  /** The program's entry, when it is another checkout's. */
  readonly entry?: string;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Subject {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.port = port;
    this.#folder = folder;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString('latin1');
      });
    }
  }

  static async start(shape: SubjectShape): Promise<Subject> {
    const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-fuzz-'));
    const port = await freePort();
    for (const [name, text] of Object.entries(shape.files(port))) {
      writeFileSync(join(folder, name), text);
    }
    const args = [shape.entry ?? ENTRY, 'serve', '-c', join(folder, 'main.yaml')];
    const native = shape.backend === 'dgram' ? 'off' : '';
    const env = { ...process.env, DNSVALVE_NATIVE: native, ...shape.env };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const subject = new Subject(child, port, folder);
    await until(
      'the valve is ready',
      () => {
        if (!subject.isAlive) throw new Error(`it ended:\n${subject.said}`);
        return subject.said.includes('"msg":"ready"') ? true : null;
      },
      120_000,
    );
    return subject;
  }

  /** All that it wrote so far, both streams. */
  get said(): string {
    return this.#said;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    const status = await ask(join(this.#folder, 'control.sock'), 'status');
    return (status as { counters: Record<string, number> }).counters;
  }

  sample(): ReturnType<typeof heldBy> {
    return heldBy(this.#child.pid ?? 0);
  }

  /** Lines of its log at the levels error and fatal, and whatever is no line of its log. */
  get complaints(): string[] {
    const lines = this.#said.split('\n').filter((line) => line !== '');
    return lines.filter((line) => !/^\{"level":"?(10|20|30|40|debug|info|warn)\b/.test(line));
  }

  /** Ends it and removes its folder. @returns the exit status */
  async stop(): Promise<number | null> {
    if (this.isAlive) {
      const exited = once(this.#child, 'close');
      this.#child.kill('SIGTERM');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
    return this.#child.exitCode;
  }
}
