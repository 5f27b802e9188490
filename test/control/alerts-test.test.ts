import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { register } from '../../src/cli/alerts.ts';
import type { Sink, SinkTarget } from '../../src/config/sink-types.ts';
import { testAlerts } from '../../src/control/alerts-test.ts';
import { Collector } from '../alerts/sinks/collector.ts';

const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-trial-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = { file: 'dnsvalve.yaml', line: 1, col: 1 };
const NO_TLS = { ca: null, cert: null, key: null };

function sink(to: string, target: SinkTarget): Sink {
  const format = target.kind === 'file' ? 'json' : 'rfc5424';
  return { to, target, format, facility: 20, at };
}

describe('a test of all sinks', () => {
  it('says of each whether it took the alert, and why not', async () => {
    const collector = new Collector();
    await collector.start();
    const { port } = collector;
    const path = join(folder, 'alerts.jsonl');
    const framing = 'octet-counting';
    const gone = { ...NO_TLS, ca: { kind: 'file', path: join(folder, 'gone.pem') } } as const;
    const host = '127.0.0.1';
    const { id, sinks } = await testAlerts({
      sinks: [
        sink('file', { kind: 'file', path }),
        sink('folder', { kind: 'file', path: folder }),
        sink('tcp', { kind: 'syslog-tcp', host, port, framing }),
        sink('nobody', { kind: 'syslog-tcp', host, port: 1, framing }),
        sink('no ca', { kind: 'syslog-tls', host, port, peer: host, tls: gone }),
        sink('no unix', { kind: 'unix', path: '/dev/log' }),
      ],
      openUnixDatagram: () => null,
      nowMs: Date.now(),
    });
    await collector.stop();
    expect(sinks.map(({ name, ok, reason }) => [name, ok, reason])).toEqual([
      ['file', true, null],
      ['folder', false, expect.stringContaining('EISDIR')],
      ['tcp', true, null],
      ['nobody', false, expect.stringContaining('ECONNREFUSED')],
      ['no ca', false, expect.stringContaining('gone.pem: ENOENT')],
      ['no unix', false, expect.stringContaining('native addon')],
    ]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ type: 'test', id });
    expect(collector.messages).toEqual([expect.stringContaining(id)]);
  });

  it.each([
    ['0 where all took it', true, 0, 'SINK  RESULT  REASON\nx     ok      -\n'],
    ['1 where one did not', false, 1, 'SINK  RESULT  REASON\nx     failed  down\n'],
  ])('ends with %s', async (_, ok, status, table) => {
    const path = join(folder, `${status}.sock`);
    const result = { id: 'i', sinks: [{ name: 'x', ok, reason: ok ? null : 'down' }] };
    const server = createServer((socket) => socket.end(JSON.stringify({ ok: true, result })));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(path, resolve);
    await promise;
    const ran = { out: '', status: 0 };
    const program = new Command();
    register(program, {
      stdout: { write: (text) => (ran.out += text) },
      stderr: { write: () => {} },
      env: {},
      isTTY: false,
      now: Date.now,
      setExitCode: (code) => {
        ran.status = code;
      },
    });
    await program.parseAsync(['alerts', 'test', '--control', path], { from: 'user' });
    server.close();
    expect(ran).toEqual({ out: table, status });
  });
});
