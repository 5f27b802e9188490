/**
 * Upstreams: the groups of servers of one worker, opened, reloaded, counted and closed. What
 * happens to a query is dispatch.ts.
 */

import type { SocketAddress } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { type Backend, openUdp, type UdpPort } from '../native/udp.ts';
import { Dispatcher } from './dispatch.ts';
import type { UpstreamEvents } from './events.ts';
import { Flights } from './flights.ts';
import { tcpLinks, tlsLinks } from './frame-link.ts';
import { httpLinks } from './http-link.ts';
import type { Inflight } from './inflight.ts';
import type { OpenLink } from './link.ts';
import { type PlannedServer, serverText, type UpstreamPlan } from './plan.ts';
import { type PoolSocket, SocketPool, SocketTable } from './pool.ts';
import { type CircuitState, type Group, SERVERS_MAX, Server } from './servers.ts';
import { PipelinedTransport } from './stream.ts';
import { Dialer } from './tls.ts';
import { Tries } from './tries.ts';

export type { UpstreamEvents } from './events.ts';

export type { UpstreamPlan } from './plan.ts';

export interface UpstreamOptions {
  readonly backend: Backend;
  /** Monotonic ms; what `tick` and `Inflight.acquire` are given must be of the same clock. */
  clock(): number;
}

/** Counters since the server was opened. */
export interface ServerStats {
  readonly group: string;
  /** As people write it, with its port. */
  readonly server: string;
  readonly address: SocketAddress;
  readonly transport: 'udp' | 'tls' | 'https';
  readonly srttMs: number;
  readonly state: CircuitState;
  /** Queries over UDP, and over TCP (in the open or within TLS), retries and probes included. */
  readonly sent: number;
  readonly tcp: number;
  readonly answered: number;
  /** Questions that it got beside another server, and how often it was the first to answer. */
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly timeouts: number;
  /** Known id, wrong in the rest. */
  readonly mismatches: number;
  /** Right question, unfit in the rest. */
  readonly malformed: number;
  /** Nothing waited for it: late or forged. */
  readonly strays: number;
  readonly networkErrors: number;
  /** Round trips, as metrics/latency.ts lays them out. */
  readonly latency: Float64Array;
  /** Open UDP sockets now. */
  readonly sockets: number;
  /** Why the last socket or connection could not be opened, or null. */
  readonly lastError: string | null;
  /** That was because the server is not who it must be. */
  readonly certificateRefused: boolean;
}

/** Servers in all groups, those that a reload is about to close included. */
const SERVERS_TOTAL_MAX = 256;

export class Upstreams {
  readonly #dispatcher: Dispatcher;
  readonly #options: UpstreamOptions;
  readonly #freeProbes = Array.from({ length: SERVERS_TOTAL_MAX }, (_, i) => i);

  private constructor(inflight: Inflight, events: UpstreamEvents, options: UpstreamOptions) {
    const tries = new Tries(inflight.capacity, SERVERS_TOTAL_MAX);
    const flights = new Flights(inflight, tries, new SocketTable());
    this.#dispatcher = new Dispatcher(flights, events, () => options.clock());
    this.#options = options;
  }

  /**
   * Opens the sockets of every server. One that cannot be reached now does not reject: it is tried
   * again. Rejects with a DnsvalveError (CONFIG) when the plan has more servers than there is room.
   */
  static async open(
    plan: UpstreamPlan,
    inflight: Inflight,
    events: UpstreamEvents,
    options: UpstreamOptions,
  ): Promise<Upstreams> {
    const upstreams = new Upstreams(inflight, events, options);
    await upstreams.reconfigure(plan);
    return upstreams;
  }

  /**
   * Queues a flight for the next flush. `onFailure` may be called before this returns, with EDE 23,
   * when its group has no server that can be sent to.
   */
  submit(flight: number): void {
    this.#dispatcher.submit(flight);
  }

  /** The flight is not waited for any more; whoever calls releases it. */
  abandon(flight: number): void {
    this.#dispatcher.flights.end(flight);
  }

  /** The end of a client batch: sends what is queued. */
  flush(): void {
    this.#dispatcher.flush();
  }

  /** Runs timers, renews sockets; every 20 to 50 ms. */
  tick(nowMs: number): void {
    this.#dispatcher.tick(nowMs);
    for (const server of this.#servers()) {
      server.pool?.tick(nowMs);
      server.cookie.tick(nowMs);
    }
  }

  /** Flights that wait for an answer. */
  get waiting(): number {
    return this.#dispatcher.flights.activeCount;
  }

  /** `prepare` and its step at once. */
  async reconfigure(plan: UpstreamPlan): Promise<void> {
    const swap = await this.prepare(plan);
    swap();
  }

