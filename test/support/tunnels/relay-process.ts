/**
 * A relay of datagrams that writes down all that passes, as a process, since it has to run in a
 * network namespace.
 *
 *   node relay-process.ts LOG LISTEN_ADDRESS LISTEN_PORT TO_ADDRESS TO_PORT [CASES]
 *
 * A line of LOG is `{ at, way, port, hex }`: when (seconds since 1970), `ask` or `answer`, the
 * asker's port, the message. Written before the datagram goes on.
 *
 * CASES is the log of another relay, nearer to the client. With it, names go on in the letters in
 * which they passed there, and answers come back in those that were asked: a valve whose servers
 * see the case of the client, which this one does not let through.
 */

import { createSocket, type Socket } from 'node:dgram';
import { openSync, readFileSync, writeSync } from 'node:fs';

const AT_QUESTION = 12;
const [logPath = '', listenAddress, listenPort, toAddress, toPort, casesPath] =
  process.argv.slice(2);
const log = openSync(logPath, 'a');

function note(way: 'ask' | 'answer', port: number, message: Buffer): void {
  const at = (performance.timeOrigin + performance.now()) / 1000;
  writeSync(log, `${JSON.stringify({ at, way, port, hex: message.toString('hex') })}\n`);
}

function nameEnd(message: Buffer): number {
  let end = AT_QUESTION;
  while (end < message.length && message[end] !== 0) end += 1 + (message[end] ?? 0);
  return end;
}

function nameOf(message: Buffer): Buffer {
  return message.subarray(AT_QUESTION, nameEnd(message));
}

/** Letters only: of length octets none is that large. */
function folded(name: Buffer): string {
  return name.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The message with its name as it was asked for last where CASES was written. */
function unfolded(message: Buffer): Buffer {
  if (casesPath === undefined) return message;
  const want = folded(nameOf(message));
  const lines = readFileSync(casesPath, 'utf8').split('\n').slice(0, -1).reverse();
  for (const line of lines) {
    const { way, hex } = JSON.parse(line) as { way: string; hex: string };
    const name = nameOf(Buffer.from(hex, 'hex'));
    if (way === 'ask' && folded(name) === want) return withName(message, name);
  }
  return message;
}

/** @param name as long as the one in the message */
function withName(message: Buffer, name: Buffer): Buffer {
  const copy = Buffer.from(message);
  name.copy(copy, AT_QUESTION);
  return copy;
}

/** One socket per asker, as behind an address translation: ids may then be those of the asker. */
const onward = new Map<number, Socket>();
/** Names as asked, by asker and id. */
const asked = new Map<string, Buffer>();
const listener = createSocket('udp4');

function onwardFrom(address: string, port: number): Socket {
  const known = onward.get(port);
  if (known !== undefined) return known;
  const socket = createSocket('udp4');
  socket.on('message', (message) => {
    const name = asked.get(`${port} ${message.readUInt16BE(0)}`);
    const isAnswer = name !== undefined && folded(nameOf(message)) === folded(name);
    const answer = isAnswer ? withName(message, name) : message;
    note('answer', port, answer);
    listener.send(answer, port, address);
  });
  // Nobody listens behind it yet, or any more: as on a real wire.
  socket.on('error', () => {});
  onward.set(port, socket);
  return socket;
}

listener.on('message', (message, { address, port }) => {
  const unmangled = unfolded(message);
  asked.set(`${port} ${message.readUInt16BE(0)}`, Buffer.from(nameOf(message)));
  note('ask', port, unmangled);
  onwardFrom(address, port).send(unmangled, Number(toPort), toAddress);
});
listener.bind(Number(listenPort), listenAddress, () => process.stdout.write('listening\n'));
