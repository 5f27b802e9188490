/** The sender of a dnstap stream against receivers that behave, refuse, stall and break off. */

import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CONTENT_TYPE } from '../../src/querylog/dnstap.ts';
import { DnstapClient, WAITING_MAX } from '../../src/querylog/dnstap-client.ts';
import {
  CONTROL_ACCEPT,
  CONTROL_FINISH,
  CONTROL_READY,
  CONTROL_START,
  CONTROL_STOP,
  controlFrame,
  dataFrame,
} from '../../src/querylog/frames.ts';
import { until } from '../support/processes.ts';

const QUICK = { firstMs: 1, maxMs: 2, random: () => 0 };

interface Receiver {
  readonly port: number;
  readonly server: Server;
  readonly sockets: Socket[];
  /** All that came, in order. */
  received(): string;
}

/** @param accepts what it answers to READY; null for nothing */
async function receiver(accepts: Buffer | null): Promise<Receiver> {
  const chunks: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      if (accepts !== null) socket.write(accepts);
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const stop = controlFrame(CONTROL_STOP, null);
      if (chunk.includes(stop)) socket.end(controlFrame(CONTROL_FINISH, null));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, server, sockets, received: () => Buffer.concat(chunks).toString('latin1') };
}

const ACCEPT = controlFrame(CONTROL_ACCEPT, CONTENT_TYPE);

function client(port: number): DnstapClient {
  return new DnstapClient({ kind: 'tcp', host: '127.0.0.1', port }, QUICK);
}

function untilStats(one: DnstapClient, wanted: object): Promise<true> {
  return until(JSON.stringify(wanted), () => {
    const stats: Record<string, unknown> = { ...one.stats() };
    return Object.entries(wanted).every(([key, value]) => stats[key] === value) ? true : null;
  });
}

describe('a dnstap stream', () => {
  it('begins with READY and START, holds the frames in order, and ends with STOP', async () => {
    const { port, server, received } = await receiver(ACCEPT);
    const one = client(port);
    one.send(Buffer.concat([dataFrame(Buffer.from('a')), dataFrame(Buffer.from('b'))]), 2);
    await untilStats(one, { isConnected: true, sent: 2 });
    one.send(dataFrame(Buffer.from('c')), 1);
    await one.close(2000);
    const expected = Buffer.concat([
      controlFrame(CONTROL_READY, CONTENT_TYPE),
      controlFrame(CONTROL_START, CONTENT_TYPE),
      ...['a', 'b', 'c'].map((text) => dataFrame(Buffer.from(text))),
      controlFrame(CONTROL_STOP, null),
    ]);
    expect(received()).toBe(expected.toString('latin1'));
    expect(one.stats()).toMatchObject({ sent: 3, lost: 0, lastError: null });
    server.close();
  });

  it.each([
    ['takes another content', controlFrame(CONTROL_ACCEPT, 'protobuf:other'), 'takes no dnstap'],
    ['speaks something else', Buffer.from('HTTP/1.1 400\r\n'), 'does not speak Frame Streams'],
    [
      'cuts a field short',
      Buffer.from('000000000000000c000000010000000100000063', 'hex'),
      'cut short',
    ],
  ])('is not begun with a receiver that %s', async (_, accepts, problem) => {
    const { port, server } = await receiver(accepts);
    const one = client(port);
    await until(problem, () => (one.stats().lastError?.includes(problem) ? true : null));
    expect(one.stats().isConnected).toBe(false);
    await one.close(10);
    server.close();
  });

  it('is begun anew after a break, with what came meanwhile', async () => {
    const { port, server, sockets, received } = await receiver(ACCEPT);
    const one = client(port);
    await untilStats(one, { isConnected: true });
    sockets[0]?.destroy();
    await until('it connects again', () => (sockets.length === 2 ? true : null));
    one.send(dataFrame(Buffer.from('later')), 1);
    await untilStats(one, { sent: 1 });
    await until('it arrives', () => (received().endsWith('later') ? true : null));
    await one.close(2000);
    server.close();
  });

  it('holds so much for a receiver that does not answer, counts the rest, and all at the end', async () => {
    const { port, server, sockets } = await receiver(null);
    const one = client(port);
    one.send(Buffer.alloc(WAITING_MAX), 10);
    one.send(dataFrame(Buffer.from('x')), 3);
    expect(one.stats()).toMatchObject({ sent: 0, lost: 3 });
    await one.close(10);
    expect(one.stats()).toMatchObject({ sent: 0, lost: 13 });
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});
