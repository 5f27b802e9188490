/** TCP streams: what both backends promise, then what only the native one has to. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { PEER_FAMILY, PEER_PORT, PEER_SIZE } from '../../src/batch.ts';
import { addressToText } from '../../src/native/addresses.ts';
import { openTcp, type TcpStreams } from '../../src/native/tcp.ts';
import {
  EV_DATA,
  EV_ENDED,
  EV_FAILED,
  EV_OPENED,
  EV_REFUSED,
  EV_WRITABLE,
  ROW,
  RX_CHUNK,
  TcpBatch,
  TX_SIZE,
  WATCH_READ,
  WATCH_WRITE,
} from '../../src/native/tcp-batch.ts';
import type { Backend } from '../../src/native/udp.ts';
import { backends, nativeIsMissing, until } from './support.ts';

interface Seen {
  readonly slot: number;
  readonly flags: number;
  readonly octets: Buffer;
}

const open: { close(): void }[] = [];
const clients: Socket[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
  for (const socket of clients.splice(0)) socket.destroy();
});

/** A listener with all that it was told; `act` is done for each event, inside the callback. */
class Streams {
  readonly batch: TcpBatch;
  readonly seen: Seen[] = [];
  readonly streams: TcpStreams;
  calls = 0;
  port = 0;

  constructor(backend: Backend, capacity: number, act: (event: Seen, of: Streams) => void) {
    this.batch = new TcpBatch(capacity);
    const onBatch = (count: number): void => {
      this.calls++;
      const events = Array.from({ length: count }, (_, i) => this.#event(i * ROW));
      for (const event of events) {
        this.seen.push(event);
        act(event, this);
      }
    };
    this.streams = openTcp({ batch: this.batch, onBatch }, backend);
    open.push(this.streams);
  }

  static async start(
    backend: Backend,
    act: (event: Seen, of: Streams) => void = () => {},
    capacity = 100,
  ): Promise<Streams> {
    const made = new Streams(backend, capacity, act);
    made.port = await made.streams.listen({ address: '127.0.0.1', port: 0, family: 4 });
    return made;
  }

  #event(at: number): Seen {
    const [slot = -1, flags = 0, start = 0, length = 0] = this.batch.events.subarray(at, at + ROW);
    const octets = (flags & EV_DATA) === 0 ? [] : this.batch.rx.subarray(start, start + length);
    return { slot, flags, octets: Buffer.from(octets) };
  }

  /** Octets that a slot brought so far. */
  received(slot = 0): Buffer {
    return Buffer.concat(this.seen.filter((event) => event.slot === slot).map((e) => e.octets));
  }

  has(flag: number): boolean {
    return this.seen.some(({ flags }) => (flags & flag) !== 0);
  }

  count(flag: number): number {
    return this.seen.filter(({ flags }) => (flags & flag) !== 0).length;
  }

  /** Sends one segment. @returns octets taken, or a negative errno */
  send(slot: number, octets: Uint8Array): number {
    this.batch.tx.set(octets);
    this.batch.segments.set([slot, 0, octets.length, 0]);
    this.streams.send(1);
    return this.batch.segments[3] as number;
  }

  async client(address = '127.0.0.1'): Promise<{ socket: Socket; got: () => Buffer }> {
    const socket = connect({ host: address, port: this.port, allowHalfOpen: true });
    const chunks: Buffer[] = [];
    clients.push(socket);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    await once(socket, 'connect');
    return { socket, got: () => Buffer.concat(chunks) };
  }
}

function echo(event: Seen, of: Streams): void {
  if (event.octets.length > 0) of.send(event.slot, event.octets);
}

