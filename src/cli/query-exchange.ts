/**
 * One question, one response, over UDP or TCP, from an address that the caller chooses. A response
 * that does not belong to the query is ignored, as if it had not come. What it says is
 * query-message.ts.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { SocketAddress } from '../config/types.ts';
import { DnsvalveError, messageOf } from '../errors.ts';
import { isResponseTo, isTruncated, type QueryMessage } from './query-message.ts';

/** Each try may take this long; UDP loses datagrams, so it is tried twice. */
const TRY_MS = 5000;
const TRIES = 2;

export type Transport = 'UDP' | 'TCP';

export interface Route {
  readonly server: SocketAddress;
  /** Address to ask from; null for the one that the system takes. */
  readonly source: string | null;
}

export interface Exchanged {
  readonly octets: Uint8Array;
  readonly transport: Transport;
  /** Duration of the try that was answered. */
  readonly ms: number;
}

/**
 * Asks over UDP, and again over TCP when the response is truncated; or over TCP from the start.
 *
 * @throws DnsvalveError USAGE when the source cannot be bound, DAEMON when there is no response
 */
export async function exchange(
  route: Route,
  query: QueryMessage,
  transport: Transport,
  tryMs = TRY_MS,
): Promise<Exchanged> {
  let problem = '';
  for (let i = 0; i < TRIES; i++) {
    try {
      const started = performance.now();
      const ask = transport === 'UDP' ? askUdp : askTcp;
      const octets = await ask(route, query, AbortSignal.timeout(tryMs));
      if (transport === 'UDP' && isTruncated(octets)) return exchange(route, query, 'TCP', tryMs);
      return { octets, transport, ms: performance.now() - started };
    } catch (error) {
      refuseSource(error, route);
      problem = reasonOf(error, tryMs);
    }
  }
  const { address, port } = route.server;
  throw new DnsvalveError(
    'DAEMON',
    `no answer from ${address} port ${port} over ${transport} in ${TRIES} tries: ${problem}`,
  );
}

function reasonOf(error: unknown, tryMs: number): string {
  const isTimeout = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
  return isTimeout ? `nothing came within ${tryMs / 1000} s each` : messageOf(error);
}

/** What no second try mends: an address that is not ours, or that does not reach the server. */
function refuseSource(error: unknown, { server, source }: Route): void {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (source === null || !['EADDRNOTAVAIL', 'EINVAL', 'EACCES', 'ENETUNREACH'].includes(code)) {
    return;
  }
  const why =
    code === 'EADDRNOTAVAIL'
      ? 'this machine has no such address'
      : `nothing goes from there to ${server.address} (${code})`;
  throw new DnsvalveError('USAGE', `source ${source}: ${why}`, error);
}

async function askUdp(
  { server, source }: Route,
  query: QueryMessage,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
  try {
    socket.bind({ port: 0, exclusive: true, ...(source === null ? {} : { address: source }) });
    await once(socket, 'listening', { signal });
    // Connected: the kernel drops what comes from elsewhere, and reports a closed port.
    socket.connect(server.port, server.address);
    await once(socket, 'connect', { signal });
    const response = nextResponse(socket, query, signal);
    socket.send(query.octets);
    return await response;
  } finally {
    socket.close();
  }
}

/** The first datagram that is the response. */
function nextResponse(
  socket: ReturnType<typeof createSocket>,
  query: QueryMessage,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    socket.on('message', (octets) => {
      if (isResponseTo(query, octets)) resolve(octets);
    });
    socket.on('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

async function askTcp(
  { server, source }: Route,
  query: QueryMessage,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const socket = connect({
    host: server.address,
    port: server.port,
    ...(source === null ? {} : { localAddress: source }),
  });
  try {
    await once(socket, 'connect', { signal });
    socket.write(framed(query.octets));
    return await readFrame(socket, query, signal);
  } finally {
    socket.destroy();
  }
}

/** RFC 1035 4.2.2: a message on a stream follows its length. */
function framed(octets: Uint8Array): Buffer {
  const frame = Buffer.alloc(2 + octets.length);
  frame.writeUInt16BE(octets.length);
  frame.set(octets, 2);
  return frame;
}

function readFrame(
  socket: ReturnType<typeof connect>,
  query: QueryMessage,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.length < 2 ? Number.POSITIVE_INFINITY : 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const octets = received.subarray(2, end);
      if (isResponseTo(query, octets)) resolve(octets);
      else reject(new Error('the response is not to this query'));
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('the connection was closed without a response')));
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
