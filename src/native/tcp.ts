/**
 * TCP connections that are read and written in rounds: the interface that the server uses, and the
 * choice between the native backend and its node:net twin.
 *
 * A connection is a slot. The backend accepts and numbers connections; who owns the batch decides
 * which are read, what they get and when they end. The twin brings one connection per round.
 */

import type { SocketAddress } from '../config/types.ts';
import type { TcpBatch } from './tcp-batch.ts';
import { openNativeTcp } from './tcp-native.ts';
import { openNetTcp } from './tcp-net.ts';
import type { Backend } from './udp.ts';

export interface TcpOptions {
  readonly batch: TcpBatch;
  /**
   * `count` events (1..EVENTS_MAX) lie in the batch, until this returns; at most one per slot. What
   * it throws becomes an uncaughtException.
   */
  onBatch(count: number): void;
}

export interface TcpStreams {
  /**
   * Opens a listener whose port others may share (SO_REUSEPORT); resolves to its port. Rejects with
   * a DnsvalveError (SYSTEM) that names the address and the cause.
   */
  listen(address: SocketAddress): Promise<number>;
  /** Sends segments 0..count-1 and fills in TAKEN. @returns how many were not taken whole */
  send(count: number): number;
  /**
   * Which of WATCH_READ and WATCH_WRITE to tell of; an open connection begins with WATCH_READ. What
   * is not read stays with the client.
   */
  watch(slot: number, watched: number): void;
  /**
   * All was sent, the client has ended. @returns true when the slot is free now; else EV_FAILED
   * comes once the last octets have left, or `drop` ends the waiting
   */
  finish(slot: number): boolean;
  /** Closes a connection at once and frees its slot. */
  drop(slot: number): void;
  /** Accepts again after EV_REFUSED. */
  resume(): void;
  /** Takes no more connections. */
  stopListening(): void;
  /** Closes everything. No callback runs afterwards; safe twice, and inside the callback. */
  close(): void;
}

/** Connections that the kernel completes before they are accepted. */
export const BACKLOG = 1024;

/** @throws DnsvalveError (SYSTEM) when `native` is asked for and the addon is missing */
export function openTcp(options: TcpOptions, backend: Backend): TcpStreams {
  return backend === 'native' ? openNativeTcp(options) : openNetTcp(options);
}
