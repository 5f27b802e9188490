/**
 * The node:dgram backend of udp.ts: the same interface where the addon cannot be built or loaded.
 * Correct before fast: about three times the CPU per query of the native one.
 *
 * Known gap: on a wildcard bind the kernel chooses the source address of an answer, since Node can
 * neither read nor set it; bind each address on its own where that matters.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { LRUCache } from 'lru-cache';
import {
  type Batch,
  PEER_FAMILY,
  PEER_HAS_LOCAL,
  PEER_LOCAL,
  PEER_PORT,
  PEER_SCOPE,
  PEER_SIZE,
  SLOT_SIZE,
  SLOT_STRIDE,
} from '../batch.ts';
import { addressToBytes, addressToText } from './addresses.ts';
import { checkedPlace, errnoOf, openError } from './open-error.ts';
import type { Endpoint, UdpOptions, UdpPort } from './udp.ts';
import { scopeOfZone, zoneOfScope } from './zones.ts';

const SOCKET_BUFFER_OCTETS = 4 << 20;
/** Peers whose octets are remembered. */
const PEERS_MAX = 4096;
/** Datagrams that libuv may hold for a full socket before answers are dropped instead. */
const QUEUE_MAX = 1024;

/** An address without port: what a peer record says of it. */
interface PeerAddress {
  /** 16 octets. */
  readonly octets: Uint8Array;
  readonly scope: number;
}

const peers = new LRUCache<string, PeerAddress>({ max: PEERS_MAX });

function peerAddress(text: string): PeerAddress {
  const known = peers.get(text);
  if (known !== undefined) return known;
  const [address = '', zone] = text.split('%');
  const octets = new Uint8Array(16);
  addressToBytes(address, octets, 0);
  const peer = { octets, scope: zone === undefined ? 0 : scopeOfZone(zone) };
  peers.set(text, peer);
  return peer;
}

/** Addresses resolve to themselves, at once: no send may ever wait for, or ask, a resolver. */
function lookup(
  hostname: string,
  family: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  callback(null, hostname, Number(family));
}

class DgramPort implements UdpPort {
  readonly backend = 'dgram';
  readonly kernelDrops = 0;
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #options: UdpOptions;
  readonly #connected: boolean;
  /** The bound address; null when it is the wildcard. */
  readonly #local: Uint8Array | null;
  #sendDrops = 0;
  #closed = false;

