/**
 * A valve under attack: the process as people run it, an upstream that keeps every octet it was
 * asked, and clients of three workloads over UDP and TCP. It judges nothing by itself.
 */

import {
  type Client,
  type Endpoint,
  openClient,
  TRANSPORTS,
  type Transport,
} from '../support/client.ts';
import { headerOctets, type Message, optOctets, RD, readMessage } from '../support/message.ts';
import { u16 } from '../support/records.ts';
import { type Backend, Valve } from '../support/valve.ts';
import { FakeServer, type Handler } from '../upstream/fake-server.ts';

export { record, u16 } from '../support/records.ts';

export const [NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED] = [0, 1, 2, 3, 4, 5];
export const [BLOCKED, FILTERED] = [15, 17];

/** Where the workloads ask from. `strict` may have few names, `open` nearly all. */
export const FROM = {
  strict: '127.0.0.2',
  open: '127.0.0.3',
  chained: '127.0.0.4',
} as const;
export type Workload = keyof typeof FROM;

const ALLOWED = '[.allowed.test, exact.test, "*.wild.test", a-1.test, kelvin.test]';

/** @param mode of the workload `strict`; @param denied more of what everybody is denied */
export function policy(upstream: Endpoint, mode: string, denied: readonly string[] = []): string {
  const deny = ['.denied.test', ...denied].map((name) => `"${name}"`).join(', ');
  return `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
rate_limit: { queries: 0 }
alerts: [{ to: "file:alerts.json" }]
feeds: { bad: { source: [listed.test], category: malware, action: deny } }
everyone: { deny: [${deny}] }
workloads:
  strict: { sources: [${FROM.strict}/32], mode: ${mode}, allow: ${ALLOWED} }
  open: { sources: [${FROM.open}/32], mode: open }
  chained: { sources: [${FROM.chained}/32], mode: enforce, allow: ${ALLOWED}, chain: inspect }
`;
}

/** Wire form of labels whose characters are octets (U+0000 to U+00FF). */
export function wire(labels: readonly string[]): Buffer {
  const parts = labels.map((label) => {
    const octets = Buffer.from(label, 'latin1');
    return Buffer.concat([Buffer.from([octets.length]), octets]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** Wire form of a name without escapes. */
export function plain(name: string): Buffer {
  return wire(name === '.' ? [] : name.split('.'));
}

/** A query with EDNS for a name that may hold any octets. */
export function queryFor(name: Uint8Array, type: number, flags = RD): Buffer {
  const edns = optOctets({});
  return Buffer.concat([headerOctets(0, flags, [1, 0, 0, 1]), name, u16(type, 1), edns]);
}

export class Rig {
  readonly valve: Valve;
  readonly upstream: FakeServer;
  readonly #clients = new Map<string, Client>();

  private constructor(valve: Valve, upstream: FakeServer) {
    this.valve = valve;
    this.upstream = upstream;
  }

  static async start(backend: Backend, handler: Handler, workers = 1): Promise<Rig> {
    const upstream = await FakeServer.start(handler);
    const config = policy({ address: '127.0.0.1', port: upstream.port }, 'enforce');
    const valve = await Valve.start({ backend, workers, config });
    const rig = new Rig(valve, upstream);
    for (const workload of Object.keys(FROM) as Workload[]) {
      for (const transport of TRANSPORTS) {
        const client = await openClient(transport, valve, FROM[workload]);
        rig.#clients.set(`${workload} ${transport}`, client);
      }
    }
    return rig;
  }

  client(workload: Workload, transport: Transport): Client {
    const client = this.#clients.get(`${workload} ${transport}`);
    if (client === undefined) throw new Error('no such client');
    if ('isClosed' in client && client.isClosed) throw new Error('the valve closed the stream');
    return client;
  }

  /** The response to a message, over a stream that is opened anew when it was idle too long. */
  async send(workload: Workload, transport: Transport, message: Uint8Array): Promise<Message> {
    const kept = this.#clients.get(`${workload} ${transport}`);
    if (kept !== undefined && 'isClosed' in kept && kept.isClosed) {
      const fresh = await openClient(transport, this.valve, FROM[workload]);
      this.#clients.set(`${workload} ${transport}`, fresh);
    }
    const octets = await this.client(workload, transport).exchange(message);
    if (octets === null) throw new Error(`no response to ${workload} over ${transport}`);
    return readMessage(octets);
  }

  /** Puts another policy in force, and returns when it is. */
  async reload(mode: string, denied: readonly string[] = []): Promise<void> {
    this.valve.configure(policy(this.upstream, mode, denied));
    const { status, said } = await this.valve.command('reload');
    if (status !== 0) throw new Error(`reload: ${said}`);
  }

  /** What the upstream was asked while `act` ran, as hex. */
  async leaked(act: () => Promise<void>): Promise<string[]> {
    const before = this.upstream.asked.length;
    await act();
    return this.upstream.asked.slice(before).map(({ message }) => message.toString('hex'));
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await this.valve.stop();
    this.upstream.stop();
  }
}
