/**
 * Holds TCP connections to a server, each from an address of its own: idle ones; ones that send a
 * query an octet at a time; and ones that ask without end and never read. What the server closes is
 * opened again. Says how many are open, once a second.
 */

import { connect, type Socket } from 'node:net';
import { framed } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';

type Kind = 'idle' | 'dribble' | 'deaf';

const STEP_MS = 1000;
const AGAIN_MS = 200;
/** Connections that are being opened at once: no more than a backlog takes. */
const OPENING_MAX = 200;
const [port = 0, idle = 0, slow = 0] = process.argv.slice(2).map(Number);
const query = framed(buildQuery({ name: 'www.held.com' }));

let open = 0;
let opening = 0;
let opened = 0;
const waiting: (() => void)[] = [];

function kindOf(index: number): Kind {
  if (index < idle) return 'idle';
  return index % 2 === 0 ? 'dribble' : 'deaf';
}

function hold(index: number): void {
  if (opening >= OPENING_MAX) {
    waiting.push(() => hold(index));
    return;
  }
  opening++;
  const localAddress = `127.${1 + (index >> 14)}.${(index >> 7) & 127}.${1 + (index & 127)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let isOpen = false;
  const settle = (): void => {
    opening--;
    waiting.shift()?.();
  };
  socket.once('connect', () => {
    isOpen = true;
    open++;
    opened++;
    settle();
    begin(socket, kindOf(index));
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    if (isOpen) open--;
    else settle();
    setTimeout(() => hold(index), AGAIN_MS);
  });
}

function begin(socket: Socket, kind: Kind): void {
  if (kind === 'idle') {
    socket.resume();
    return;
  }
  let at = 0;
  const step = (): void => {
    if (kind === 'dribble')
      socket.write(query.subarray(at % query.length, (at++ % query.length) + 1));
    else if (!socket.writableNeedDrain) socket.write(Buffer.concat(Array(20).fill(query)));
  };
  if (kind === 'dribble') socket.resume();
  else socket.pause();
  const timer = setInterval(step, STEP_MS);
  socket.once('close', () => clearInterval(timer));
}

for (let index = 0; index < idle + slow; index++) hold(index);
setInterval(() => process.stdout.write(`${open} ${opened}\n`), STEP_MS);
