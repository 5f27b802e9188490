/** What the tests of the sockets share: backends to try, an echo, a plain client, waiting. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Batch, SLOT_STRIDE } from '../../src/batch.ts';
import { type Backend, chooseBackend, openUdp, type UdpOptions } from '../../src/native/udp.ts';

const { backend: best, reason } = chooseBackend();

/** Backends of this machine. Without a compiler the native one is left out, but never in CI. */
export const backends: readonly Backend[] = best === 'native' ? ['native', 'dgram'] : ['dgram'];
export const nativeIsMissing = best !== 'native';

if (nativeIsMissing) {
  if (process.env['CI'] !== undefined) throw new Error(`no native backend: ${reason}`);
  process.stderr.write(`tests of the native backend are skipped: ${reason}\n`);
}

const WAIT_MS_MAX = 10_000;

/** Turns the loop until `condition` holds; fails loudly when it never does. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await nextTurn();
  }
}

export const loopback = { 4: '127.0.0.1', 6: '::1' } as const;

/** Options of a quiet socket on an ephemeral loopback port. */
export function quiet(change: Partial<UdpOptions> = {}): UdpOptions {
  const family = change.family ?? 4;
  return {
    address: loopback[family],
    port: 0,
    family,
    reusePort: false,
    batch: new Batch(),
    onBatch: () => 0,
    onError: () => {},
    ...change,
  };
}

/** Copies every datagram that was not cut to the tx side. Returns the count of answers. */
export function echo(batch: Batch, count: number): number {
  let answers = 0;
  for (let i = 0; i < count; i++) {
    const length = batch.rxLength[i] ?? 0;
    if (length < 0) continue;
    const from = i * SLOT_STRIDE;
    batch.tx.set(batch.rx.subarray(from, from + length), answers * SLOT_STRIDE);
    batch.txLength[answers] = length;
    batch.txPeer[answers] = i;
    answers++;
  }
  return answers;
}

/** A socket under test that echoes, with what it saw. */
export async function openEcho(backend: Backend, change: Partial<UdpOptions> = {}) {
  const batch = new Batch();
  const seen = { batches: 0, datagrams: 0, lengths: [] as number[], peer: new Uint8Array() };
  const onBatch = (count: number): number => {
    seen.batches++;
    seen.datagrams += count;
    for (let i = 0; i < count; i++) seen.lengths.push(batch.rxLength[i] ?? Number.NaN);
    seen.peer = batch.peer.slice(0, 48);
    return echo(batch, count);
  };
  const port = await openUdp(quiet({ batch, onBatch, ...change }), backend);
  return { port, seen, batch };
}

/** A plain node:dgram client, connected or not, that collects what it gets. */
export async function openClient(family: 4 | 6, connectTo?: { address: string; port: number }) {
  const socket: Socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' });
  const got: { text: string; from: string; port: number }[] = [];
  socket.on('message', (octets, from) => {
    got.push({ text: octets.toString('latin1'), from: from.address, port: from.port });
  });
  const listening = once(socket, 'listening');
  socket.bind(0, loopback[family]);
  await listening;
  if (connectTo !== undefined) {
    const connected = once(socket, 'connect');
    socket.connect(connectTo.port, connectTo.address);
    await connected;
  }
  return { socket, got };
}