  constructor(socket: Socket, options: UdpOptions) {
    const bound = socket.address();
    this.address = bound.address.split('%')[0] ?? bound.address;
    this.port = bound.port;
    this.#socket = socket;
    this.#options = options;
    this.#connected = options.connect !== undefined;
    const { octets } = peerAddress(this.address);
    this.#local = this.address === '0.0.0.0' || this.address === '::' ? null : octets;
    socket.on('message', (message, from) => this.#receive(message, from));
    socket.on('error', (error) => this.#report(error));
  }

  filter(): boolean {
    return false;
  }

  get sendDrops(): number {
    return this.#sendDrops;
  }

  send(batch: Batch, count: number): number {
    if (this.#closed) return 0;
    const answers = Math.min(count, batch.capacity);
    let taken = 0;
    for (let j = 0; j < answers; j++) if (this.#sendOne(batch, j)) taken++;
    this.#sendDrops += answers - taken;
    return taken;
  }

  /** Node sends from a connected socket to its peer only. */
  deafen(): boolean {
    return false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #receive(message: Uint8Array, from: RemoteInfo): void {
    if (this.#closed) return;
    const { batch } = this.#options;
    if (!this.#isWelcome(from)) return;
    this.#writePeer(batch.peer, from);
    const isCut = message.length > SLOT_SIZE;
    batch.rx.set(isCut ? message.subarray(0, SLOT_SIZE) : message, 0);
    batch.rxLength[0] = isCut ? -SLOT_SIZE : message.length;
    const answers = this.#options.onBatch(1);
    if (answers > 0) this.send(batch, answers);
  }

  /** Datagrams that came between bind and connect may be from anybody (fail closed). */
  #isWelcome(from: RemoteInfo): boolean {
    const { connect } = this.#options;
    if (connect === undefined) return true;
    const { octets } = peerAddress(from.address);
    const wanted = peerAddress(connect.address).octets;
    return from.port === connect.port && wanted.every((octet, i) => octet === octets[i]);
  }

  #writePeer(record: Uint8Array, from: RemoteInfo): void {
    const { octets, scope } = peerAddress(from.address);
    record.fill(0, 0, PEER_SIZE);
    record.set(octets, 0);
    record[PEER_PORT] = from.port >> 8;
    record[PEER_PORT + 1] = from.port & 0xff;
    record[PEER_FAMILY] = this.#options.family;
    record[PEER_SCOPE] = scope & 0xff;
    record[PEER_SCOPE + 1] = (scope >> 8) & 0xff;
    record[PEER_SCOPE + 2] = (scope >> 16) & 0xff;
    record[PEER_SCOPE + 3] = scope >>> 24;
    if (this.#local === null) return;
    record[PEER_HAS_LOCAL] = 1;
    record.set(this.#local, PEER_LOCAL);
  }

  /** False when the answer was dropped at once; a failure that shows later counts itself. */
  #sendOne(batch: Batch, j: number): boolean {
    if (this.#socket.getSendQueueCount() >= QUEUE_MAX) return false;
    const at = j * SLOT_STRIDE;
    const length = Math.max(0, Math.min(batch.txLength[j] ?? 0, SLOT_SIZE));
    // A copy: libuv may hold the octets beyond this call, and the slab is reused at once.
    const octets = batch.tx.slice(at, at + length);
    if (this.#connected) return this.#transmit(octets, null, 1);
    const to = this.#receiver(batch, batch.txPeer[j] ?? 0);
    return to !== null && this.#transmit(octets, to, 0);
  }

  /** Null for a peer that cannot be spoken to: port 0, or an address of the other family. */
  #receiver(batch: Batch, index: number): Endpoint | null {
    const at = (index >= 0 && index < batch.capacity ? index : 0) * PEER_SIZE;
    const view = new DataView(batch.peer.buffer, batch.peer.byteOffset + at, PEER_SIZE);
    const port = view.getUint16(PEER_PORT);
    if (port === 0 || view.getUint8(PEER_FAMILY) !== this.#options.family) return null;
    const zone = zoneOfScope(view.getUint32(PEER_SCOPE, true));
    const address = addressToText(batch.peer, at);
    return { address: zone === '' ? address : `${address}%${zone}`, port };
  }

  #transmit(octets: Uint8Array, to: Endpoint | null, retries: number): boolean {
    const done = (error: Error | null): void => {
      if (error !== null) this.#failed(error, octets, retries);
    };
    if (to === null) this.#socket.send(octets, done);
    else this.#socket.send(octets, to.port, to.address, done);
    return true;
  }

  /**
   * A connected socket first reports what became of earlier datagrams, so its answer gets one more
   * try; errors of unconnected sockets are about one peer each and are only counted.
   */
  #failed(error: Error, octets: Uint8Array, retries: number): void {
    if (this.#connected) this.#report(error);
    if (this.#closed || retries === 0) this.#sendDrops++;
    else this.#transmit(octets, null, retries - 1);
  }

  #report(error: Error): void {
    if (!this.#closed) this.#options.onError(errnoOf(error));
  }
}

/** See `openUdp`. */
export async function openDgram(options: UdpOptions): Promise<UdpPort> {
  const { address, port, family, reusePort, connect } = options;
  const place = checkedPlace(options);
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    reusePort,
    lookup,
    recvBufferSize: SOCKET_BUFFER_OCTETS,
    sendBufferSize: SOCKET_BUFFER_OCTETS,
  });
  try {
    // Listened for before it is asked for: with our own `lookup` both may happen at once.
    const listening = once(socket, 'listening');
    socket.bind({ address, port, exclusive: true });
    await listening;
    if (connect !== undefined) {
      const connected = once(socket, 'connect');
      socket.connect(connect.port, connect.address);
      await connected;
    }
  } catch (thrown) {
    socket.on('error', () => {});
    socket.close();
    throw openError(place, errnoOf(thrown as Error));
  }
  return new DgramPort(socket, options);
}
