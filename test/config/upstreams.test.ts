/** Servers of upstreams as they are written, and what they become. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { planOf, serverText } from '../../src/upstream/plan.ts';
import { makeFolder } from '../support/processes.ts';

const folder = makeFolder();
const PIN = Buffer.alloc(32, 7).toString('base64');

function upstreamsOf(servers: string, more = '') {
  const path = join(folder, 'main.yaml');
  writeFileSync(path, `upstreams:\n  default: { servers: [${servers}]${more} }\n`);
  return loadConfig(path).upstreams;
}

interface Row {
  readonly written: string;
  readonly text: string;
  readonly server: object;
}

const V4 = { address: '192.0.2.3', family: 4 };

const ROWS: readonly Row[] = [
  { written: '192.0.2.3', text: '192.0.2.3:53', server: { ...V4, port: 53 } },
  {
    written: '"tls://192.0.2.3#dns.example"',
    text: 'tls://192.0.2.3:853#dns.example',
    server: { ...V4, port: 853, secure: { transport: 'tls', peer: 'dns.example', url: null } },
  },
  {
    written: '"tls://192.0.2.3:8853"',
    text: 'tls://192.0.2.3:8853',
    server: { ...V4, port: 8853, secure: { transport: 'tls', peer: '192.0.2.3', pins: [] } },
  },
  {
    written: '"tls://[2001:db8::1]"',
    text: 'tls://[2001:db8::1]:853',
    server: { address: '2001:db8::1', port: 853, secure: { peer: '2001:db8::1' } },
  },
  {
    written: '"https://192.0.2.3/dns-query"',
    text: 'https://192.0.2.3/dns-query',
    server: { ...V4, port: 443, secure: { transport: 'https', peer: '192.0.2.3' } },
  },
  {
    written: '"https://[2001:db8::1]:8443/q?x=1"',
    text: 'https://[2001:db8::1]:8443/q?x=1',
    server: { address: '2001:db8::1', port: 8443, secure: { peer: '2001:db8::1' } },
  },
  {
    written: '{ server: "https://dns.example:8443/q", address: "2001:db8::1" }',
    text: 'https://dns.example:8443/q 2001:db8::1',
    server: { address: '2001:db8::1', port: 8443, secure: { peer: 'dns.example' } },
  },
  {
    written: `{ server: "tls://192.0.2.3", pin: [ sha256/${PIN} ], ca: "file:ca.pem" }`,
    text: 'tls://192.0.2.3:853',
    server: { secure: { pins: [PIN], ca: { kind: 'file', path: join(folder, 'ca.pem') } } },
  },
  {
    written: `{ server: "tls://192.0.2.3", pin: sha256/${PIN}, ca: "env:DNS_CA" }`,
    text: 'tls://192.0.2.3:853',
    server: { secure: { pins: [PIN], ca: { kind: 'env', name: 'DNS_CA' } } },
  },
];

describe('servers of an upstream', () => {
  it.each(ROWS)('$written', ({ written, text, server }) => {
    const [upstream] = upstreamsOf(written);
    expect(upstream?.servers[0]).toMatchObject(server);
    expect(upstream?.servers.map((one) => serverText(one))).toEqual([text]);
  });

  it('--upstream takes the same texts', () => {
    const path = join(folder, 'main.yaml');
    writeFileSync(path, 'workloads: {}\n');
    const { upstreams } = loadConfig(path, { upstream: ['tls://192.0.2.3#dns.example'] });
    expect(upstreams[0]?.servers[0]?.secure).toMatchObject({ peer: 'dns.example' });
  });

  it('a second server is asked unless hedge says no', () => {
    expect(upstreamsOf('192.0.2.3')[0]?.hedge).toBe(true);
    expect(upstreamsOf('192.0.2.3', ', hedge: false')[0]?.hedge).toBe(false);
  });
});

describe('authorities of a server', () => {
  const withCa = '{ server: "tls://192.0.2.3", ca: "file:authorities.pem" }';

  it('that cannot be read refuse the load, and say where', () => {
    const upstreams = upstreamsOf(withCa.replace('authorities', 'missing'));
    const place = /main\.yaml:2:3: upstreams\.default\.servers: ca of tls:\/\/192\.0\.2\.3:853: /;
    expect(() => planOf(upstreams)).toThrow(place);
    expect(() => planOf(upstreams)).toThrow(/missing\.pem/);
  });

  it('without a certificate refuse the load', () => {
    writeFileSync(join(folder, 'authorities.pem'), 'nothing of that kind\n');
    expect(() => planOf(upstreamsOf(withCa))).toThrow(/no certificate in PEM form/);
  });

  it('with a certificate that is none refuse the load', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    writeFileSync(join(folder, 'authorities.pem'), pem);
    expect(() => planOf(upstreamsOf(withCa))).toThrow(/ca of tls:/);
  });
});
