/** The filter of a socket: of whom the kernel drops datagrams before they are queued. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { addressToBytes } from '../../src/native/addresses.ts';
import { SHIELD_ROW } from '../../src/overload/shield.ts';
import { backends, nativeIsMissing, openEcho, until } from './support.ts';

const NONE = 0;
const HALF = 1 << 15;
const SENT = 200;

/** Rows with a share of 65,536 each. */
function rowsOf(...sources: readonly (readonly [string, number])[]): Uint8Array {
  const rows = new Uint8Array(sources.length * SHIELD_ROW);
  for (const [i, [address, share]] of sources.entries()) {
    addressToBytes(address, rows, i * SHIELD_ROW);
    rows.set([share >>> 8, share & 0xff], i * SHIELD_ROW + 16);
  }
  return rows;
}

async function bound(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** Sends from both, and waits until the last datagram of the second has arrived. */
async function send(from: Socket, last: Socket, to: { address: string; port: number }) {
  for (let i = 0; i < SENT; i++) from.send('x', to.port, to.address);
  const sent = new Promise((resolve) => from.send('x', to.port, to.address, resolve));
  await sent;
  last.send('end', to.port, to.address);
}

describe.skipIf(nativeIsMissing)('a filter on a native socket', () => {
  it.each([
    ['a source without a share is not heard', [['127.0.0.2', NONE]], 0, 0],
    ['half a share lets about half through', [['127.0.0.2', HALF]], 60, 140],
    ['other sources are heard', [['127.0.0.9', NONE]], SENT, SENT + 1],
    ['addresses of the other family mean nobody', [['::7f00:2', NONE]], SENT, SENT + 1],
    ['no row takes it off', [], SENT, SENT + 1],
  ] as const)('%s', async (_rule, rows, least, most) => {
    const { port, seen } = await openEcho('native', { address: '127.0.0.1' });
    const [noisy, quiet] = [await bound('127.0.0.2'), await bound('127.0.0.3')];
    expect(port.filter(rowsOf(['127.0.0.2', NONE]), 1)).toBe(true);
    expect(port.filter(rowsOf(...rows), rows.length)).toBe(true);
    await send(noisy, quiet, port);
    await until('the last datagram', () => seen.lengths.includes(3));
    const heard = seen.datagrams - 1;
    expect(heard).toBeGreaterThanOrEqual(least);
    expect(heard).toBeLessThanOrEqual(most);
    for (const socket of [noisy, quiet]) socket.close();
    port.close();
  });

  it('of IPv6 it holds for the whole /64', async () => {
    const { port, seen } = await openEcho('native', { address: '::1', family: 6 });
    const socket = await bound('::1');
    expect(port.filter(rowsOf(['::99', NONE]), 1)).toBe(true);
    for (let i = 0; i < SENT; i++) socket.send('x', port.port, port.address);
    await new Promise((resolve) => socket.send('x', port.port, port.address, resolve));
    expect(port.filter(rowsOf(), 0)).toBe(true);
    socket.send('end', port.port, port.address);
    await until('the last datagram', () => seen.lengths.includes(3));
    expect(seen.datagrams).toBe(1);
    socket.close();
    port.close();
  });
});

describe.skipIf(!backends.includes('dgram'))('a filter on a socket of node:dgram', () => {
  it('is not to be had, and says so', async () => {
    const { port } = await openEcho('dgram');
    expect(port.filter(rowsOf(['127.0.0.2', NONE]), 1)).toBe(false);
    port.close();
  });
});
