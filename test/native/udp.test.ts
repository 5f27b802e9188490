import { once } from 'node:events';
import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Batch,
  PEER_FAMILY,
  PEER_HAS_LOCAL,
  PEER_LOCAL,
  PEER_SIZE,
  SLOT_SIZE,
  SLOT_STRIDE,
} from '../../src/batch.ts';
import { addressToBytes, addressToText } from '../../src/native/addresses.ts';
import { type Backend, openUdp, type UdpPort } from '../../src/native/udp.ts';
import { backends, loopback, openClient, openEcho, quiet, until } from './support.ts';

const open: { close(): void }[] = [];

function keep<T extends { close(): void }>(closable: T): T {
  open.push(closable);
  return closable;
}

afterEach(() => {
  for (const closable of open.splice(0)) closable.close();
});

/** Puts `texts` into the tx side of a batch, for the peer record 0. */
function fill(batch: Batch, texts: readonly string[]): number {
  for (const [j, text] of texts.entries()) {
    batch.tx.set(Buffer.from(text, 'latin1'), j * SLOT_STRIDE);
    batch.txLength[j] = text.length;
    batch.txPeer[j] = 0;
  }
  return texts.length;
}

const families = backends.flatMap((backend) => [
  { backend, family: 4 as const },
  { backend, family: 6 as const },
]);

