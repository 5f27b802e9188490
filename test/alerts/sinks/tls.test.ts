import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { messageEncoder } from '../../../src/alerts/rfc5424.ts';
import { TcpSink } from '../../../src/alerts/sinks/tcp.ts';
import { TlsIdentity } from '../../../src/alerts/sinks/tls.ts';
import type { SecretRef } from '../../../src/config/sink-types.ts';
import { Authority } from '../pki.ts';
import { deniedAlert } from '../sample.ts';

const WAIT = { timeout: 10_000, interval: 10 };
const cleanups: (() => Promise<void>)[] = [];
let authority: Authority;
let stranger: Authority;

beforeAll(() => {
  authority = new Authority();
  stranger = new Authority();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
afterAll(() => {
  authority.remove();
  stranger.remove();
});

function file(path: string): SecretRef {
  return { kind: 'file', path };
}

interface Peer {
  readonly port: number;
  /** Whole text of each connection that was accepted. */
  readonly texts: string[];
  /** Common name of the client's certificate, of each. */
  readonly clients: string[];
}

/** A collector with a certificate for `names` that takes clients of the authority only. */
async function collector(names: string, by = authority): Promise<Peer> {
  const { cert, key } = by.issue('server', names);
  const texts: string[] = [];
  const clients: string[] = [];
  const sockets = new Set<TLSSocket>();
  const options = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: readFileSync(authority.ca),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const server: Server = createServer(options, (socket) => {
    const at = texts.push('') - 1;
    clients.push(String(socket.getPeerCertificate().subject?.CN));
    sockets.add(socket);
    socket.on('data', (chunk) => {
      texts[at] += String(chunk);
    });
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, texts, clients };
}

function openTo(port: number, peer: string, client: { cert: string; key: string } | null) {
  const identity = new TlsIdentity({
    ca: file(authority.ca),
    cert: client === null ? null : file(client.cert),
    key: client === null ? null : file(client.key),
  });
  const sink = new TcpSink({
    name: 'collector',
    host: '127.0.0.1',
    port,
    tls: { peer, identity },
    encode: messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 }),
    report: () => {},
    backoff: { firstMs: 5, maxMs: 20, random: () => 0.5 },
  });
  cleanups.push(() => sink.close(0));
  return { sink, identity };
}

describe('syslog over TLS', () => {
  it.each([
    ['a name', 'DNS:siem.example', 'siem.example'],
    ['an address', 'IP:127.0.0.1', '127.0.0.1'],
  ])('counts octets, and shows its certificate to a peer that has %s', async (_, names, peer) => {
    const { port, texts, clients } = await collector(names);
    const { sink } = openTo(port, peer, authority.issue('valve', 'DNS:valve.example'));
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(texts[0]).toMatch(/^\d+ <165>1 .*www\.d1\.example/), WAIT);
    expect(clients).toEqual(['valve']);
  });

  it.each([
    ['of another name', 'DNS:other.example', 'siem.example', () => authority],
    ['of another address', 'IP:192.0.2.1', '127.0.0.1', () => authority],
    ['of a name, where an address is asked for', 'DNS:siem.example', '127.0.0.1', () => authority],
    ['of another authority', 'DNS:siem.example', 'siem.example', () => stranger],
  ])('tells nothing to a peer %s', async (_, names, peer, by) => {
    const { port, texts } = await collector(names, by());
    const { sink } = openTo(port, peer, authority.issue('valve', 'DNS:valve.example'));
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(sink.stats().lastError).not.toBeNull(), WAIT);
    expect(sink.stats()).toMatchObject({ sent: 0, queued: 1 });
    expect(texts.join('')).toBe('');
  });

  it('loses nothing to a peer that refuses its certificate after taking what it sent', async () => {
    const { port, texts } = await collector('DNS:siem.example');
    const client = authority.issue('valve', 'DNS:valve.example');
    const wrong = stranger.issue('valve', 'DNS:valve.example');
    const [cert, key] = [join(authority.folder, 'now.pem'), join(authority.folder, 'now.key')];
    writeFileSync(cert, readFileSync(wrong.cert));
    writeFileSync(key, readFileSync(wrong.key));
    const { sink } = openTo(port, 'siem.example', { cert, key });
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(sink.stats().lastError).not.toBeNull(), WAIT);
    expect(sink.stats().confirmed).toBe(0);
    writeFileSync(cert, readFileSync(client.cert));
    writeFileSync(key, readFileSync(client.key));
    await vi.waitFor(() => expect(texts.join('')).toContain('www.d1.example'), WAIT);
  });

  it('connects anew when its certificate is renewed, and sends nothing twice', async () => {
    const { port, texts, clients } = await collector('DNS:siem.example');
    const client = authority.issue('first', 'DNS:valve.example');
    const { sink } = openTo(port, 'siem.example', client);
    sink.push(deniedAlert(1));
    await vi.waitFor(() => expect(texts[0]).toContain('www.d1.example'), WAIT);
    sink.reopen();
    const next = authority.issue('second', 'DNS:valve.example');
    writeFileSync(client.key, readFileSync(next.key));
    sink.reopen(); // half of it is there: the old connection stays
    expect(sink.stats().lastError).toMatch(/key values mismatch/i);
    writeFileSync(client.cert, readFileSync(next.cert));
    sink.reopen();
    sink.push(deniedAlert(2));
    await vi.waitFor(() => expect(texts[1]).toContain('www.d2.example'), WAIT);
    expect(clients).toEqual(['first', 'second']);
    expect(texts[1]).not.toContain('www.d1.example');
    expect(sink.stats()).toMatchObject({ sent: 2, confirmed: 1 });
  });

  it('waits for the last word of the peer before it closes, and counts it', async () => {
    const { port } = await collector('DNS:siem.example');
    const { sink } = openTo(port, 'siem.example', authority.issue('valve', 'DNS:valve.example'));
    sink.push(deniedAlert(1));
    await sink.close(10_000);
    expect(sink.stats()).toMatchObject({ sent: 1, confirmed: 1, dropped: 0 });
  });
});

describe('certificates', () => {
  const refs = { ca: null, cert: null, key: null };
  it.each([
    ['a file that is not there', () => ({ ...refs, ca: file('/nowhere/ca.pem') }), 'ENOENT'],
    ['a folder', () => ({ ...refs, ca: file(authority.folder) }), 'is no file'],
    ['a device', () => ({ ...refs, ca: file('/dev/zero') }), 'is no file'],
    ['no certificate', () => ({ ...refs, ca: file('/etc/hostname') }), 'holds no certificate'],
    [
      'a variable that is not set',
      () => ({ ...refs, ca: { kind: 'env', name: 'NOT_SET_HERE' } as const }),
      'env:NOT_SET_HERE is not set',
    ],
  ])('%s is said with its place', (_, make, said) => {
    expect(() => new TlsIdentity(make()).read()).toThrow(said);
  });

  it('no message holds what stands in a file of secrets', () => {
    const path = join(authority.folder, 'odd.pem');
    writeFileSync(path, 'hunter2');
    const both = { ca: null, cert: file(authority.ca), key: file(path) };
    expect(() => new TlsIdentity(both).read()).toThrow(/^(?!.*hunter2)/s);
  });
});
