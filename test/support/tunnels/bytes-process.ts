/**
 * The two ends of a transfer, as processes, since they have to run in network namespaces.
 *
 *   node bytes-process.ts take ADDRESS PORT           says `taken N` whenever octets came, and
 *                                                     `N open` when a connection came or ended
 *   node bytes-process.ts give ADDRESS PORT N         sends N random octets
 *
 * Random, so that nothing on the way can compress them.
 */

import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [role, address = '', port, count] = process.argv.slice(2);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function take(): void {
  let taken = 0;
  let open = 0;
  const server = createServer((socket) => {
    say(`${++open} open`);
    socket.on('close', () => say(`${--open} open`));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      taken += chunk.length;
      say(`taken ${taken}`);
    });
  });
  server.listen(Number(port), address, () => say('listening'));
}

function give(): void {
  const socket = connect(Number(port), address, () => {
    say('connected');
    socket.write(randomBytes(Number(count)));
  });
  socket.on('error', (error) => say(error.message));
  socket.on('close', () => say('closed'));
}

if (role === 'take') take();
else give();