describe.each(families)('$backend, IPv$family', ({ backend, family }) => {
  const address = loopback[family];

  it('gives the address and the port that the kernel chose', async () => {
    const { port } = await openEcho(backend, { family });
    keep(port);
    expect(port).toMatchObject({ backend, address, kernelDrops: 0, sendDrops: 0 });
    expect(port.port).toBeGreaterThan(0);
  });

  it('answers the sender, and its peer record names sender and asked address', async () => {
    const { port, seen } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    socket.send('valve', port.port, address);
    await until('an echo', () => got.length === 1);
    expect(got).toEqual([{ text: 'valve', from: address, port: port.port }]);
    expect(addressToText(seen.peer, 0)).toBe(address);
    expect(Buffer.from(seen.peer).readUInt16BE(16)).toBe(socket.address().port);
    expect(seen.peer[PEER_FAMILY]).toBe(family);
    expect(seen.peer[PEER_HAS_LOCAL]).toBe(1);
    expect(addressToText(seen.peer, PEER_LOCAL)).toBe(address);
  });

  it('brings 200 datagrams back, each once and whole', async () => {
    const { port, seen } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    const sent = Array.from({ length: 200 }, (_, i) => `datagram ${i} `.padEnd(1 + (i % 97), 'x'));
    for (const text of sent) socket.send(text, port.port, address);
    await until('200 echoes', () => got.length === 200);
    expect(got.map((datagram) => datagram.text).sort()).toEqual([...sent].sort());
    expect(seen.datagrams).toBe(200);
    expect(port.sendDrops).toBe(0);
  });

  it('delivers and sends a datagram of no octets', async () => {
    const { port, seen } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    socket.send('', port.port, address);
    await until('an empty echo', () => got.length === 1);
    expect(seen.lengths).toEqual([0]);
    expect(got[0]?.text).toBe('');
  });

  it.each([
    { name: 'exactly a slot is whole', size: SLOT_SIZE, want: SLOT_SIZE },
    { name: 'one octet more is cut and marked', size: SLOT_SIZE + 1, want: -SLOT_SIZE },
    { name: 'a very large one is cut and marked', size: 60_000, want: -SLOT_SIZE },
  ])('marks what does not fit a slot: $name', async ({ size, want }) => {
    const { port, seen } = await openEcho(backend, { family });
    keep(port);
    const { socket } = await openClient(family);
    keep(socket);
    socket.send(Buffer.alloc(size, 1), port.port, address);
    await until('a datagram', () => seen.datagrams === 1);
    expect(seen.lengths).toEqual([want]);
  });

  it('hears nobody but its peer when connected', async () => {
    const peer = await openClient(family);
    const stranger = await openClient(family);
    keep(peer.socket);
    keep(stranger.socket);
    const connect = { address, port: peer.socket.address().port };
    const { port, seen } = await openEcho(backend, { family, connect });
    keep(port);
    stranger.socket.send('from a stranger', port.port, address);
    peer.socket.send('from the peer', port.port, address);
    await until('an echo', () => peer.got.length === 1);
    expect(seen.datagrams).toBe(1);
    expect(stranger.got).toEqual([]);
  });

  it('tells errno when the peer is not there, and hears it when it is', async () => {
    const peerPort = await freePort(family);
    const { port, errors, texts } = await openConnected(backend, family, peerPort);
    keep(port);
    const batch = new Batch();
    port.send(batch, fill(batch, ['lost']));
    await until('an ICMP error', () => errors.length > 0);
    expect(new Set(errors)).toEqual(new Set([constants.errno.ECONNREFUSED]));
    const peer = await openEcho(backend, { family, port: peerPort });
    keep(peer.port);
    port.send(batch, fill(batch, ['a', 'b', 'c']));
    await until('three echoes', () => texts.length === 3);
    expect(texts).toEqual(['a', 'b', 'c']);
  });

  it('loses no answer to the error of an earlier one', async () => {
    const peerPort = await freePort(family);
    const { port, errors, texts } = await openConnected(backend, family, peerPort);
    keep(port);
    const batch = new Batch();
    port.send(batch, fill(batch, ['lost']));
    // Opening turns no loop, so the ICMP error is still pending when the next answers are sent.
    const peer = await openEcho(backend, { family, port: peerPort });
    keep(peer.port);
    port.send(batch, fill(batch, ['a', 'b', 'c']));
    batch.tx.fill('z'.charCodeAt(0));
    await until('three echoes', () => texts.length === 3);
    expect([...texts].sort()).toEqual(['a', 'b', 'c']);
    expect(errors).toEqual([constants.errno.ECONNREFUSED]);
    expect(port.sendDrops).toBe(0);
  });

  it('refuses a port that is taken, and says so', async () => {
    const { port } = await openEcho(backend, { family });
    keep(port);
    const shown = family === 6 ? `[::1]:${port.port}` : `127.0.0.1:${port.port}`;
    await expect(openUdp(quiet({ family, port: port.port }), backend)).rejects.toMatchObject({
      code: 'SYSTEM',
      message: `opening UDP ${shown}: address already in use`,
    });
  });

  it('shares a port between sockets that both ask for it, and loses nothing', async () => {
    const first = await openEcho(backend, { family, reusePort: true });
    keep(first.port);
    const second = await openEcho(backend, { family, reusePort: true, port: first.port.port });
    keep(second.port);
    const clients = await Promise.all(Array.from({ length: 32 }, () => openClient(family)));
    for (const { socket } of clients) {
      keep(socket);
      socket.send('x', first.port.port, address);
    }
    await until('all echoes', () => clients.every(({ got }) => got.length === 1));
    expect(first.seen.datagrams + second.seen.datagrams).toBe(32);
    expect(Math.min(first.seen.datagrams, second.seen.datagrams)).toBeGreaterThan(0);
  });

  it('may be closed inside its callback; nothing is called afterwards', async () => {
    let calls = 0;
    let port: UdpPort | null = null;
    const onBatch = (count: number): number => {
      calls++;
      port?.close();
      return count;
    };
    port = keep(await openUdp(quiet({ family, onBatch }), backend));
    const { socket } = await openClient(family);
    keep(socket);
    for (let i = 0; i < 100; i++) socket.send('x', port.port, address);
    await until('a call', () => calls > 0);
    const other = await openEcho(backend, { family });
    keep(other.port);
    socket.send('later', other.port.port, address);
    await until('a later datagram', () => other.seen.datagrams === 1);
    expect(calls).toBe(1);
    expect(port.send(new Batch(), 1)).toBe(0);
    port.close();
  });

  it('sends from a batch that is not the receiving one, to the peers in it', async () => {
    const { port } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    const batch = new Batch(2);
    writePeer(batch, 1, family, socket.address().port);
    fill(batch, ['one', 'two']);
    batch.txPeer.fill(1);
    expect(port.send(batch, 2)).toBe(2);
    await until('two datagrams', () => got.length === 2);
    expect(got.map(({ text }) => text).sort()).toEqual(['one', 'two']);
  });

  it('drops and counts an answer that cannot be sent, and sends the others', async () => {
    const { port } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    const batch = new Batch(3);
    writePeer(batch, 0, family, socket.address().port);
    writePeer(batch, 1, family, 0);
    fill(batch, ['first', 'to port 0', 'third']);
    batch.txPeer.set([0, 1, 0]);
    expect(port.send(batch, 3)).toBe(2);
    await until('two datagrams', () => got.length === 2);
    expect(got.map(({ text }) => text).sort()).toEqual(['first', 'third']);
    expect(port.sendDrops).toBe(1);
  });

  it('clamps lengths, counts and peer indexes that are out of range', async () => {
    const { port } = await openEcho(backend, { family });
    keep(port);
    const { socket, got } = await openClient(family);
    keep(socket);
    const batch = new Batch(2);
    writePeer(batch, 0, family, socket.address().port);
    batch.txLength.set([SLOT_SIZE + 1, -1]);
    batch.txPeer.set([-1, 2]);
    expect(port.send(batch, 99)).toBe(2);
    await until('two datagrams', () => got.length === 2);
    expect(got.map(({ text }) => text.length).sort()).toEqual([0, SLOT_SIZE]);
  });
});

