import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUnixDatagram, type UnixDatagram } from '../../src/native/unix-datagram.ts';
import { nativeIsMissing, until } from './support.ts';

/** Node cannot receive either, so a few lines of Python do: one hex line per datagram. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0), 1) if sys.argv[1].startswith('@') else sys.argv[1])
print('ready', flush=True)
while True:
    print('got ' + s.recv(65536).hex(), flush=True)
`;

const pythonIsMissing = spawnSync('python3', ['--version']).status !== 0;
if (pythonIsMissing && process.env['CI'] !== undefined) throw new Error('python3 is missing');
if (pythonIsMissing) process.stderr.write('tests of unix datagrams are skipped: no python3\n');

let directory = '';
let children: ChildProcess[] = [];
let sockets: UnixDatagram[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dnsvalve-test-'));
});

afterEach(async () => {
  for (const socket of sockets) socket.close();
  for (const child of children) await stop(child);
  rmSync(directory, { recursive: true });
  children = [];
  sockets = [];
});

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function startReceiver(path: string) {
  const child = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await until('a receiver', () => text.startsWith('ready\n'));
  const got = (): string[] => {
    const lines = text.split('\n').filter((line) => line.startsWith('got '));
    return lines.map((line) => Buffer.from(line.slice(4), 'hex').toString());
  };
  return { child, got };
}

function open(path: string): UnixDatagram {
  const socket = openUnixDatagram(path);
  if (socket === null) throw new Error('no addon');
  sockets.push(socket);
  return socket;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.skipIf(nativeIsMissing || pythonIsMissing)('unix datagrams', () => {
  it.each([
    { name: 'a path', path: () => join(directory, 'log') },
    { name: 'an abstract name', path: () => `@dnsvalve-test-${process.pid}` },
  ])('reach $name whole and in order', async ({ path }) => {
    const receiver = await startReceiver(path());
    const socket = open(path());
    const sent = ['READY=1', 'x'.repeat(8000), ''];
    for (const text of sent) expect(socket.send(bytes(text))).toBe(true);
    await until('three datagrams', () => receiver.got().length === 3);
    expect(receiver.got()).toEqual(sent);
  });

  it('are refused while nobody listens, and arrive once somebody does', async () => {
    const path = join(directory, 'log');
    const socket = open(path);
    expect(socket.send(bytes('too early'))).toBe(false);
    const first = await startReceiver(path);
    expect(socket.send(bytes('one'))).toBe(true);
    await until('a datagram', () => first.got().length === 1);
    await stop(first.child);
    expect(socket.send(bytes('lost'))).toBe(false);
    rmSync(path);
    const second = await startReceiver(path);
    expect(socket.send(bytes('two'))).toBe(true);
    await until('a datagram', () => second.got().length === 1);
    expect([first.got(), second.got()]).toEqual([['one'], ['two']]);
  });

  it('never wait for a receiver that does not read', async () => {
    const path = join(directory, 'log');
    const receiver = await startReceiver(path);
    receiver.child.kill('SIGSTOP');
    const socket = open(path);
    const taken = Array.from({ length: 5000 }, () => socket.send(bytes('x'.repeat(1000))));
    expect(taken).toContain(false);
    receiver.child.kill('SIGCONT');
    const arrived = taken.filter(Boolean).length;
    await until('what was taken', () => receiver.got().length === arrived);
  });

  it('send nothing after close, which may be called twice', async () => {
    const path = join(directory, 'log');
    await startReceiver(path);
    const socket = open(path);
    socket.close();
    socket.close();
    expect(socket.send(bytes('x'))).toBe(false);
  });
});

describe.skipIf(nativeIsMissing)('a unix path', () => {
  it.each([
    { name: 'longer than a socket name may be', path: `/${'x'.repeat(107)}` },
    { name: 'much longer', path: `/${'x'.repeat(5000)}` },
    { name: 'empty', path: '' },
  ])('is refused when $name', ({ path }) => {
    expect(() => openUnixDatagram(path)).toThrow(/^opening unix socket /);
  });
});