describe.each(backends)('TCP streams on %s', (backend) => {
  it('bring what clients send, with who they are, and take answers', async () => {
    const server = await Streams.start(backend, echo);
    const all = await Promise.all(Array.from({ length: 20 }, () => server.client()));
    for (const [i, { socket }] of all.entries()) socket.write(`hello ${i}`);
    await until('20 echoes', () => all.every(({ got }) => got().length > 0));
    const ports = new Map<number, string>();
    for (const { slot, octets } of server.seen.filter(({ flags }) => (flags & EV_DATA) !== 0)) {
      const at = slot * PEER_SIZE;
      const { peers } = server.batch;
      expect([addressToText(peers, at), peers[at + PEER_FAMILY]]).toEqual(['127.0.0.1', 4]);
      ports.set(Buffer.from(peers).readUInt16BE(at + PEER_PORT), octets.toString());
    }
    for (const [i, { got }] of all.entries()) expect(got().toString()).toBe(`hello ${i}`);
    expect(new Set(server.seen.map(({ slot }) => slot)).size).toBe(20);
    if (backend === 'native') {
      const own = all.map(({ socket }) => ports.get(socket.localPort as number));
      expect(own).toEqual(all.map((_, i) => `hello ${i}`));
    }
  });

  it('listen on IPv6, which never carries IPv4', async () => {
    const server = new Streams(backend, 10, echo);
    server.port = await server.streams.listen({ address: '::', port: 0, family: 6 });
    const { socket, got } = await server.client('::1');
    socket.write('six');
    await until('an echo', () => got().length === 3);
    expect(addressToText(server.batch.peers, 0)).toBe('::1');
    expect(server.batch.peers[PEER_FAMILY]).toBe(6);
    await expect(server.client('127.0.0.1')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('say why a listener cannot be opened', async () => {
    const server = new Streams(backend, 10, echo);
    const opening = server.streams.listen({ address: '192.0.2.1', port: 0, family: 4 });
    await expect(opening).rejects.toThrow(/^opening TCP 192\.0\.2\.1:0: address not available/);
  });

  it('leave unread what is not watched for, until it is', async () => {
    const server = await Streams.start(backend, ({ flags, slot }, of) => {
      if ((flags & EV_OPENED) !== 0) of.streams.watch(slot, 0);
    });
    const { socket } = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    const first = server.received().length;
    socket.write('later');
    const other = await server.client();
    other.socket.destroy();
    await until('another', () => server.count(EV_OPENED) === 2);
    expect(server.received().length).toBe(first);
    server.streams.watch(0, WATCH_READ);
    await until('the octets', () => server.received().toString() === 'later');
  });

  it('tell when a client ends, which still gets its answer and then the end', async () => {
    const server = await Streams.start(backend);
    const { socket, got } = await server.client();
    socket.end('last');
    await until('the end', () => server.has(EV_ENDED));
    expect(server.received().toString()).toBe('last');
    server.streams.watch(0, 0);
    server.send(0, Buffer.from('answer'));
    const end = once(socket, 'end');
    const isFree = server.streams.finish(0);
    await end;
    expect(got().toString()).toBe('answer');
    if (!isFree) await until('the last word', () => server.has(EV_FAILED));
  });

  it.each([WATCH_READ, 0])('tell when a client resets, watched for %i', async (watched) => {
    const server = await Streams.start(backend);
    const { socket } = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    server.streams.watch(0, watched);
    socket.resetAndDestroy();
    // Node's sockets that are paused hear of a reset when they are written to.
    if (backend === 'dgram' && watched === 0) server.send(0, Buffer.from('x'));
    await until('the failure', () => server.has(EV_FAILED));
    server.streams.drop(0);
  });

  it('take no more than a client reads, and go on in order when it does', async () => {
    const server = await Streams.start(backend);
    const { socket, got } = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    socket.pause();
    const piece = Buffer.from(Array.from({ length: TX_SIZE }, (_, i) => i % 251));
    let sent = 0;
    let taken = piece.length;
    while (taken === piece.length) {
      taken = server.send(0, piece);
      sent += taken;
    }
    expect(taken).toBeGreaterThanOrEqual(0);
    expect(server.send(0, piece), 'a second try').toBe(0);
    server.streams.watch(0, WATCH_READ | WATCH_WRITE);
    socket.resume();
    await until('room', () => server.has(EV_WRITABLE));
    const rest = piece.subarray(taken);
    expect(server.send(0, rest)).toBe(rest.length);
    await until('everything', () => got().length === sent + rest.length);
    const all = got();
    for (let at = 0; at < all.length; at += piece.length) {
      expect(all.subarray(at, at + piece.length).equals(piece)).toBe(true);
    }
  });

  it('pass over segments of slot -1, and of slots that are free', async () => {
    const server = await Streams.start(backend);
    const { socket, got } = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    server.batch.tx.set(Buffer.from('abc'));
    server.batch.segments.set([-1, 0, 1, 0, 7, 1, 1, 0, 0, 2, 1, 0]);
    expect(server.streams.send(3)).toBe(1);
    await until('the third', () => got().toString() === 'c');
    expect(server.batch.segments[7]).toBeLessThanOrEqual(0);
    socket.destroy();
  });

  it('let any connection be dropped inside the callback', async () => {
    const server = await Streams.start(backend, ({ flags, slot }, of) => {
      if ((flags & EV_DATA) !== 0) for (let i = 0; i <= slot; i++) of.streams.drop(i);
    });
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(Array.from({ length: 8 }, () => server.client()));
      await until('eight', () => server.count(EV_OPENED) === 8 * (round + 1));
      const ends = all.map(({ socket }) => once(socket, 'close'));
      for (const { socket } of all) {
        socket.once('end', () => socket.end());
        socket.write('x');
      }
      await Promise.all(ends);
    }
  });

  it('may be closed inside the callback, and again', async () => {
    const server = await Streams.start(backend, ({ flags }, of) => {
      if ((flags & EV_DATA) !== 0) of.streams.close();
    });
    const { socket } = await server.client();
    socket.write('x');
    await once(socket, 'end');
    const calls = server.calls;
    server.streams.close();
    server.streams.watch(0, WATCH_READ);
    server.streams.drop(0);
    server.streams.resume();
    expect(server.send(0, Buffer.from('x'))).toBeLessThanOrEqual(0);
    await expect(server.client()).rejects.toThrow(/ECONNREFUSED/);
    expect(server.calls).toBe(calls);
  });

  it('take no more connections when told, and keep those that are open', async () => {
    const server = await Streams.start(backend, echo);
    const { socket, got } = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    server.streams.stopListening();
    await expect(server.client()).rejects.toThrow(/ECONNREFUSED/);
    socket.write('still here');
    await until('an echo', () => got().toString() === 'still here');
  });
});

const TCP = new URL('../../src/native/tcp.ts', import.meta.url).href;
const BATCH = new URL('../../src/native/tcp-batch.ts', import.meta.url).href;

/** Source of a thread or process that echoes, and tells its port. */
function program(tell: string, onBatch: string): string {
  return `
    import { parentPort } from 'node:worker_threads';
    import { openTcp } from '${TCP}';
    import { TcpBatch } from '${BATCH}';
    const batch = new TcpBatch(64);
    const { events, segments, rx, tx } = batch;
    const onBatch = (count) => { ${onBatch} };
    const streams = openTcp({ batch, onBatch }, 'native');
    const port = await streams.listen({ address: '127.0.0.1', port: 0, family: 4 });
    ${tell};`;
}

const ECHO = `
  let n = 0;
  for (let i = 0; i < count; i++) {
    if ((events[4 * i + 1] & 2) === 0) continue;
    segments.set([events[4 * i], 0, 1, 0], 4 * n++);
  }
  streams.send(n);`;

function startWorker(onBatch: string): Worker {
  const code = program('parentPort.postMessage(port)', onBatch);
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
}

async function run(code: string): Promise<string> {
  const args = ['--input-type=module', '-e', code];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

describe.skipIf(nativeIsMissing)('native TCP streams', () => {
  it('bring at most a chunk of one connection per round, and others beside it', async () => {
    const server = await Streams.start('native');
    const greedy = await server.client();
    await until('a connection', () => server.has(EV_OPENED));
    greedy.socket.write(Buffer.alloc(40 * RX_CHUNK, 1));
    const modest = await server.client();
    modest.socket.write('x');
    await until('all of it', () => server.received(0).length === 40 * RX_CHUNK);
    await until('the other', () => server.received(1).length === 1);
    expect(Math.max(...server.seen.map(({ octets }) => octets.length))).toBeLessThanOrEqual(
      RX_CHUNK,
    );
  });

  it('reuse a slot as late as can be', async () => {
    const server = await Streams.start('native', () => {}, 4);
    const slots: number[] = [];
    for (let i = 0; i < 9; i++) {
      const { socket } = await server.client();
      await until('a connection', () => server.count(EV_OPENED) === i + 1);
      const { slot } = server.seen.filter(({ flags }) => (flags & EV_OPENED) !== 0)[i] as Seen;
      slots.push(slot);
      server.streams.drop(slot);
      socket.destroy();
    }
    expect(slots).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0]);
  });

  it('rest when the table is full, without being told of it for ever', async () => {
    const server = await Streams.start('native', () => {}, 2);
    await server.client();
    await server.client();
    await server.client();
    await until('the refusal', () => server.has(EV_REFUSED));
    const { calls } = server;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(server.calls).toBe(calls);
    server.streams.drop(0);
    server.streams.resume();
    await server.client();
    await until('a third', () => server.count(EV_OPENED) === 3);
  });

  it('rest when there is no descriptor, and accept again when told', async () => {
    const onBatch = `for (let i = 0; i < count; i++) what.push(events[4 * i + 1] & 33);`;
    const code = `
      import { openSync, closeSync } from 'node:fs';
      import { connect } from 'node:net';
      const what = [];
      ${program('', onBatch)}
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      // One is left, for the client's end.
      closeSync(held.pop());
      const client = connect(port, '127.0.0.1');
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      while (what.length === 0) await turn();
      for (let i = 0; i < 50; i++) await turn();
      for (const fd of held) closeSync(fd);
      streams.resume();
      while (!what.includes(1)) await turn();
      console.log(JSON.stringify(what));
      client.destroy();
      streams.close();`;
    const shell = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
    const args = ['-c', shell, process.execPath, code];
    const { stdout } = await promisify(execFile)('sh', args);
    expect(JSON.parse(stdout)).toEqual([32, 1]);
  });

  it('turn what a callback throws into an uncaughtException, and live on', async () => {
    const onBatch = `
      for (let i = 0; i < count; i++) {
        if ((events[4 * i + 1] & 2) !== 0 && thrown++ === 0) throw new Error('from onBatch');
      }
      if (thrown === 2) { streams.close(); client.destroy(); }`;
    const code = `
      import { connect } from 'node:net';
      ${program('', onBatch)}
      var thrown = 0;
      const client = connect(port, '127.0.0.1');
      process.on('uncaughtException', (error) => { console.log(error.message); client.write('y'); });
      client.write('x');`;
    expect(await run(code)).toBe('from onBatch\n');
  });

  it('refuse arrays that are too small', async () => {
    const small = { batch: { ...new TcpBatch(1), rx: new Uint8Array(10) }, onBatch: () => {} };
    expect(() => openTcp(small, 'native')).toThrow(/too small/);
  });

  it('are taken down with their thread, 20 times, with connections open', async () => {
    for (let round = 0; round < 20; round++) {
      const worker = startWorker(ECHO);
      const [port] = (await once(worker, 'message')) as [number];
      const all = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const socket = connect(port, '127.0.0.1');
          clients.push(socket);
          socket.on('error', () => {});
          await once(socket, 'connect');
          socket.write('x');
          return socket;
        }),
      );
      await once(all[0] as Socket, 'data');
      for (const socket of all) socket.resume().write(Buffer.alloc(100_000));
      const ends = all.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      await worker.terminate();
      await Promise.all(ends);
    }
  }, 60_000);

  it('are taken down with a thread that exits inside its callback', async () => {
    const worker = startWorker('process.exit(7);');
    const [port] = (await once(worker, 'message')) as [number];
    const exit = once(worker, 'exit');
    const socket = connect(port, '127.0.0.1');
    clients.push(socket);
    socket.on('error', () => {});
    expect(await exit).toEqual([7]);
  });
});
