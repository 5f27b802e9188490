import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { encoderFor } from '../../src/alerts/formats/encode.ts';
import type { Sink } from '../../src/alerts/sinks/sink.ts';
import { TcpSink } from '../../src/alerts/sinks/tcp.ts';
import { UdpSink } from '../../src/alerts/sinks/udp.ts';
import { UnixSink } from '../../src/alerts/sinks/unix.ts';
import { FORMATS, type Format } from '../../src/config/formats.ts';
import { loadAddon } from '../../src/native/addon.ts';
import { openUnixDatagram } from '../../src/native/unix-datagram.ts';
import { Authority, tlsOf } from './pki.ts';
import { alert, deniedAlert } from './sample.ts';
import { range } from './sinks/collector.ts';
import { NG_INPUTS, type NgInput, type NgMessage, SyslogNg, syslogNgMissing } from './syslog-ng.ts';

const WAIT = { timeout: 15_000, interval: 20 };
/** Without the addon there is no unix datagram socket. */
const inputs = NG_INPUTS.filter((input) => input !== 'unix' || loadAddon().addon !== null);
const missing = syslogNgMissing();
if (missing !== null) console.warn(`skipped: ${missing}`);

const authority = new Authority();
const syslogNg = new SyslogNg(authority);
const client = authority.issue('valve', 'DNS:valve.example');
let sinks: Sink[] = [];

afterEach(async () => {
  for (const sink of sinks) await sink.close(0);
  sinks = [];
});

function open(input: NgInput, format: Format = 'rfc5424'): Sink {
  const encode = encoderFor({ format, kind: 'syslog-tcp', facility: 20 });
  const port = syslogNg.ports.get(input) ?? 0;
  const backoff = { firstMs: 10, maxMs: 50, random: () => 0.5 };
  const common = { name: input, host: '127.0.0.1', port, encode, report: () => {}, backoff };
  const make: Record<NgInput, () => Sink> = {
    udp: () => new UdpSink(common),
    tcp: () => new TcpSink(common),
    lf: () => new TcpSink({ ...common, framing: 'lf' }),
    tls: () => new TcpSink({ ...common, tls: tlsOf(authority, client) }),
    unix: () => new UnixSink({ ...common, path: syslogNg.socket, open: openUnixDatagram }),
  };
  const sink = make[input]();
  sinks.push(sink);
  return sink;
}

function idOf(message: NgMessage): string | undefined {
  return message._SDATA?.['dnsvalve@32473']?.['id'];
}

async function arrived(input: NgInput, sent: Alert): Promise<NgMessage> {
  return await vi.waitFor(() => {
    const found = syslogNg.received(input).find((one) => idOf(one) === sent.id);
    if (found === undefined) throw new Error(`not yet at ${input}: ${sent.id}`);
    return found;
  }, WAIT);
}

describe.skipIf(missing !== null)('syslog-ng', () => {
  beforeAll(() => syslogNg.start());
  afterAll(async () => {
    await syslogNg.remove();
    authority.remove();
  });

  it.each(inputs)('understands every field over %s', async (input) => {
    const sent = alert({ rule: 'a"b\\c]d[e=f ä€😀' });
    open(input).push(sent);
    const got = await arrived(input, sent);
    expect(got).toMatchObject({
      PRIORITY: 'notice',
      FACILITY: 'local4',
      PROGRAM: 'dnsvalve',
      MSGID: 'new-destination',
      MESSAGE: expect.stringContaining('asked for a new destination'),
    });
    expect(got._SDATA?.['dnsvalve@32473']).toMatchObject({
      workload: 'payments-api',
      qname: 'www.partner.example',
      rule: 'a"b\\c]d[e=f ä€😀',
    });
  });

  const ways = inputs.flatMap((input) => FORMATS.map((format) => ({ input, format })));
  it.each(ways)('gets $format over $input', async ({ input, format }) => {
    const sent = alert({ rule: 'a|b=c ä€😀' });
    open(input, format).push(sent);
    const got = await vi.waitFor(() => {
      const found = syslogNg.received(input).find((one) => JSON.stringify(one).includes(sent.id));
      if (found === undefined) throw new Error('not yet');
      return found;
    }, WAIT);
    expect([got.PRIORITY, got.FACILITY]).toEqual(['notice', 'local4']);
  });

  it.each(inputs.filter((input) => input !== 'udp'))(
    'gets every alert over %s in order although it is killed',
    async (input) => {
      const sink = open(input);
      const sent = range(300).map(deniedAlert);
      for (const one of sent.slice(0, 100)) sink.push(one);
      await arrived(input, sent[99] as Alert);
      await syslogNg.stop('SIGKILL');
      for (const one of sent.slice(100, 200)) sink.push(one);
      await syslogNg.start();
      for (const one of sent.slice(200)) sink.push(one);
      await arrived(input, sent[299] as Alert);
      const ids = [...new Set(syslogNg.received(input).map(idOf))];
      expect(ids.slice(-300)).toEqual(sent.map(({ id }) => id));
    },
  );
});
