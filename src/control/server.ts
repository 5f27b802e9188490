/**
 * The control socket: one JSON request per line, one JSON answer per line. For the commands of the
 * same machine; who may use it is decided by the permissions of the socket's file.
 */

import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Actor } from '../audit/record.ts';
import { DnsvalveError, messageOf, ProblemsError } from '../errors.ts';
import { peerOf } from '../native/peer.ts';
import { openUnixDatagram } from '../native/unix-datagram.ts';
import type { Attended } from '../server/custody.ts';
import type { Resolver } from '../server/resolver.ts';
import type { StoreStatus } from '../server/storage.ts';
import { type AlertsTrial, testAlerts } from './alerts-test.ts';
import { detectionOf } from './detection.ts';
import { answerOverride, OVERRIDE_COMMANDS } from './overrides.ts';
import { statusOf } from './status.ts';

/** Owner and group may speak; nobody else. */
const MODE = 0o660;
const REQUEST_MAX = 65_536;
/** How long answers that are under way get when the daemon ends: evidence may take longer. */
const GRACE_MS = 2000;

export interface Reply {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  /** Of errors.ts, where the refusal has one. */
  readonly code?: string;
  readonly problems?: readonly string[];
}

/** What requests are about. */
export interface Controlled {
  readonly resolver: Resolver;
  readonly custody: Attended;
  readonly stores: () => readonly StoreStatus[];
  readonly reload: (by: Actor) => Promise<void>;
}

export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #resolver: Resolver;
  readonly #custody: Attended;
  readonly #stores: () => readonly StoreStatus[];
  readonly #reload: (by: Actor) => Promise<void>;

  private constructor({ resolver, custody, stores, reload }: Controlled) {
    this.#resolver = resolver;
    this.#custody = custody;
    this.#stores = stores;
    this.#reload = reload;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @throws DnsvalveError SYSTEM when another daemon holds the socket, or it cannot be made */
  static async open(path: string, controlled: Controlled): Promise<ControlServer> {
    const control = new ControlServer(controlled);
    mkdirSync(dirname(path), { recursive: true });
    if (await isAnswered(path)) {
      throw new DnsvalveError('SYSTEM', `control socket ${path}: another dnsvalve holds it`);
    }
    removeStale(path);
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(path, resolve);
    });
    chmodSync(path, MODE);
    return control;
  }

  close(): Promise<void> {
    const late = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, GRACE_MS);
    return new Promise((resolve) =>
      this.#server.close(() => {
        clearTimeout(late);
        resolve();
      }),
    );
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const by = actorOf(socket);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received > REQUEST_MAX) socket.destroy();
    });
    createInterface({ input: socket }).on('line', (line) => {
      void this.#answer(line, by).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
    });
  }

  async #answer(line: string, by: Actor): Promise<Reply> {
    try {
      const request = JSON.parse(line) as Record<string, unknown>;
      const { command } = request;
      if (command === 'detection') {
        const { workload, name } = request;
        return { ok: true, result: detectionOf(this.#resolver, workload, name) };
      }
      if (command === 'status') {
        return { ok: true, result: await statusOf(this.#resolver, this.#stores()) };
      }
      if (command === 'reload') {
        await this.#reload(by);
        return { ok: true, result: { revision: this.#resolver.snapshot.memory.revision } };
      }
      if (command === 'alerts-test') return { ok: true, result: await this.#testAlerts() };
      const overridden = answerOverride(command, this.#custody, request, by);
      if (overridden !== null) return { ok: true, result: await overridden };
      const known = ['status', 'reload', 'detection', 'alerts-test', ...OVERRIDE_COMMANDS];
      return { ok: false, error: `command: one of ${known.join(', ')}` };
    } catch (error) {
      const problems = error instanceof ProblemsError ? error.message.split('\n') : [];
      const code = error instanceof DnsvalveError ? { code: error.code } : {};
      return { ok: false, error: messageOf(error), problems, ...code };
    }
  }

  #testAlerts(): Promise<AlertsTrial> {
    const { alerts } = this.#resolver.snapshot.config;
    return testAlerts({ sinks: alerts, openUnixDatagram, nowMs: Date.now() });
  }
}

/** Asked at once: a peer that hung up is not known any more. */
function actorOf(socket: Socket): Actor {
  const { uid = null, gid = null, pid = null } = peerOf(socket) ?? {};
  return { via: 'control', uid, gid, pid };
}

/** Whether somebody accepts connections there; a socket file alone may be left from a crash. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
