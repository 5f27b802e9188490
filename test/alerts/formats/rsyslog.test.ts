/** Every format over every way to a real rsyslogd: the record arrives whole, hostile text and all. */

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Alert } from '../../../src/alerts/alert.ts';
import { cef } from '../../../src/alerts/formats/cef.ts';
import { encoderFor } from '../../../src/alerts/formats/encode.ts';
import type { Sink } from '../../../src/alerts/sinks/sink.ts';
import { TcpSink } from '../../../src/alerts/sinks/tcp.ts';
import { UdpSink } from '../../../src/alerts/sinks/udp.ts';
import { UnixSink } from '../../../src/alerts/sinks/unix.ts';
import { FORMATS, type Format } from '../../../src/config/formats.ts';
import { chooseBackend } from '../../../src/native/udp.ts';
import { openUnixDatagram } from '../../../src/native/unix-datagram.ts';
import { Authority, tlsOf } from '../pki.ts';
import { INPUTS, type Input, type Received, Rsyslog, rsyslogMissing } from '../rsyslog.ts';
import { findingAlert } from '../sample.ts';
import { MACHINE } from './samples.ts';

const missing = rsyslogMissing();
if (missing !== null) console.warn(`skipped: ${missing}`);

const authority = new Authority();
const rsyslog = new Rsyslog(authority);
const client = authority.issue('valve', 'DNS:valve.example');
let sinks: Sink[] = [];

afterEach(async () => {
  for (const sink of sinks) await sink.close(0);
  sinks = [];
});

const KINDS = {
  udp: 'syslog-udp',
  tcp: 'syslog-tcp',
  lf: 'syslog-tcp',
  tls: 'syslog-tls',
  unix: 'unix',
} as const;

function open(input: Input, format: Format): Sink {
  const encode = encoderFor({ format, kind: KINDS[input], facility: 20 }, MACHINE);
  const report = (): void => {};
  const socket = { name: input, host: '127.0.0.1', port: rsyslog.port, encode, report };
  const make: Record<Input, () => Sink> = {
    udp: () => new UdpSink(socket),
    tcp: () => new TcpSink(socket),
    lf: () => new TcpSink({ ...socket, port: rsyslog.lfPort, framing: 'lf' }),
    tls: () => new TcpSink({ ...socket, port: rsyslog.tlsPort, tls: tlsOf(authority, client) }),
    unix: () => new UnixSink({ ...socket, path: rsyslog.socket, open: openUnixDatagram }),
  };
  const sink = make[input]();
  sinks.push(sink);
  return sink;
}

function canOpen(input: Input): boolean {
  if (input !== 'unix') return true;
  const handle = openUnixDatagram(rsyslog.socket);
  handle?.close();
  return handle !== null;
}

async function arrived(input: Input, { id }: Alert): Promise<Received> {
  return await vi.waitFor(
    () => {
      const found = rsyslog.received(input).find((one) => JSON.stringify(one).includes(id));
      if (found === undefined) throw new Error(`not yet at ${input}: ${id}`);
      return found;
    },
    { timeout: 15_000, interval: 20 },
  );
}

/** What each format must look like to rsyslog. */
const WANTED: Record<Format, (got: Received, sent: Alert) => void> = {
  rfc5424: ({ data }, { rule }) => expect(data['dnsvalve@32473']).toMatchObject({ rule }),
  rfc3164: ({ app, procid, message }, { id }) => {
    expect([app, procid]).toEqual(['dnsvalve', '42']);
    expect(message).toMatch(new RegExp(`^ tunnel ${id}: workload `));
  },
  // To rsyslog "CEF:" is the tag of the message.
  cef: ({ app, message }, sent) => expect(`${app}:${message}`).toBe(cef(sent, MACHINE)),
  json: ({ message }, sent) => expect(JSON.parse(message)).toEqual(sent),
  ecs: ({ message }, { rule }) =>
    expect(JSON.parse(message)).toMatchObject({ rule: { name: rule } }),
  ocsf: ({ message }, { rule }) =>
    expect(JSON.parse(message)).toMatchObject({ firewall_rule: { name: rule } }),
};

describe.skipIf(missing !== null)('rsyslog', () => {
  beforeAll(() => rsyslog.start());
  afterAll(async () => {
    await rsyslog.remove();
    authority.remove();
  });

  describe.each(INPUTS)('over %s', (input) => {
    it.each(FORMATS)('gets %s whole', async (format) => {
      if (!canOpen(input)) return expect(chooseBackend().backend).toBe('dgram');
      const rule = 'a"b\\c]d[e=f|g \u0000\u001b[2J é😀';
      const sent = findingAlert({ denied: true }, { rule });
      open(input, format).push(sent);
      const got = await arrived(input, sent);
      expect([got.severity, got.facility]).toEqual(['3', '20']);
      WANTED[format](got, sent);
    });
  });
});
