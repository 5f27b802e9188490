/** A Knot server with authority that can be frozen, killed, and brought back at the same port. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askOnce, type Endpoint } from '../support/client.ts';
import { freePort, makeFolder, Program, removeFolder, until } from '../support/processes.ts';

export class Authority implements Endpoint {
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly #folder: string;
  readonly #zone: string;
  #program: Program;

  private constructor(port: number, folder: string, zone: string) {
    this.port = port;
    this.#folder = folder;
    this.#zone = zone;
    this.#program = this.#spawn();
  }

  static async start(zone: string, text: string): Promise<Authority> {
    const folder = makeFolder();
    const port = await freePort();
    writeFileSync(join(folder, 'zone'), text);
    writeFileSync(
      join(folder, 'knot.conf'),
      `server:
  rundir: "${folder}"
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: ${zone}
    file: "${folder}/zone"
    zonefile-sync: -1
    journal-content: none
`,
    );
    return new Authority(port, folder, zone).answers();
  }

  get pid(): number {
    return this.#program.child.pid ?? 0;
  }

  /** Takes queries and says nothing, like a machine that lost its network. */
  freeze(): void {
    this.#program.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#program.child.kill('SIGCONT');
  }

  /** The port is closed: whoever asks hears so. */
  async kill(): Promise<void> {
    await this.#program.stop('SIGKILL');
  }

  async revive(): Promise<void> {
    this.#program = this.#spawn();
    await this.answers();
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#program.stop('SIGKILL');
    removeFolder(this.#folder);
  }

  async answers(): Promise<this> {
    await until('the authority answers', async () => {
      if (!this.#program.isRunning) throw new Error(`it ended:\n${this.#program.said}`);
      const question = { name: this.#zone, type: 'SOA' };
      return askOnce('tcp', this, this.address, question).catch(() => null);
    });
    return this;
  }

  #spawn(): Program {
    return new Program('knotd', ['-c', join(this.#folder, 'knot.conf')]);
  }
}
