/** Asks the running daemon something through its control socket. */

import { connect } from 'node:net';
import { DnsvalveError } from '../errors.ts';
import type { Reply } from './server.ts';

const TIMEOUT_MS = 30_000;

/**
 * @param question what the command needs to know
 * @returns the `result` of the daemon's reply
 * @throws DnsvalveError DAEMON when nobody answers, CONFIG when the daemon refused with problems
 */
export async function ask(
  path: string,
  command: 'status' | 'reload' | 'detection' | 'alerts-test',
  question: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const reply = await exchange(path, `${JSON.stringify({ ...question, command })}\n`);
  if (reply.ok) return reply.result;
  const code = (reply.problems?.length ?? 0) > 0 ? 'CONFIG' : 'DAEMON';
  throw new DnsvalveError(code, reply.error ?? 'the daemon refused without a reason');
}

function exchange(path: string, request: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void =>
      reject(new DnsvalveError('DAEMON', `control socket ${path}: ${why}`, cause));
    const socket = connect(path, () => socket.write(request));
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => {
      socket.destroy();
      fail('no answer in time');
    });
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', (error) => fail(`is dnsvalve running? (${error.message})`, error));
    socket.on('end', () => {
      try {
        resolve(JSON.parse(text) as Reply);
      } catch (error) {
        fail('the answer is not JSON', error);
      }
    });
  });
}