function writePeer(batch: Batch, index: number, family: 4 | 6, port: number): void {
  const at = index * PEER_SIZE;
  addressToBytes(loopback[family], batch.peer, at);
  new DataView(batch.peer.buffer).setUint16(at + 16, port);
  batch.peer[at + PEER_FAMILY] = family;
}

/** A port that nobody listens to. */
async function freePort(family: 4 | 6): Promise<number> {
  const { socket } = await openClient(family);
  const { port } = socket.address();
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  return port;
}

/** A connected socket with the errors and the texts that it got. */
async function openConnected(backend: Backend, family: 4 | 6, peerPort: number) {
  const batch = new Batch();
  const errors: number[] = [];
  const texts: string[] = [];
  const options = quiet({
    family,
    batch,
    connect: { address: loopback[family], port: peerPort },
    onError: (errno) => errors.push(errno),
    onBatch: (count) => {
      for (let i = 0; i < count; i++) {
        const at = i * SLOT_STRIDE;
        const octets = batch.rx.subarray(at, at + (batch.rxLength[i] ?? 0));
        texts.push(Buffer.from(octets).toString('latin1'));
      }
      return 0;
    },
  });
  return { port: await openUdp(options, backend), errors, texts };
}

describe.each(backends)('%s', (backend) => {
  it.each([
    { name: 'a name', address: 'localhost', want: 'opening UDP localhost:0: not an address' },
    { name: 'the other family', address: '::1', want: 'opening UDP [::1]:0: not an address' },
    {
      name: 'a foreign address',
      address: '192.0.2.1',
      want: 'opening UDP 192.0.2.1:0: address not',
    },
  ])('refuses to bind to $name', async ({ address, want }) => {
    await expect(openUdp(quiet({ address }), backend)).rejects.toThrow(want);
  });

  it('refuses a peer of the other family', async () => {
    const connect = { address: '::1', port: 53 };
    await expect(openUdp(quiet({ connect }), backend)).rejects.toMatchObject({ code: 'SYSTEM' });
  });

  it('an IPv6 wildcard does not take the IPv4 port', async () => {
    const six = keep(await openUdp(quiet({ family: 6, address: '::' }), backend));
    const four = keep(await openUdp(quiet({ address: '0.0.0.0', port: six.port }), backend));
    expect([six.address, four.address]).toEqual(['::', '0.0.0.0']);
  });
});
