/**
 * dnsvalve as a process of its own, started the way people start it, with a configuration that the
 * test writes.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../src/native/addon.ts';
import type { Endpoint } from './client.ts';
import { freePort, makeFolder, Program, removeFolder, run } from './processes.ts';

const ENTRY = join(import.meta.dirname, '../../src/dnsvalve.js');
const SYSTEM_ENTRY = join(import.meta.dirname, 'serve-by-resolvconf.ts');

export type Backend = 'native' | 'dgram';

const { addon } = loadAddon();
if (addon === null && process.env['CI'] !== undefined) throw new Error('no native backend');
/** The I/O backends of this machine: each network case runs on all of them. */
export const BACKENDS: readonly Backend[] = addon === null ? ['dgram'] : ['native', 'dgram'];

export interface ValveShape {
  readonly backend?: Backend;
  /** YAML below listen, workers, history, control and state, which are given. */
  readonly config: string;
  /** Data-plane workers; 1 when not given. */
  readonly workers?: number;
  /** Addresses to listen on; 127.0.0.1 when not given. `[]` around IPv6. */
  readonly listen?: readonly string[];
  /** The configuration says itself where to listen; on `port` of 127.0.0.1 too. */
  readonly ownListen?: boolean;
  /** What the machine's resolv.conf holds, for `servers: system`; its own when not given. */
  readonly resolvConf?: string;
  /** A program and its arguments that runs it, such as a tracer. */
  readonly under?: readonly string[];
  /** A port of the test's choice; a free one when not given. */
  readonly port?: number;
  /** Memory for pages of the history, as in a configuration; the default when not given. */
  readonly historyCache?: string;
  /** More options of Node, for all its threads. */
  readonly nodeOptions?: string;
  /** Where history and state are; the folder of the configuration when not given. */
  readonly data?: string;
  /** More files of the configuration's folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

function environment({ backend, nodeOptions = '' }: ValveShape): NodeJS.ProcessEnv {
  const { NODE_OPTIONS = '', ...inherited } = process.env;
  return {
    ...inherited,
    NODE_OPTIONS: `${NODE_OPTIONS} ${nodeOptions}`,
    DNSVALVE_NATIVE: backend === 'dgram' ? 'off' : '',
  };
}

export class Valve implements Endpoint {
  readonly folder: string;
  readonly port: number;
  readonly address = '127.0.0.1';
  readonly #shape: ValveShape;
  #program: Program;

  private constructor(shape: ValveShape, folder: string, port: number) {
    this.#shape = shape;
    this.folder = folder;
    this.port = port;
    this.#program = this.#spawn();
  }

  /** Resolves when it says that it is ready. */
  static async start(shape: ValveShape): Promise<Valve> {
    const folder = makeFolder();
    const port = shape.port ?? (await freePort());
    for (const [name, text] of Object.entries(shape.files ?? {})) {
      writeFileSync(join(folder, name), text);
    }
    writeFileSync(join(folder, 'dnsvalve.yaml'), mainFile(shape, port, shape.config));
    const valve = new Valve(shape, folder, port);
    await valve.program.says('"msg":"ready"');
    return valve;
  }

  get program(): Program {
    return this.#program;
  }

  get configPath(): string {
    return join(this.folder, 'dnsvalve.yaml');
  }

  get historyPath(): string {
    return join(this.#shape.data ?? this.folder, 'history.db');
  }

  /** Options that find the running process whatever its configuration has become. */
  get control(): readonly string[] {
    return ['--control', join(this.folder, 'control.sock')];
  }

  /** The same port at another of its addresses. */
  at(address: string): Endpoint {
    return { address, port: this.port };
  }

  /** Replaces the part of the configuration that the test gave. */
  configure(config: string): void {
    writeFileSync(this.configPath, mainFile(this.#shape, this.port, config));
  }

  /** A dnsvalve command for this instance's configuration. */
  command(...args: readonly string[]): Promise<{ status: number | null; said: string }> {
    return run(process.execPath, [ENTRY, ...args, '-c', this.configPath], {
      env: environment(this.#shape),
    });
  }

  /** The status document. */
  async status(): Promise<Record<string, unknown>> {
    const { status, said } = await this.command('status', '--json', ...this.control);
    if (status !== 0) throw new Error(`status: ${said}`);
    return JSON.parse(said) as Record<string, unknown>;
  }

  /** After it ended: starts it anew in the same folder. */
  async restart(): Promise<void> {
    this.#program = this.#spawn();
    await this.#program.says('"msg":"ready"');
  }

  /** Ends it and removes its folder. @returns the exit status */
  async stop(): Promise<number | null> {
    const status = await this.#program.stop();
    removeFolder(this.folder);
    return status;
  }

  #spawn(): Program {
    const { resolvConf } = this.#shape;
    const args = [ENTRY, 'serve', '-c', this.configPath];
    if (resolvConf !== undefined) {
      const path = join(this.folder, 'resolv.conf');
      writeFileSync(path, resolvConf);
      args.splice(0, args.length, SYSTEM_ENTRY, this.configPath, path);
    }
    const env = environment(this.#shape);
    const [program = '', ...rest] = [...(this.#shape.under ?? []), process.execPath, ...args];
    return new Program(program, rest, { env });
  }
}

function mainFile(shape: ValveShape, port: number, config: string): string {
  const listen = (shape.listen ?? ['127.0.0.1']).map((address) => `"${address}:${port}"`);
  const where = shape.ownListen === true ? '' : `listen: [${listen.join(', ')}]\n`;
  const cache = shape.historyCache === undefined ? '' : `, cache: ${shape.historyCache}`;
  return `${where}workers: ${shape.workers ?? 1}
history: { path: ${join(shape.data ?? '', 'history.db')}${cache} }
control: { path: control.sock }
state_directory: ${join(shape.data ?? '', 'state')}
${config}`;
}
