/**
 * A whole dnsvalve with a query log and dnstap, read by the programs that people read them with:
 * fstrm_capture takes the stream, dnstap-read says what is in it.
 */

import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askOnce, TRANSPORTS, type Transport } from '../support/client.ts';
import { freePort, lacks, makeFolder, Program, run, until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const LOCALHOST = '127.0.0.1';
const WEB = '127.0.0.2';
const STRANGER = '127.0.0.9';

function config(upstream: FakeServer, more: string): string {
  return `
upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
workloads:
  api: { sources: [${LOCALHOST}], allow: [.example.com] }
  web: { sources: [${WEB}], allow: [.example.com], mode: report, query_log: 0 }
${more}`;
}

function upstreamServer(): Promise<FakeServer> {
  return FakeServer.start((asked) => {
    asked.reply(answerTo(asked, { answers: [addressRecord(7)] }));
  });
}

interface Line {
  readonly [key: string]: unknown;
}

function linesOf(path: string): Line[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function untilLines(path: string, count: number): Promise<Line[]> {
  return until(`${count} lines in ${path}`, () => {
    const lines = linesOf(path);
    return lines.length >= count ? lines : null;
  });
}

describe.each(BACKENDS)('the query log through %s sockets', (backend) => {
  it('has a line for each query, with who asked, what was decided and what was answered', async () => {
    const upstream = await upstreamServer();
    const more = 'query_log: { path: queries.jsonl }';
    const valve = await Valve.start({ backend, config: config(upstream, more) });
    for (const transport of TRANSPORTS) {
      await askOnce(transport, valve, LOCALHOST, { name: 'WWW.example.com' });
      await askOnce(transport, valve, LOCALHOST, { name: 'evil.example', type: 'TXT' });
      await askOnce(transport, valve, WEB, { name: 'www.example.com' });
      await askOnce(transport, valve, STRANGER, { name: 'www.example.com' });
      await askOnce(transport, valve, LOCALHOST, { name: 'www.example.com', qclass: 3 });
    }
    const path = join(valve.folder, 'queries.jsonl');
    const lines = await untilLines(path, 8);
    const short = lines.map((line) =>
      ['protocol', 'workload', 'qname', 'qtype', 'verdict', 'reason', 'rcode', 'answers']
        .map((key) => line[key] ?? '-')
        .join(' '),
    );
    const expected = TRANSPORTS.flatMap((transport) => [
      `${transport} api www.example.com A allowed workload-allow NOERROR 192.0.2.7`,
      `${transport} api evil.example TXT denied mode NXDOMAIN `,
      `${transport} (unmapped) www.example.com A denied unmapped REFUSED `,
      `${transport} api www.example.com A refused - REFUSED `,
    ]);
    expect(short).toEqual(expected);
    const [first] = lines;
    expect(first).toMatchObject({ version: 1, source: LOCALHOST, would_deny: false });
    expect(first?.['rule']).toMatch(/^\S+:\d+ allow \.example\.com$/);
    const status = await until('the status counts them', async () => {
      const found = (await valve.status())['query_log'] as {
        query_log: { written: number } | null;
      };
      return found.query_log?.written === 8 ? found : null;
    });
    expect(status).toMatchObject({
      shed: 0,
      query_log: { lost: 0, last_error: null },
      dnstap: null,
    });
    expect(keysOf(await valve.status()).filter((key) => /[A-Z]/.test(key))).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(await valve.stop()).toBe(0);
    upstream.stop();
  });
});

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(keysOf);
  return Array.isArray(value) ? below : [...Object.keys(value), ...below];
}

describe('the file of the query log', () => {
  it('is opened anew on SIGUSR2, switched on and off by a reload, and drained at the end', async () => {
    const upstream = await upstreamServer();
    const on = 'query_log: { path: queries.jsonl }';
    const valve = await Valve.start({ config: config(upstream, '') });
    const path = join(valve.folder, 'queries.jsonl');
    const ask = (name: string) => askOnce('udp', valve, LOCALHOST, { name });
    await ask('before.example.com');
    expect((await valve.status())['query_log']).toBeNull();
    valve.configure(config(upstream, on));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    await ask('one.example.com');
    await untilLines(path, 1);
    renameSync(path, `${path}.old`);
    valve.program.child.kill('SIGUSR2');
    await until('the file is there again', async () => {
      await ask('two.example.com');
      return existsSync(path) ? true : null;
    });
    await untilLines(path, 1);
    valve.configure(config(upstream, ''));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    await ask('three.example.com');
    valve.configure(config(upstream, on));
    expect((await valve.command('reload', ...valve.control)).status).toBe(0);
    await ask('last.example.com');
    valve.program.child.kill('SIGTERM');
    expect(await valve.program.exit()).toBe(0);
    const names = [...linesOf(`${path}.old`), ...linesOf(path)].map(({ qname }) => qname);
    expect(names.filter((name) => name !== 'two.example.com')).toEqual([
      'one.example.com',
      'last.example.com',
    ]);
    await valve.stop();
    upstream.stop();
  });
});

interface Receiver {
  readonly to: string;
  readonly args: readonly string[];
}

async function receiver(kind: 'unix' | 'tcp', folder: string): Promise<Receiver> {
  if (kind === 'unix') {
    const path = join(folder, 'dnstap.sock');
    return { to: `unix:${path}`, args: ['-u', path] };
  }
  const port = await freePort();
  return { to: `tcp://127.0.0.1:${port}`, args: ['-a', '127.0.0.1', '-p', String(port)] };
}

/** What dnstap-read says about each message, as text. */
async function dnstapRead(path: string): Promise<string[]> {
  const { status, said } = await run('dnstap-read', ['-y', path]);
  expect(status).toBe(0);
  return said.split(/^type: MESSAGE$/m).slice(1);
}

describe.skipIf(lacks('fstrm_capture', 'dnstap-read'))('dnstap', () => {
  it.each(['unix', 'tcp'] as const)(
    'over %s is read by fstrm_capture and dnstap-read',
    async (kind) => {
      const folder = makeFolder();
      const file = join(folder, 'captured.fstrm');
      const { to, args } = await receiver(kind, folder);
      const capture = new Program('fstrm_capture', [
        ...['-t', 'protobuf:dnstap.Dnstap', '-w', file, '-d', '-d', ...args],
      ]);
      await capture.says(/listening|opened|socket/i);
      const upstream = await upstreamServer();
      const more = `dnstap: { to: "${to}", identity: ns1, version: "dnsvalve test" }`;
      const valve = await Valve.start({ config: config(upstream, more) });
      const asked: (readonly [Transport, string, string])[] = TRANSPORTS.flatMap((transport) => [
        [transport, LOCALHOST, 'www.example.com'] as const,
        [transport, LOCALHOST, 'evil.example'] as const,
        [transport, WEB, 'other.example'] as const,
      ]);
      for (const [transport, from, name] of asked) await askOnce(transport, valve, from, { name });
      await until('all is sent', async () => {
        const { dnstap } = (await valve.status())['query_log'] as {
          dnstap: { sent: number } | null;
        };
        return dnstap?.sent === 2 * asked.length ? true : null;
      });
      const port = valve.port;
      expect(await valve.stop()).toBe(0);
      await capture.stop();
      const messages = await dnstapRead(file);
      expect(messages.length).toBe(2 * asked.length);
      for (const [index, [transport, from, name]] of asked.entries()) {
        for (const [half, type] of ['CLIENT_QUERY', 'CLIENT_RESPONSE'].entries()) {
          const said = messages[2 * index + half] ?? '';
          expect(said).toContain(`type: ${type}`);
          expect(said).toContain('socket_family: INET');
          expect(said).toContain(`socket_protocol: ${transport.toUpperCase()}`);
          expect(said).toContain(`query_address: "${from}"`);
          expect(said).toContain('response_address: "127.0.0.1"');
          expect(said).toContain(`response_port: ${port}`);
          expect(said).toContain(name);
        }
      }
      expect(messages[1]).toContain('status: NOERROR');
      expect(messages[3]).toContain('status: NXDOMAIN');
      const octets = readFileSync(file, 'latin1');
      expect(octets).toContain('dnsvalve test');
      expect(octets).toContain('"workload":"api","verdict":"denied"');
      expect(octets).toContain('"workload":"web","verdict":"allowed","would_deny":true');
      upstream.stop();
    },
  );
});
