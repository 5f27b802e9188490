/**
 * A user of the control socket: reads requests as lines of JSON and writes the answers. Run as
 * another user, because who somebody is, the kernel says.
 */

import { createInterface } from 'node:readline';
import { ask } from '../../src/control/client.ts';
import { DnsvalveError, messageOf } from '../../src/errors.ts';
import type { AgentReply, AgentRequest } from './person.ts';

const [socket = ''] = process.argv.slice(2);

async function answer({ number, command, question }: AgentRequest): Promise<AgentReply> {
  try {
    return { number, result: await ask(socket, command, question), error: null, code: null };
  } catch (error) {
    const code = error instanceof DnsvalveError ? error.code : null;
    return { number, result: null, error: messageOf(error), code };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  void answer(JSON.parse(line) as AgentRequest).then((reply) =>
    process.stdout.write(`${JSON.stringify(reply)}\n`),
  );
});
