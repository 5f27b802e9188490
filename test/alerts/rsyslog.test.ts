import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { messageEncoder } from '../../src/alerts/rfc5424.ts';
import type { Sink } from '../../src/alerts/sinks/sink.ts';
import { TcpSink } from '../../src/alerts/sinks/tcp.ts';
import { UdpSink } from '../../src/alerts/sinks/udp.ts';
import { UnixSink } from '../../src/alerts/sinks/unix.ts';
import { chooseBackend } from '../../src/native/udp.ts';
import { openUnixDatagram } from '../../src/native/unix-datagram.ts';
import { Authority, tlsOf } from './pki.ts';
import { INPUTS, type Input, type Received, Rsyslog, rsyslogMissing } from './rsyslog.ts';
import { alert, deniedAlert, type Facts } from './sample.ts';
import { range } from './sinks/collector.ts';

const WAIT = { timeout: 15_000, interval: 20 };
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

function open(input: Input): Sink {
  const encode = messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 });
  const name = input;
  const socket = { name, host: '127.0.0.1', port: rsyslog.port, encode, report: () => {} };
  const backoff = { firstMs: 10, maxMs: 50, random: () => 0.5 };
  const stream = { ...socket, backoff };
  const make: Record<Input, () => Sink> = {
    udp: () => new UdpSink(socket),
    tcp: () => new TcpSink(stream),
    lf: () => new TcpSink({ ...stream, port: rsyslog.lfPort, framing: 'lf' }),
    tls: () => new TcpSink({ ...stream, port: rsyslog.tlsPort, tls: tlsOf(authority, client) }),
    unix: () => new UnixSink({ ...stream, path: rsyslog.socket, open: openUnixDatagram }),
  };
  const sink = make[input]();
  sinks.push(sink);
  return sink;
}

function openTls(tls: ReturnType<typeof tlsOf>): Sink {
  const encode = messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 });
  const place = { name: 'tls', host: '127.0.0.1', port: rsyslog.tlsPort };
  const sink = new TcpSink({ ...place, encode, report: () => {}, tls });
  sinks.push(sink);
  return sink;
}

/** Without the addon there is no unix datagram socket; the fallback is its own row elsewhere. */
function canOpen(input: Input): boolean {
  if (input !== 'unix') return true;
  const handle = openUnixDatagram(rsyslog.socket);
  handle?.close();
  return handle !== null;
}

function idOf(one: Received): string | undefined {
  return one.data['dnsvalve@32473']?.['id'];
}

async function arrived(input: Input, sent: Alert): Promise<Received> {
  return await vi.waitFor(() => {
    const found = rsyslog.received(input).find((one) => idOf(one) === sent.id);
    if (found === undefined) throw new Error(`not yet at ${input}: ${sent.id}`);
    return found;
  }, WAIT);
}

const texts: { name: string; facts: Facts }[] = [
  { name: 'plain', facts: {} },
  { name: 'every escaped character', facts: { rule: 'a"b\\c]d[e=f', qname: 'a\\.b\\034.example' } },
  { name: 'UTF-8', facts: { rule: 'zahlung-ä€😀' } },
  { name: 'controls', facts: { rule: 'a\nb\u0000c\u001b[2J' } },
  {
    name: 'a name of the greatest length',
    facts: { qname: `${'\\255'.repeat(60)}.`.repeat(4).slice(0, 960) },
  },
];

describe.skipIf(missing !== null)('rsyslog', () => {
  beforeAll(() => rsyslog.start());
  afterAll(async () => {
    await rsyslog.remove();
    authority.remove();
  });

  describe.each(INPUTS)('over %s', (input) => {
    it.each(texts)('understands every field: $name', async ({ facts }) => {
      if (!canOpen(input)) return expect(chooseBackend().backend).toBe('dgram');
      const sent = alert({ ...facts, answers: ['192.0.2.80', '2001:db8::80'] });
      open(input).push(sent);
      const got = await arrived(input, sent);
      expect(got).toMatchObject({
        severity: '5',
        facility: '20',
        time: '2026-11-23T12:00:00.000Z',
        app: 'dnsvalve',
        procid: '42',
        msgid: 'new-destination',
      });
      expect(got.data['dnsvalve@32473']).toMatchObject({
        type: 'new-destination',
        workload: sent.workload,
        owner: 'team-payments',
        source: '10.20.1.4',
        qname: sent.qname,
        registrable_domain: 'partner.example',
        verdict: 'allowed',
        rule: sent.rule,
        answers: '192.0.2.80,2001:db8::80',
        first_seen: '2026-11-23T12:00:00.000Z',
      });
      expect(got.data['meta']).toEqual({ sequenceId: '1' });
      expect(got.message).toContain('asked for a new destination');
    });
  });

  it('takes nobody over TLS whose certificate another authority made', async () => {
    const other = new Authority();
    const tls = tlsOf(authority, other.issue('valve', 'DNS:valve.example'));
    const sink = openTls(tls);
    const sent = deniedAlert(1);
    sink.push(sent);
    await vi.waitFor(() => expect(sink.stats().lastError).not.toBeNull(), WAIT);
    expect(sink.stats().confirmed).toBe(0);
    expect(rsyslog.received('tls').filter((one) => idOf(one) === sent.id)).toEqual([]);
    other.remove();
  });

  it.each(['tcp', 'lf', 'tls'] as const)(
    'gets every alert over %s although it is restarted in mid-stream',
    async (input) => {
      const sink = open(input);
      const sent = range(300).map(deniedAlert);
      for (const one of sent.slice(0, 100)) sink.push(one);
      await arrived(input, sent[99] as Alert);
      await rsyslog.stop();
      for (const one of sent.slice(100, 200)) sink.push(one);
      await rsyslog.start();
      for (const one of sent.slice(200)) sink.push(one);
      for (const one of sent) await arrived(input, one);
      const all = { sent: 300, dropped: 0, queued: 0 };
      await vi.waitFor(() => expect(sink.stats()).toMatchObject(all), WAIT);
    },
  );

  it('gets every alert over the unix socket although it is restarted in mid-stream', async () => {
    if (!canOpen('unix')) return expect(chooseBackend().backend).toBe('dgram');
    const sink = open('unix');
    const sent = range(60).map(deniedAlert);
    for (const one of sent.slice(0, 20)) sink.push(one);
    await arrived('unix', sent[19] as Alert);
    await rsyslog.stop();
    for (const one of sent.slice(20, 40)) sink.push(one);
    expect(sink.stats().queued).toBe(20);
    await rsyslog.start();
    for (const one of sent.slice(40)) sink.push(one);
    for (const one of sent) await arrived('unix', one);
    const all = { sent: 60, dropped: 0, queued: 0 };
    await vi.waitFor(() => expect(sink.stats()).toMatchObject(all), WAIT);
  });
});
