/**
 * Names as weapons against people and between workloads: control octets in a qname reach no
 * terminal, log line, JSON string or syslog message; and what one workload may have is not given to
 * another by a store or by a query that is under way.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient, TRANSPORTS } from '../support/client.ts';
import { readMessage } from '../support/message.ts';
import { until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';
import { FROM, NOERROR, NXDOMAIN, plain, policy, queryFor, Rig, wire } from './rig.ts';

/** Labels that would do harm where they were printed as they are. */
const WEAPONS: readonly (readonly [string, string])[] = [
  ['an escape sequence', '\x1b[31mred\x1b[0m'],
  ['a title for the terminal', '\x1b]0;owned\x07'],
  ['C1 control octets', '\x9b31m\x85\x90'],
  ['a new line with a forged record', 'a\n<134>1 2026 host dnsvalve'],
  ['carriage return and back space', 'x\r\x08\x08y'],
  ['NUL', 'a\0b'],
  ['DEL', '\x7f'],
  ['quotes and a closing bracket', '"]\\ x="1'],
  ['HTML', '<script>alert(1)</script>'],
  ['an entity', "&amp;'"],
  ['a formula', '=cmd|calc!A1'],
  ['a right-to-left override', Buffer.from('\u202etxt.exe').toString('latin1')],
  ['a line separator', Buffer.from('\u2028\u2029').toString('latin1')],
  ['octets that are not UTF-8', '\xff\xfe\xc0\xaf'],
  ['format specifiers', '%s%n%d$\\{jndi:x}'],
];

/** Anything but printable ASCII and the ends of lines. */
/** The bars and dots of a sparkline are the valve's own. */
const HARMFUL = /[^\x20-\x7e\n\u2581-\u2588\u00b7]/;

const REFUSED_AND_ALLOWED = ['evil.test', 'allowed.test'];

describe.each(BACKENDS)('what people see of names through %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  let collector: Socket;
  const syslog: Buffer[] = [];

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) =>
      asked.reply(answerTo(asked, { answers: [addressRecord(1)] })),
    );
    collector = createSocket('udp4');
    collector.on('message', (octets) => syslog.push(octets));
    collector.bind(0, '127.0.0.1');
    await once(collector, 'listening');
    const sinks = `[{ to: "file:alerts.json" }, { to: "syslog+udp://127.0.0.1:${collector.address().port}" }]`;
    valve = await Valve.start({
      backend,
      config: policy(upstream, 'enforce').replace('[{ to: "file:alerts.json" }]', sinks),
    });
    for (const transport of TRANSPORTS) {
      const client = await openClient(transport, valve, FROM.strict);
      for (const [index, [, label]] of WEAPONS.entries()) {
        for (const below of REFUSED_AND_ALLOWED) {
          // As a label of a name, and as the registrable domain, which has an alert of its own.
          const names = [
            [label, ...below.split('.')],
            [`${label}${index}`, 'test'],
          ];
          for (const name of names) {
            expect(await client.exchange(queryFor(wire(name), 1))).not.toBeNull();
          }
        }
      }
      client.close();
    }
    await until('the history has all of them', async () => {
      const { said } = await valve.command('first-seen', '--json', '--limit', '0');
      return said.includes(`${WEAPONS.length - 1}.test`) ? true : null;
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
    collector?.close();
  });

  it('alerts in a file are JSON, one a line, printable', async () => {
    const read = (): string => readFileSync(join(valve.folder, 'alerts.json'), 'latin1');
    await until('alerts', () => (read().split('\n').length > WEAPONS.length ? true : null));
    expect(read()).not.toMatch(HARMFUL);
    const lines = read().split('\n').filter(Boolean);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('type');
  });

  it('syslog messages are one line each, and printable', async () => {
    await until('messages', () => (syslog.length > WEAPONS.length ? true : null));
    for (const octets of syslog) {
      const text = octets.toString('latin1').replace(/\xef\xbb\xbf/, '');
      expect(text).toMatch(/^<\d+>1 /);
      expect(text).not.toMatch(/[^\x20-\x7e]/);
    }
  });

  it('the operational log has none of it', () => {
    expect(valve.program.said).not.toMatch(HARMFUL);
  });

  const commands = [
    ['first-seen', '--limit', '0'],
    ['first-seen', '--limit', '0', '--json'],
    ['first-seen', '--limit', '0', '--jsonl'],
    ['history', '--workload', 'strict', '--names'],
    ['history', '--workload', 'strict', '--names', '--json'],
    ['history', 'evil.test', '--under', '--names', '--jsonl'],
    ['who', 'evil.test'],
    ['workloads'],
    ['status'],
    ['status', '--json'],
    ['explain', 'strict', '\\027[31m.evil.test'],
    ['who', '\x1b[31m.evil.test'],
    ['history', 'a\u202eb.test'],
    ['history', 'x.test', '--wo\u202e\x1brkload'],
    ['wh\x1b[31mo'],
  ].map((args) => ({ args, title: args.join(' ').replaceAll(/[^ -~]/g, '?') }));

  it.each(commands)('$title', async ({ args }) => {
    const { said } = await valve.command(...args);
    expect(said.length).toBeGreaterThan(0);
    expect(said.replaceAll(/[─│┌┐└┘├┤┬┴┼—–…·✓✗×]/g, '')).not.toMatch(HARMFUL);
  });

  it('the answer that a person reads is printable too', async () => {
    const asked = `\\027[31m.evil.test`;
    const from = `127.0.0.1:${valve.port}`;
    const { said } = await valve.command('query', asked, '--server', from);
    expect(said).not.toMatch(HARMFUL);
  });
});

