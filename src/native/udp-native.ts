/**
 * The native backend of udp.ts: checks the arguments once, then hands over to the addon.
 */

import { type Batch, PEER_PORT, PEER_SIZE } from '../batch.ts';
import { DnsvalveError } from '../errors.ts';
import { type Addon, loadAddon, type SlabHandle, type UdpHandle } from './addon.ts';
import { addressToText } from './addresses.ts';
import { checkedPlace, openError } from './open-error.ts';
import type { UdpOptions, UdpPort } from './udp.ts';

/** Handles of the batches in use; a batch keeps its handle for as long as it lives. */
const slabs = new WeakMap<Batch, SlabHandle>();

function slabOf(addon: Addon, batch: Batch): SlabHandle {
  let slab = slabs.get(batch);
  if (slab === undefined) {
    const { rx, rxLength, tx, txLength, txPeer, peer } = batch;
    slab = addon.createSlab(rx, rxLength, tx, txLength, txPeer, peer);
    slabs.set(batch, slab);
  }
  return slab;
}

class NativePort implements UdpPort {
  readonly backend = 'native';
  readonly address: string;
  readonly port: number;
  readonly #addon: Addon;
  readonly #handle: UdpHandle;
  readonly #family: 4 | 6;
  /** The batch of the last send: looking it up would cost more than comparing. */
  #batch: Batch;
  #slab: SlabHandle;

  constructor(addon: Addon, handle: UdpHandle, { batch, family }: UdpOptions) {
    const record = new Uint8Array(PEER_SIZE);
    addon.localUdp(handle, record);
    this.address = addressToText(record, 0);
    this.port = new DataView(record.buffer).getUint16(PEER_PORT);
    this.#addon = addon;
    this.#handle = handle;
    this.#family = family;
    this.#batch = batch;
    this.#slab = slabOf(addon, batch);
  }

  send(batch: Batch, count: number): number {
    if (batch !== this.#batch) {
      this.#slab = slabOf(this.#addon, batch);
      this.#batch = batch;
    }
    return this.#addon.sendUdp(this.#handle, this.#slab, count);
  }

  filter(rows: Uint8Array, count: number): boolean {
    return this.#addon.filterUdp(this.#handle, this.#family, rows, count) === 0;
  }

  get kernelDrops(): number {
    return this.#addon.kernelDrops(this.#handle);
  }

  get sendDrops(): number {
    return this.#addon.sendDrops(this.#handle);
  }

  deafen(): boolean {
    return this.#addon.deafenUdp(this.#handle) === 0;
  }

  close(): void {
    this.#addon.closeUdp(this.#handle);
  }
}

/** See `openUdp`. */
export function openNative(options: UdpOptions): UdpPort {
  const { address, port, family, reusePort, connect, batch } = options;
  const place = checkedPlace(options);
  const { addon, reason } = loadAddon();
  if (addon === null) throw new DnsvalveError('SYSTEM', `opening ${place}: no addon: ${reason}`);
  const handle = addon.openUdp(
    slabOf(addon, batch),
    family,
    address,
    port,
    reusePort,
    connect?.address ?? null,
    connect?.port ?? 0,
    (count) => options.onBatch(count),
    (errno) => options.onError(errno),
  );
  if (typeof handle === 'number') throw openError(place, -handle);
  return new NativePort(addon, handle, options);
}
