/**
 * Loads the I/O addon and says what it exports. Nothing here knows DNS, and nothing but
 * udp-native.ts, tcp-native.ts, unix-datagram.ts and peer.ts should use it.
 */

import { createRequire } from 'node:module';
import { PEER_SIZE, SLOT_STRIDE } from '../batch.ts';
import { messageOf } from '../errors.ts';
import { addonProblem, ensureAddon } from './build.ts';
import { RX_CHUNK } from './tcp-batch.ts';

declare const slabBrand: unique symbol;
declare const udpBrand: unique symbol;
declare const unixBrand: unique symbol;
declare const streamsBrand: unique symbol;

/** A Batch that the addon knows. Keeps the arrays of the batch alive. */
export type SlabHandle = { readonly [slabBrand]: true };
export type UdpHandle = { readonly [udpBrand]: true };
export type UnixHandle = { readonly [unixBrand]: true };
export type StreamsHandle = { readonly [streamsBrand]: true };

/** The C functions; a `number` in place of a handle is a negative errno. */
export interface Addon {
  readonly slotStride: number;
  readonly peerSize: number;
  readonly rxChunk: number;
  createSlab(
    rx: Uint8Array,
    rxLength: Int32Array,
    tx: Uint8Array,
    txLength: Int32Array,
    txPeer: Int32Array,
    peer: Uint8Array,
  ): SlabHandle;
  openUdp(
    slab: SlabHandle,
    family: 4 | 6,
    address: string,
    port: number,
    reusePort: boolean,
    peerAddress: string | null,
    peerPort: number,
    onBatch: (count: number) => number,
    onError: (errno: number) => void,
  ): UdpHandle | number;
  sendUdp(handle: UdpHandle, slab: SlabHandle, count: number): number;
  localUdp(handle: UdpHandle, record: Uint8Array): number;
  kernelDrops(handle: UdpHandle): number;
  /** 0 or a positive errno. */
  filterUdp(handle: UdpHandle, family: 4 | 6, rows: Uint8Array, count: number): number;
  sendDrops(handle: UdpHandle): number;
  /** 0 or a negative errno. */
  deafenUdp(handle: UdpHandle): number;
  closeUdp(handle: UdpHandle): void;
  createStreams(
    rx: Uint8Array,
    events: Int32Array,
    tx: Uint8Array,
    segments: Int32Array,
    peers: Uint8Array,
    onBatch: (count: number) => void,
  ): StreamsHandle | number;
  /** The port, or a negative errno. */
  listenStreams(
    handle: StreamsHandle,
    family: 4 | 6,
    address: string,
    port: number,
    reusePort: boolean,
    backlog: number,
  ): number;
  sendStreams(handle: StreamsHandle, count: number): number;
  watchStream(handle: StreamsHandle, slot: number, watched: number): void;
  dropStream(handle: StreamsHandle, slot: number): void;
  resumeStreams(handle: StreamsHandle): void;
  stopStreams(handle: StreamsHandle): void;
  closeStreams(handle: StreamsHandle): void;
  openUnix(path: string): UnixHandle | number;
  /** 0 or a positive errno. */
  sendUnix(handle: UnixHandle, octets: Uint8Array): number;
  closeUnix(handle: UnixHandle): void;
  /** 0 or a positive errno; fills in pid, uid and gid of a unix socket's peer. */
  peerCredentials(descriptor: number, record: Int32Array): number;
  /** 1 where a TCP connection is closed by both ends and all was acknowledged; 0, or -errno. */
  isAcknowledged(descriptor: number): number;
  /** Huge pages for the parts of `octets` that were not used yet, as far as the system has them. */
  adviseHuge(octets: Uint8Array): void;
}

export interface Loaded {
  readonly addon: Addon | null;
  /** Why there is no addon; null when there is. */
  readonly reason: string | null;
}

let loaded: Loaded | null = null;

/** The addon of this thread, built if need be; never throws. `DNSVALVE_NATIVE=off` turns it off. */
export function loadAddon(): Loaded {
  loaded ??= load();
  return loaded;
}

function load(): Loaded {
  if (process.env['DNSVALVE_NATIVE'] === 'off') {
    return { addon: null, reason: 'turned off by DNSVALVE_NATIVE=off' };
  }
  const path = ensureAddon();
  if (path === null) return { addon: null, reason: addonProblem() };
  try {
    const addon = createRequire(import.meta.url)(path) as Addon;
    const { slotStride, peerSize, rxChunk } = addon;
    if (slotStride === SLOT_STRIDE && peerSize === PEER_SIZE && rxChunk === RX_CHUNK)
      return { addon, reason: null };
    return { addon: null, reason: `${path}: its sizes are not those of the batches` };
  } catch (thrown) {
    return { addon: null, reason: `loading the I/O addon: ${messageOf(thrown)}` };
  }
}
