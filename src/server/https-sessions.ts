/**
 * Sessions of DNS over HTTPS: which goes for a new one, and what all together and each source may
 * take of a worker's memory and time, as connections of TCP may (shares.ts).
 *
 * A session costs most by what is not a query: streams that are opened and not ended, answers that
 * are not read, frames that ask for nothing (PING, SETTINGS, PRIORITY, RST_STREAM, empty DATA). The
 * first two are held against bounds of octets, the last against the queries that came with them.
 */

import type { Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { PEER_PORT } from '../batch.ts';
import { TCP_SOURCE_CLOSED } from '../counters.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** Octets that a session may send beside its queries; its handshake is some 5 kB. */
const ASIDE = 1 << 20;
/** And for each whole query: an honest one takes a few hundred with its headers. */
const ASIDE_PER_QUERY = 8_192;
/** From one look for sessions that send too much beside it to the next. */
const LOOK_MS = 1_000;

interface Source {
  sessions: number;
  /** Octets held of unfinished requests and unread answers. */
  octets: number;
}

interface Held {
  readonly socket: TLSSocket;
  readonly source: Source;
  readonly address: string;
  lastMs: number;
  queries: number;
}

export class HttpsSessions {
  readonly #limits: TcpLimits;
  readonly #counters: Float64Array;
  /** In the order of their last whole queries. */
  readonly #sessions = new Map<Http2Session, Held>();
  readonly #sources = new Map<string, Source>();
  #octets = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(limits: TcpLimits, counters: Float64Array) {
    this.#limits = limits;
    this.#counters = counters;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Takes a session in; the one that must go for it is closed.
   *
   * @param record the peer record of its connection
   * @param isShared it is a trusted forwarder's, whose sessions are those of many clients
   */
  open(
    session: Http2Session,
    socket: TLSSocket,
    record: Uint8Array,
    isShared: boolean,
    nowMs: number,
  ): void {
    const address = Buffer.from(record.subarray(0, PEER_PORT)).toString('latin1');
    const source = this.#sources.get(address) ?? { sessions: 0, octets: 0 };
    const { connectionsMax, connectionsPerSource } = this.#limits;
    if (!isShared && source.sessions >= connectionsPerSource) this.#closeOldest(source);
    if (this.#sessions.size >= connectionsMax) this.#closeOldest(null);
    source.sessions++;
    this.#sources.set(address, source);
    this.#sessions.set(session, { socket, source, address, lastMs: nowMs, queries: 0 });
    session.on('close', () => this.#forget(session));
  }

  /** A whole query came. */
  touch(session: Http2Session, nowMs: number): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    held.lastMs = nowMs;
    held.queries++;
    this.#sessions.delete(session);
    this.#sessions.set(session, held);
  }

  /**
   * Asks for room for what cannot be let go of yet. Who asks gives it back, once.
   *
   * @returns how to give it back; null where there is no room: then the session is closed
   */
  keep(session: Http2Session, octets: number): (() => void) | null {
    const held = this.#sessions.get(session);
    if (held === undefined) return null;
    const { source } = held;
    const isOfSource = source.octets + octets > this.#limits.octetsPerSource;
    if (isOfSource || this.#octets + octets > this.#limits.unreadMax) {
      if (isOfSource) this.#counters[TCP_SOURCE_CLOSED]!++;
      session.destroy();
      return null;
    }
    source.octets += octets;
    this.#octets += octets;
    return () => {
      source.octets -= octets;
      this.#octets -= octets;
    };
  }

  /**
   * Closes those without a query for too long, a few at a time, and once a second those that send
   * too much that is none. Called every turn.
   */
  sweep(nowMs: number): void {
    let left = this.#limits.closesPerTurn;
    for (const [session, { lastMs }] of this.#sessions) {
      if (lastMs > nowMs - this.#limits.idleMs || left-- === 0) break;
      this.#forget(session);
      session.destroy();
    }
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    for (const [session, { socket, queries }] of this.#sessions) {
      if (socket.bytesRead > ASIDE + ASIDE_PER_QUERY * queries) session.destroy();
    }
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  /** Of a source; null: of all. */
  #closeOldest(source: Source | null): void {
    for (const [session, held] of this.#sessions) {
      if (source !== null && held.source !== source) continue;
      if (source !== null) this.#counters[TCP_SOURCE_CLOSED]!++;
      this.#forget(session);
      session.destroy();
      return;
    }
  }

  #forget(session: Http2Session): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    this.#sessions.delete(session);
    held.source.sessions--;
    if (held.source.sessions === 0) this.#sources.delete(held.address);
  }
}