  /**
   * A reload: opens the servers that are new, and returns the one step that puts the plan in force.
   * Tables that hold group numbers must change in the same turn of the loop as that step is taken,
   * else names go to the wrong servers for a moment. Servers that stay in the group of the same
   * name keep sockets, connections, health and what waits for them; the rest fails over. The
   * step of one `prepare` comes before the next `prepare`.
   */
  async prepare(plan: UpstreamPlan): Promise<() => void> {
    checkPlan(plan, this.#freeProbes.length);
    const kept = new Map(
      this.#servers().map((server) => [keyOf(server.group, server.address), server]),
    );
    const opened: Server[] = [];
    const groups = plan.groups.map(({ name, servers, hedge = false }) => ({
      name,
      hedge,
      servers: unique(servers).map((address) => {
        const key = keyOf(name, address);
        const server = kept.get(key);
        kept.delete(key);
        if (server !== undefined) return server;
        const fresh = this.#openServer(name, address);
        opened.push(fresh);
        return fresh;
      }),
    }));
    const nowMs = this.#options.clock();
    await Promise.all(opened.map((server) => server.pool?.fill(nowMs)));
    return () => this.#swap(groups, new Set(kept.values()));
  }

  stats(): ServerStats[] {
    return this.#servers().map(statsOf);
  }

  /** Fails what waits, and closes everything. */
  close(): void {
    this.#swap([], new Set(this.#servers()));
  }

  #servers(): Server[] {
    return this.#dispatcher.groups.flatMap((group) => group.servers);
  }

  /** One step for the data plane: positions, groups and flights change together. */
  #swap(groups: readonly Group[], removed: ReadonlySet<Server>): void {
    for (const { servers } of groups) {
      for (const [position, server] of servers.entries()) server.position = position;
    }
    const { flights } = this.#dispatcher;
    this.#dispatcher.regroup(groups, removed);
    for (const server of removed) {
      flights.drop(flights.tries.probe(server.probe));
      server.pool?.close();
      server.stream.close();
      this.#freeProbes.push(server.probe);
    }
  }

  #openServer(group: string, address: PlannedServer): Server {
    const probe = this.#freeProbes.pop() as number;
    const { flights } = this.#dispatcher;
    return new Server(
      { address, group, probe },
      {
        pool: (server) =>
          address.secure === undefined
            ? new SocketPool(server, flights.sockets, (socket) => this.#openSocket(server, socket))
            : null,
        stream: (server) => this.#openStream(server, address),
      },
      this.#options.clock(),
    );
  }

  #openStream(server: Server, address: PlannedServer): PipelinedTransport {
    const { streams } = this.#dispatcher;
    const isSecure = address.secure !== undefined;
    return new PipelinedTransport(
      linksTo(address),
      {
        onMessage: (token, octets, start, end) =>
          streams.onMessage(server, token, octets, start, end),
        onBroken: (token) => streams.onBroken(server, token),
        // Of plain servers UDP tells more than that.
        onConnected: () => {
          server.failure = null;
        },
        onUnreachable: (failure) => {
          if (isSecure) server.unreachable(failure);
        },
      },
      this.#options.clock,
    );
  }

  #openSocket(server: Server, socket: PoolSocket): Promise<UdpPort> {
    const { address, port, family } = server.address;
    const dispatcher = this.#dispatcher;
    return openUdp(
      {
        // The kernel chooses the port, at random, and the source address when it connects.
        address: family === 4 ? '0.0.0.0' : '::',
        port: 0,
        family,
        reusePort: false,
        connect: { address, port },
        batch: dispatcher.sender.batch,
        onBatch: (count) => dispatcher.onBatch(server, socket, count),
        onError: () => dispatcher.onSocketError(socket),
      },
      this.#options.backend,
    );
  }
}

function statsOf(server: Server): ServerStats {
  const { pool, failure } = server;
  const { secure, ...address } = server.address;
  return {
    group: server.group,
    server: serverText(server.address),
    address,
    transport: secure?.transport ?? 'udp',
    srttMs: server.srttMs,
    state: server.state,
    sent: server.sent,
    tcp: server.tcp,
    answered: server.answered,
    hedges: server.hedges,
    hedgesWon: server.hedgesWon,
    timeouts: server.timeouts,
    mismatches: server.mismatches,
    malformed: server.malformed,
    strays: server.strays,
    networkErrors: server.networkErrors,
    latency: server.latency.slice(),
    sockets: pool?.size ?? 0,
    lastError: failure?.reason ?? pool?.lastError ?? null,
    certificateRefused: failure?.certificate ?? false,
  };
}

function linksTo(address: PlannedServer): OpenLink {
  const { secure } = address;
  if (secure === undefined) return tcpLinks(address);
  const { url } = secure;
  if (url === null) return tlsLinks(new Dialer(address, secure, 'dot'));
  return httpLinks(new Dialer(address, secure, 'h2'), url);
}

/** Another certificate to expect makes another server of it. */
function keyOf(group: string, address: PlannedServer): string {
  return JSON.stringify([group, serverText(address), address.secure ?? null]);
}

/** Each place once: what is counted of it goes by its text. */
function unique(servers: readonly PlannedServer[]): PlannedServer[] {
  return [...new Map(servers.map((server) => [serverText(server), server])).values()];
}

function checkPlan(plan: UpstreamPlan, room: number): void {
  let total = 0;
  for (const { name, servers } of plan.groups) {
    total += servers.length;
    if (servers.length <= SERVERS_MAX) continue;
    const problem = `upstream ${name}: ${servers.length} servers; at most ${SERVERS_MAX} are used`;
    throw new DnsvalveError('CONFIG', problem);
  }
  if (total > room) {
    throw new DnsvalveError('CONFIG', `${total} upstream servers; at most ${room} can be opened`);
  }
}
