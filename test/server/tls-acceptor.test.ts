/** Connections before they are encrypted: bounds, PROXY headers, and whose a handshake was. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { PEER_PORT, PEER_SAID } from '../../src/batch.ts';
import {
  COUNTERS,
  FORWARDER_REFUSED,
  TLS_CONNECTIONS,
  TLS_HANDSHAKES,
  TLS_HANDSHAKES_FAILED,
} from '../../src/counters.ts';
import { BY_PROXY, DIRECT } from '../../src/identity/forwarded.ts';
import type { Prefixes } from '../../src/identity/prefixes.ts';
import { addressToText } from '../../src/native/addresses.ts';
import { TlsAcceptor } from '../../src/server/tls-acceptor.ts';
import { Authority } from '../alerts/pki.ts';
import { proxyHeader } from '../support/proxy.ts';
import { until } from '../support/until.ts';

const pki = new Authority();
const files = pki.issue('dns', 'DNS:dns.test');
const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
const ca = readFileSync(pki.ca);
/** Handshakes begun in a turn; connections without one; how long one may take, ms. */
const [PER_TURN, ARRIVALS, LONGEST_MS] = [8, 512, 5000];

afterAll(() => pki.remove());

class Rig {
  readonly counters = new Float64Array(COUNTERS.length);
  /** Peer records of connections that are encrypted, in their order. */
  readonly secure: Uint8Array[] = [];
  relay = DIRECT;
  port = 0;
  /** Connections that the acceptor has seen. */
  seen = 0;
  readonly #sockets: Socket[] = [];
  readonly acceptor = new TlsAcceptor({
    counters: this.counters,
    forwarders: () => {
      this.seen++;
      return { find: () => this.relay } as unknown as Prefixes;
    },
  });

  static async start(): Promise<Rig> {
    const rig = new Rig();
    const at = { address: '127.0.0.1', port: 0, family: 4 } as const;
    rig.port = await rig.acceptor.listen(at, pair, 'dot', (socket, record) => {
      rig.secure.push(record);
      socket.on('data', (octets) => socket.write(octets));
    });
    return rig;
  }

