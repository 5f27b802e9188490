import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { messageEncoder } from '../../../src/alerts/rfc5424.ts';
import { UdpSink } from '../../../src/alerts/sinks/udp.ts';
import { deniedAlert } from '../sample.ts';
import { numbersIn, range } from './collector.ts';

const WAIT = { timeout: 10_000, interval: 10 };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function receiver(type: 'udp4' | 'udp6', address: string) {
  const socket: Socket = createSocket(type);
  const messages: string[] = [];
  socket.on('message', (octets) => messages.push(octets.toString('utf8')));
  socket.bind(0, address);
  await once(socket, 'listening');
  cleanups.push(() => socket.close());
  return { messages, port: socket.address().port };
}

function openTo(host: string, port: number) {
  const encode = messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 });
  return new UdpSink({ name: 'collector', host, port, encode, report: () => {} });
}

it.each([
  { family: 'IPv4', type: 'udp4', host: '127.0.0.1' },
  { family: 'IPv6', type: 'udp6', host: '::1' },
] as const)('one alert is one datagram over $family, and close waits for them', async (row) => {
  const { messages, port } = await receiver(row.type, row.host);
  const sink = openTo(row.host, port);
  for (const n of range(20)) sink.push(deniedAlert(n));
  await sink.close(5_000);
  expect(sink.stats()).toEqual({ sent: 20, dropped: 0, queued: 0, lastError: null });
  await vi.waitFor(() => expect(numbersIn(messages)).toEqual(range(20)), WAIT);
  expect(messages.every((one) => /^<165>1 [^\n]*$/.test(one))).toBe(true);
});

it('counts what the kernel refuses, says so once, and goes on', async () => {
  const { messages, port } = await receiver('udp4', '127.0.0.1');
  const said: string[] = [];
  const oversized = new UdpSink({
    name: 'collector',
    host: '127.0.0.1',
    port,
    encode: () => new Uint8Array(70_000),
    report: (line) => said.push(line),
  });
  for (const n of range(3)) oversized.push(deniedAlert(n));
  await vi.waitFor(() => expect(oversized.stats().dropped).toBe(3), WAIT);
  expect(oversized.stats().lastError).toContain('EMSGSIZE');
  expect(said.filter((line) => line.includes('EMSGSIZE'))).toHaveLength(1);
  expect(messages).toEqual([]);
  await oversized.close(0);
});
