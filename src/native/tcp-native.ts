/** The native backend of tcp.ts: hands over to the addon. */

import type { SocketAddress } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { type Addon, loadAddon, type StreamsHandle } from './addon.ts';
import { endpointText, openError } from './open-error.ts';
import { BACKLOG, type TcpOptions, type TcpStreams } from './tcp.ts';

class NativeStreams implements TcpStreams {
  readonly #addon: Addon;
  readonly #handle: StreamsHandle;

  constructor(addon: Addon, handle: StreamsHandle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  async listen({ address, port, family }: SocketAddress): Promise<number> {
    const found = this.#addon.listenStreams(this.#handle, family, address, port, true, BACKLOG);
    if (found < 0) throw openError(`TCP ${endpointText(address, port)}`, -found);
    return found;
  }

  send(count: number): number {
    return this.#addon.sendStreams(this.#handle, count);
  }

  watch(slot: number, watched: number): void {
    this.#addon.watchStream(this.#handle, slot, watched);
  }

  /** The kernel sends what it has taken, and then the end. */
  finish(slot: number): boolean {
    this.#addon.dropStream(this.#handle, slot);
    return true;
  }

  drop(slot: number): void {
    this.#addon.dropStream(this.#handle, slot);
  }

  resume(): void {
    this.#addon.resumeStreams(this.#handle);
  }

  stopListening(): void {
    this.#addon.stopStreams(this.#handle);
  }

  close(): void {
    this.#addon.closeStreams(this.#handle);
  }
}

/** See `openTcp`. */
export function openNativeTcp(options: TcpOptions): TcpStreams {
  const { addon, reason } = loadAddon();
  if (addon === null) throw new DnsvalveError('SYSTEM', `opening TCP: no addon: ${reason}`);
  const { rx, events, tx, segments, peers } = options.batch;
  const handle = addon.createStreams(rx, events, tx, segments, peers, (count) =>
    options.onBatch(count),
  );
  if (typeof handle === 'number') throw openError('TCP', -handle);
  return new NativeStreams(addon, handle);
}
