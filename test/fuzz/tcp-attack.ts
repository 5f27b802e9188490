/** Hostile messages over streams: many to a connection, cut anywhere, some behind a wrong length. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { FrameReader } from '../../src/upstream/frames.ts';
import {
  type Attack,
  type Book,
  checkAlone,
  MESSAGE_ROOM,
  SHARES,
  writeHostile,
} from './attack.ts';
import type { Random } from './mutate.ts';

const FRAMES = 120;
const PATIENCE_MS = 20_000;
/** One connection in so many ends in octets that are no message. */
const NOISY = 10;

/** Frames of one connection, the control query last. */
function writeFrames(book: Book, random: Random, out: Buffer): number {
  let at = 0;
  for (let i = 0; i < FRAMES; i++) {
    const room = out.subarray(at + 2, at + 2 + MESSAGE_ROOM);
    let length = 0;
    if (i === FRAMES - 1) {
      length = book.writeControl(room);
    } else {
      // Less than a header ends the connection: those come last, behind the control query.
      do length = writeHostile(room, random);
      while (length < 12);
      book.enter(room, length);
    }
    out.writeUInt16BE(length, at);
    at += 2 + length;
  }
  return at;
}

/** Octets that end a connection or leave it waiting for more. @returns where they end */
function writeNoise(random: Random, out: Buffer, at: number): number {
  const length = 1 + random.next(40);
  for (let i = 0; i < length; i++) out[at + i] = random.next(random.pick([2, 256]));
  return at + length;
}

/** Ids of the messages that noise may be read as. */
export function idsOfNoise(octets: Buffer): ReadonlySet<number> {
  const ids = new Set<number>();
  for (let at = 0; at + 4 <= octets.length; at += 2 + octets.readUInt16BE(at)) {
    ids.add(octets.readUInt16BE(at + 2));
  }
  return ids;
}

async function runConnection(port: number, book: Book, random: Random): Promise<void> {
  const out = Buffer.alloc(FRAMES * (MESSAGE_ROOM + 2));
  let end = writeFrames(book, random, out);
  const isNoisy = random.next(NOISY) === 0;
  const wellFormed = end;
  if (isNoisy) end = writeNoise(random, out, end);
  const noise = idsOfNoise(out.subarray(wellFormed, end));
  const socket = connect({ host: '127.0.0.1', port, localAddress: book.from, allowHalfOpen: true });
  const reader = new FrameReader();
  let failure: unknown = null;
  let controls = 0;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    try {
      const isFit = reader.push(chunk, (octets, start, stop) => {
        const reply = Buffer.from(octets.slice(start, stop));
        // Noise may be read as a query of its own, and answered before the control query.
        if (noise.has(reply.readUInt16BE(0))) checkAlone(reply);
        else if (book.take(reply)) controls++;
        return true;
      });
      if (!isFit) throw new Error('a frame that is no message');
    } catch (thrown) {
      failure = thrown;
      socket.destroy();
    }
  });
  socket.on('end', () => socket.end());
  socket.setTimeout(PATIENCE_MS, () => {
    failure = new Error('a connection was neither answered nor closed');
    socket.destroy();
  });
  await once(socket, 'connect');
  for (let at = 0; at < end; ) {
    const next = Math.min(end, at + 1 + random.next(end));
    socket.write(out.subarray(at, next));
    at = next;
  }
  socket.end();
  // A reset is the valve's right where there was noise; elsewhere an answer is missing then.
  await new Promise((resolve) => socket.once('close', resolve));
  if (failure !== null) throw failure;
  if (controls !== 1 && !isNoisy) throw new Error(`${controls} answers to one control query`);
}

/** As `attackOverUdp`, over connections that come and go. */
export async function attackOverTcp(
  port: number,
  { count, random, books }: Attack,
  onShare: () => void,
): Promise<void> {
  const total = Math.max(1, Math.ceil(count / FRAMES));
  let opened = 0;
  await Promise.all(
    books.map(async (book) => {
      while (opened < total) {
        if (opened % Math.ceil(total / SHARES) === 0) onShare();
        opened++;
        await runConnection(port, book, random);
      }
    }),
  );
}
