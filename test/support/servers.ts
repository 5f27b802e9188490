/** Servers of other hands: NSD with authority, Unbound as a recursive or validating resolver. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askOnce, type Endpoint } from './client.ts';
import { freePort, makeFolder, Program, removeFolder, until } from './processes.ts';

export class Server implements Endpoint {
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly #program: Program;
  readonly #folder: string;

  constructor(program: Program, port: number, folder: string) {
    this.#program = program;
    this.port = port;
    this.#folder = folder;
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    removeFolder(this.#folder);
  }

  /** Resolves when it gives any answer at all. */
  async answers(name: string): Promise<this> {
    await until('the server answers', async () => {
      if (!this.#program.isRunning) throw new Error(`it ended:\n${this.#program.said}`);
      return askOnce('tcp', this, this.address, { name, type: 'SOA' }).catch(() => null);
    });
    return this;
  }
}

/** @param zones paths of master files by the name of their zone */
export async function startNsd(zones: Readonly<Record<string, string>>): Promise<Server> {
  const folder = makeFolder();
  const port = await freePort();
  const served = Object.entries(zones).map(
    ([name, file]) => `zone:\n  name: ${name}\n  zonefile: ${file}\n`,
  );
  const conf = `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: "${folder}/xfrd.state"
  pidfile: "${folder}/nsd.pid"
  xfrdir: "${folder}"
  tcp-count: 100
  rrl-ratelimit: 0
  round-robin: no
remote-control:
  control-enable: no
${served.join('')}`;
  writeFileSync(join(folder, 'nsd.conf'), conf);
  const program = new Program('nsd', ['-d', '-c', join(folder, 'nsd.conf')]);
  return new Server(program, port, folder).answers(Object.keys(zones)[0] ?? '.');
}

/** @param lines clauses after the `server:` clause's own; indented ones go on with `server:` */
export async function startUnbound(lines: string, probe: string): Promise<Server> {
  const folder = makeFolder();
  const port = await freePort();
  const conf = `server:
  interface: 127.0.0.1@${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/unbound.pid"
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  module-config: "validator iterator"
${lines}
remote-control:
  control-enable: no
`;
  writeFileSync(join(folder, 'unbound.conf'), conf);
  const program = new Program('unbound', ['-d', '-c', join(folder, 'unbound.conf')]);
  return new Server(program, port, folder).answers(probe);
}