describe.each(BACKENDS)('between workloads through %s sockets', (backend) => {
  let rig: Rig;
  const held: Asked[] = [];

  const answer = (asked: Asked): void =>
    asked.reply(answerTo(asked, { answers: [addressRecord(1)] }));

  beforeAll(async () => {
    rig = await Rig.start(backend, (asked) => {
      if (asked.name.toLowerCase().startsWith('held')) held.push(asked);
      else answer(asked);
    });
  });

  afterAll(async () => rig?.stop());

  it.each(TRANSPORTS)('a query under way for one is not joined by another (%s)', async (way) => {
    const query = queryFor(plain(`held-${way}.test`), 1);
    const opens = await openClient(way, rig.valve, FROM.open);
    const waiting = opens.exchange(query);
    await until('the upstream has it', () => held.at(-1)?.name.toLowerCase().includes(way) ?? null);
    for (const transport of TRANSPORTS) {
      expect((await rig.send('strict', transport, query)).rcode).toBe(NXDOMAIN);
    }
    for (const asked of held.splice(0)) answer(asked);
    expect(readMessage((await waiting) as Buffer).answers).toHaveLength(1);
    for (const transport of TRANSPORTS) {
      expect((await rig.send('strict', transport, query)).answers).toEqual([]);
    }
    opens.close();
  });

  it('a denial of one is not served to another, nor its end waited for', async () => {
    for (const transport of TRANSPORTS) {
      const query = queryFor(plain(`first-denied-${transport}.test`), 1);
      expect((await rig.send('strict', transport, query)).rcode).toBe(NXDOMAIN);
      const got = await rig.send('open', transport, query);
      expect([got.rcode, got.answers.length]).toEqual([NOERROR, 1]);
      expect((await rig.send('chained', transport, query)).rcode).toBe(NXDOMAIN);
    }
  });

  it('who waits while a reload takes the name away is denied, and so is the next', async () => {
    await rig.reload('open');
    const query = queryFor(plain('held-reload.test'), 1);
    const client = await openClient('udp', rig.valve, FROM.strict);
    const waiting = client.exchange(query);
    await until('the upstream has it', () => held.length > 0 || null);
    await rig.reload('enforce');
    for (const asked of held.splice(0)) answer(asked);
    const got = readMessage((await waiting) as Buffer);
    expect([got.rcode, got.answers]).toEqual([NXDOMAIN, []]);
    for (const transport of TRANSPORTS) {
      expect((await rig.send('strict', transport, query)).rcode).toBe(NXDOMAIN);
    }
    client.close();
  });
});