  /** Connected in this order, and known to the acceptor. */
  async connectMany(many: number): Promise<readonly Socket[]> {
    const seen = this.seen + many;
    const sockets = Array.from({ length: many }, () => connect(this.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => {});
    this.#sockets.push(...sockets);
    await until('they are accepted', () => this.seen >= seen || null);
    return sockets;
  }

  async connect(): Promise<Socket> {
    const [socket] = await this.connectMany(1);
    return socket as Socket;
  }

  encrypt(socket: Socket, protocol = 'dot'): TLSSocket {
    const options = { socket, ca, servername: 'dns.test', ALPNProtocols: [protocol] };
    const secure = connectTls(options);
    secure.on('error', () => {});
    return secure;
  }

  stop(): void {
    this.acceptor.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe('the acceptor of TLS', () => {
  let rig: Rig;
  const count = (counter: number): number => rig.counters[counter] ?? 0;
  const secured = (many: number) => until('so many', () => rig.secure.length >= many || null);

  afterEach(() => {
    vi.restoreAllMocks();
    rig.stop();
  });

  it(`begins ${PER_TURN} handshakes in a turn of the clock, in the order of their coming`, async () => {
    rig = await Rig.start();
    const sockets = await rig.connectMany(PER_TURN + 2);
    const clients = sockets.map((socket) => rig.encrypt(socket));
    await secured(PER_TURN);
    // Whoever else was let in would be heard by now: answers come in turn.
    for (let i = 0; i < 5; i++) {
      clients[0]?.write('x');
      await once(clients[0] as TLSSocket, 'data');
    }
    const ports = (of: readonly Socket[]) => of.map(({ localPort }) => localPort).toSorted();
    const heard = rig.secure.map((record) => record[PEER_PORT]! * 256 + record[PEER_PORT + 1]!);
    expect(heard.toSorted()).toEqual(ports(sockets.slice(0, PER_TURN)));
    rig.acceptor.tick();
    await secured(PER_TURN + 2);
    expect(count(TLS_HANDSHAKES)).toBe(PER_TURN + 2);
    rig.acceptor.tick();
    expect(count(TLS_CONNECTIONS)).toBe(PER_TURN + 2);
  });

  it(`keeps ${ARRIVALS} connections without a handshake; the oldest makes room`, async () => {
    rig = await Rig.start();
    const sockets = await rig.connectMany(ARRIVALS);
    expect(count(TLS_HANDSHAKES_FAILED)).toBe(0);
    const closed = once(sockets[0] as Socket, 'close');
    const last = await rig.connect();
    await closed;
    expect(count(TLS_HANDSHAKES_FAILED)).toBe(1);
    expect([...sockets.slice(1), last].every(({ closed: isClosed }) => !isClosed)).toBe(true);
  });

  it(`gives a handshake ${LONGEST_MS} ms`, async () => {
    rig = await Rig.start();
    const socket = await rig.connect();
    const closed = once(socket, 'close');
    const startedMs = performance.now();
    const now = vi.spyOn(performance, 'now');
    now.mockReturnValue(startedMs + LONGEST_MS - 1000);
    rig.acceptor.tick();
    expect(count(TLS_HANDSHAKES_FAILED)).toBe(0);
    now.mockReturnValue(startedMs + LONGEST_MS + 1);
    rig.acceptor.tick();
    expect(count(TLS_HANDSHAKES_FAILED)).toBe(1);
    now.mockRestore();
    await closed;
  });

  it('knows which of many connections a handshake was of', async () => {
    rig = await Rig.start();
    const [waits, speaks] = [await rig.connect(), await rig.connect()];
    rig.encrypt(speaks);
    await secured(1);
    const [record] = rig.secure;
    expect(record![PEER_PORT]! * 256 + record![PEER_PORT + 1]!).toBe(speaks.localPort);
    expect(waits.closed).toBe(false);
  });

  it.each([
    ['octets that are no TLS', (socket: Socket) => void socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['another protocol', (socket: Socket) => void rig.encrypt(socket, 'h2')],
  ])('counts %s as a handshake that failed, and closes', async (_, act) => {
    rig = await Rig.start();
    const socket = await rig.connect();
    const closed = once(socket, 'close');
    act(socket);
    await closed;
    await until('counted', () => count(TLS_HANDSHAKES_FAILED) === 1 || null);
    rig.acceptor.tick();
    expect([count(TLS_CONNECTIONS), rig.secure.length]).toEqual([0, 0]);
  });

  describe('of a forwarder that puts a header first', () => {
    const header = proxyHeader({ family: 0x11, source: '10.1.0.7' });

    it('takes the source of the header, and the handshake from the same octets', async () => {
      rig = await Rig.start();
      rig.relay = BY_PROXY;
      const socket = await rig.connect();
      socket.cork();
      socket.write(header);
      rig.encrypt(socket);
      process.nextTick(() => socket.uncork());
      await secured(1);
      const [record] = rig.secure;
      expect(addressToText(record!, 0)).toBe('10.1.0.7');
      expect(record![PEER_SAID]).toBe(1);
    });

    it('takes it octet by octet', async () => {
      rig = await Rig.start();
      rig.relay = BY_PROXY;
      const socket = await rig.connect();
      socket.setNoDelay(true);
      for (const octet of header) {
        await new Promise<void>((done) => socket.write(Uint8Array.of(octet), () => done()));
      }
      rig.encrypt(socket);
      await secured(1);
      expect(addressToText(rig.secure[0]!, 0)).toBe('10.1.0.7');
    });

    it('closes what is no header, and counts it', async () => {
      rig = await Rig.start();
      rig.relay = BY_PROXY;
      const socket = await rig.connect();
      const closed = once(socket, 'close');
      rig.encrypt(socket);
      await closed;
      expect(count(FORWARDER_REFUSED)).toBe(1);
      expect(rig.secure).toEqual([]);
    });

    it('closes what ends before its header', async () => {
      rig = await Rig.start();
      rig.relay = BY_PROXY;
      const socket = await rig.connect();
      const closed = once(socket, 'close');
      socket.end(header.subarray(0, 5));
      await closed;
      expect(count(TLS_HANDSHAKES_FAILED)).toBe(1);
    });
  });

  it('closes all connections at its end', async () => {
    rig = await Rig.start();
    // The last waits for its turn, which never comes: nothing else would close it.
    const sockets = await rig.connectMany(PER_TURN + 1);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    rig.acceptor.close();
    await closed;
  });
});
