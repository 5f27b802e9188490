/**
 * UDP sockets that move whole batches: the interface that the rest of the program uses, and the
 * choice between the native backend and its node:dgram twin.
 *
 * What the twin cannot do: one datagram per call instead of up to a batch; on a wildcard bind it
 * neither knows nor answers from the address that was asked; it sees no kernel drops.
 */

import type { Batch } from '../batch.ts';
import { loadAddon } from './addon.ts';
import { openDgram } from './dgram.ts';
import { openNative } from './udp-native.ts';

export type Backend = 'native' | 'dgram';

export interface Endpoint {
  /** An address, never a name; IPv6 may carry a zone (`fe80::1%eth0`). */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
}

export interface UdpOptions {
  /** Local address, of this family; a wildcard is allowed. IPv6 sockets never carry IPv4. */
  readonly address: string;
  /** 0..65535; 0 lets the kernel choose. */
  readonly port: number;
  readonly family: 4 | 6;
  /** SO_REUSEPORT: several sockets share the port, the kernel spreads sources over them. */
  readonly reusePort: boolean;
  /** The only peer that may be heard and spoken to. */
  readonly connect?: Endpoint;
  /** Where datagrams land and answers lie. May be shared by the sockets of one thread. */
  readonly batch: Batch;
  /**
   * `count` datagrams (1..capacity) lie in the rx side and `peer` of the batch, until this returns.
   * Returns how many answers of its tx side to send now (0..capacity). What it throws becomes an
   * uncaughtException.
   */
  onBatch(count: number): number;
  /**
   * Errno of a connected socket (ICMP: ECONNREFUSED, EHOSTUNREACH, ...), or of a failing receive.
   * May be called inside `send`.
   */
  onError(errno: number): void;
}

export interface UdpPort {
  readonly backend: Backend;
  /** The bound address and port, as the kernel tells them. */
  readonly address: string;
  readonly port: number;
  /**
   * Sends answers 0..count-1 of `batch`, which need not be the receiving one, to `peer[txPeer[j]]`;
   * peers are ignored on a connected socket. Never waits. Returns how many the kernel took.
   */
  send(batch: Batch, count: number): number;
  /**
   * Has the kernel drop datagrams of some sources, but for a share: `count` rows (0..32) of 16
   * octets of address and that share of 2^32, network order. Replaces what was before. False where
   * it cannot be done, as on dgram.
   */
  filter(rows: Uint8Array, count: number): boolean;
  /** Datagrams that the kernel dropped: by the filter, or for a full queue; 0 on dgram. */
  readonly kernelDrops: number;
  /** Answers that could not be sent. */
  readonly sendDrops: number;
  /**
   * Takes no new datagrams, and still sends: those that share the port get them, and where nobody
   * does, clients hear at once that it is closed. What was queued before is still handed over.
   * Returns false where it cannot, and then nothing has changed.
   */
  deafen(): boolean;
  /** Safe at any time, also inside the callbacks, also twice. No callback runs afterwards. */
  close(): void;
}

/**
 * Opens a socket; rejects with a DnsvalveError (SYSTEM) that names the address and the cause.
 * `native` also rejects when the addon is missing: ask `chooseBackend` first.
 */
export async function openUdp(options: UdpOptions, backend: Backend): Promise<UdpPort> {
  return backend === 'native' ? openNative(options) : openDgram(options);
}

/** The best backend of this machine; `reason` says why it is not the native one. */
export function chooseBackend(): { backend: Backend; reason: string | null } {
  const { addon, reason } = loadAddon();
  return { backend: addon === null ? 'dgram' : 'native', reason };
}
