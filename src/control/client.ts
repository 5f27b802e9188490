/** Asks the running daemon something through its control socket. */

import { connect } from 'node:net';
import { DnsvalveError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { Reply } from './server.ts';

/** Of what the daemon does at once. */
const TIMEOUT_MS = 30_000;
/** Of what it does in a thread of its own, however long that takes. */
const PATIENT_MS = 3_600_000;

/**
 * @param question what the command needs to know
 * @returns the `result` of the daemon's reply
 * @throws DnsvalveError DAEMON when nobody answers, CONFIG when the daemon refused with problems,
 *   or as the daemon refused
 */
export async function ask(
  path: string,
  command: string,
  question: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const timeoutMs = command === 'quarantine-evidence' ? PATIENT_MS : TIMEOUT_MS;
  const reply = await exchange(path, `${JSON.stringify({ ...question, command })}\n`, timeoutMs);
  if (reply.ok) return reply.result;
  const code = (reply.problems?.length ?? 0) > 0 ? 'CONFIG' : codeOf(reply);
  throw new DnsvalveError(code, reply.error ?? 'the daemon refused without a reason');
}

/** A daemon of another version may have codes that this program has not. */
function codeOf({ code }: Reply): ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'DAEMON';
}

function exchange(path: string, request: string, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void =>
      reject(new DnsvalveError('DAEMON', `control socket ${path}: ${why}`, cause));
    const socket = connect(path, () => socket.write(request));
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => {
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
