import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Batch, PEER_HAS_LOCAL, PEER_LOCAL } from '../../src/batch.ts';
import { addressToText } from '../../src/native/addresses.ts';
import { openUdp } from '../../src/native/udp.ts';
import { nativeIsMissing, openClient, openEcho, quiet, until } from './support.ts';

const UDP = new URL('../../src/native/udp.ts', import.meta.url).href;
const BATCH = new URL('../../src/batch.ts', import.meta.url).href;

/** Source of a thread or process: opens an echo on an ephemeral port and tells which. */
function program(tell: string, onBatch: string): string {
  return `
    import { parentPort } from 'node:worker_threads';
    import { openUdp } from '${UDP}';
    import { Batch } from '${BATCH}';
    const batch = new Batch();
    const onBatch = (count) => { ${onBatch} };
    const port = await openUdp({ address: '127.0.0.1', port: 0, family: 4, reusePort: false, batch,
      onBatch, onError() {} }, 'native');
    ${tell};`;
}

const ECHO = `
  for (let i = 0; i < count; i++) { batch.txLength[i] = 1; batch.txPeer[i] = i; }
  return count;`;

function startWorker(onBatch: string): Worker {
  const code = program('parentPort.postMessage(port.port)', onBatch);
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
}

describe.skipIf(nativeIsMissing)('native sockets', () => {
  it.each([
    { address: '0.0.0.0', asked: '127.0.0.1', family: 4 as const },
    { address: '0.0.0.0', asked: '127.0.0.2', family: 4 as const },
    { address: '0.0.0.0', asked: '127.99.98.97', family: 4 as const },
    { address: '::', asked: '::1', family: 6 as const },
  ])('bound to $address answer from $asked when it was asked', async (row) => {
    const { port, seen } = await openEcho('native', { address: row.address, family: row.family });
    const { socket, got } = await openClient(row.family);
    socket.send('x', port.port, row.asked);
    await until('an echo', () => got.length === 1);
    expect(got[0]?.from).toBe(row.asked);
    expect(seen.peer[PEER_HAS_LOCAL]).toBe(1);
    expect(addressToText(seen.peer, PEER_LOCAL)).toBe(row.asked);
    socket.close();
    port.close();
  });

  it('take several datagrams per call, up to the capacity of the batch', async () => {
    const sender = await openUdp(quiet(), 'native');
    const batch = new Batch(8);
    const counts: number[] = [];
    const onBatch = (count: number): number => {
      counts.push(count);
      return 0;
    };
    const receiver = await openUdp(quiet({ batch, onBatch }), 'native');
    const connect = { address: '127.0.0.1', port: receiver.port };
    const source = await openUdp(quiet({ connect }), 'native');
    expect(source.send(new Batch(), 64)).toBe(64);
    await until('64 datagrams', () => counts.reduce((sum, count) => sum + count, 0) === 64);
    expect(counts).toEqual(Array.from({ length: 8 }, () => 8));
    for (const port of [sender, receiver, source]) port.close();
  });

  it('count what the kernel dropped because nobody read', async () => {
    const receiver = await openUdp(quiet(), 'native');
    const connect = { address: '127.0.0.1', port: receiver.port };
    const source = await openUdp(quiet({ connect }), 'native');
    const batch = new Batch();
    batch.txLength.fill(4096);
    // 4 MiB of queue (8 with the kernel's doubling) hold far less than this many slots of 4 KiB.
    for (let i = 0; i < 100; i++) source.send(batch, 64);
    const drops = receiver.kernelDrops;
    expect(drops).toBeGreaterThan(0);
    receiver.close();
    expect(receiver.kernelDrops, 'after close').toBe(drops);
    source.close();
  });

  it('run the promises of a callback before the next one', async () => {
    const settled: number[] = [];
    const seen: number[] = [];
    const onBatch = (): number => {
      seen.push(settled.length);
      Promise.resolve().then(() => settled.push(1));
      return 0;
    };
    const port = await openUdp(quiet({ batch: new Batch(1), onBatch }), 'native');
    const connect = { address: '127.0.0.1', port: port.port };
    const source = await openUdp(quiet({ connect }), 'native');
    source.send(new Batch(), 4);
    await until('four calls', () => seen.length === 4);
    expect(seen).toEqual([0, 1, 2, 3]);
    port.close();
    source.close();
  });

  it('turn what a callback throws into an uncaughtException, and live on', async () => {
    const onBatch = `if (thrown++ === 0) throw new Error('from onBatch'); done(); return 0;`;
    const code = `${program('', onBatch)}
      import { createSocket } from 'node:dgram';
      var thrown = 0;
      const client = createSocket('udp4');
      const ask = () => client.send('x', port.port, '127.0.0.1');
      const done = () => { port.close(); client.close(); };
      process.on('uncaughtException', (error) => { console.log(error.message); ask(); });
      ask();`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      code,
    ]);
    expect(stdout).toBe('from onBatch\n');
  });

  // 50 threads in a row take 16 s on two busy cores.
  it('are taken down with their thread, 50 times, under traffic', async () => {
    const { socket, got } = await openClient(4);
    for (let round = 1; round <= 50; round++) {
      const worker = startWorker(ECHO);
      const [port] = await once(worker, 'message');
      for (let i = 0; i < 20; i++) socket.send('x', port, '127.0.0.1');
      await until('an echo', () => got.some((datagram) => datagram.port === port));
      for (let i = 0; i < 200; i++) socket.send('x', port, '127.0.0.1');
      await worker.terminate();
    }
    expect(new Set(got.map(({ port }) => port)).size).toBeGreaterThan(40);
    socket.close();
  }, 120_000);

  it('are taken down with a thread that exits inside its callback', async () => {
    const { socket } = await openClient(4);
    for (let round = 0; round < 10; round++) {
      const worker = startWorker('process.exit(7);');
      const [port] = await once(worker, 'message');
      const exit = once(worker, 'exit');
      socket.send('x', port, '127.0.0.1');
      expect(await exit).toEqual([7]);
    }
    socket.close();
  });
});
