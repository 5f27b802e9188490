/**
 * An upstream that answers in batches, every question honestly, and one in eight first with a
 * mutated answer of a kind that a parser has to take apart.
 */

import { createServer, type Server as TcpServer } from 'node:net';
import { Batch, SLOT_STRIDE } from '../../src/batch.ts';
import { openUdp, type UdpPort } from '../../src/native/udp.ts';
import { FrameReader } from '../../src/upstream/frames.ts';
import { framed } from '../support/client.ts';
import { QNAME, record, u16, wire } from '../support/records.ts';
import { mutate, type Random } from './mutate.ts';

const [A, CNAME, SOA, MX, TXT, RRSIG, HTTPS] = [1, 5, 6, 15, 16, 46, 65];
/** One answer in so many has a mutated one before it. */
const MUTATED = 8;
/** Longest question; what is longer came from nobody that forwards. */
const QUESTION_MAX = 260;
const ADDRESS = Buffer.from([8, 8, 8, 8]);

const HONEST = record(QNAME, A, ADDRESS);
const SIGNATURE = Buffer.concat([
  u16(A, 0x0803, 0, 300, 0x7f00, 0, 0x6000, 0, 1),
  wire('example.com'),
  ADDRESS,
]);

/** Record sections, with the counts of answers and authorities. */
const BODIES: readonly (readonly [number, number, Buffer])[] = [
  [1, 0, HONEST],
  [
    2,
    0,
    Buffer.concat([
      record(QNAME, CNAME, wire('a.example.com')),
      record(wire('a.example.com'), A, ADDRESS),
    ]),
  ],
  [2, 0, Buffer.concat([HONEST, record(QNAME, RRSIG, SIGNATURE)])],
  [
    0,
    1,
    record(
      wire('example.com'),
      SOA,
      Buffer.concat([wire('ns'), wire('host'), Buffer.alloc(20, 1)]),
    ),
  ],
  [
    2,
    0,
    Buffer.concat([
      record(QNAME, MX, Buffer.concat([u16(5), wire('mx.example.com')])),
      record(QNAME, TXT, Buffer.from('\x03abc')),
    ]),
  ],
  [
    1,
    0,
    record(QNAME, HTTPS, Buffer.concat([u16(1), wire('svc.example.com'), u16(4, 4), ADDRESS])),
  ],
];

/** The end of the question, or -1. */
function questionEnd(octets: Uint8Array, start: number, end: number): number {
  let at = start + 12;
  while (at < end && octets[at] !== 0) at += 1 + (octets[at] ?? 0);
  return at + 5 <= end && at + 5 - start - 12 <= QUESTION_MAX ? at + 5 : -1;
}

/** A question whose first label begins with the mark. */
function isHonest(octets: Uint8Array, start: number): boolean {
  const at = start + 13;
  return octets[at] === 48 /* '0' */ && octets[at + 1] === 48 /* '0' */;
}

export class MutatingUpstream {
  port = 0;
  /** Questions over UDP. */
  asked = 0;
  readonly #random: Random;
  readonly #batch = new Batch();
  readonly #more = new Batch();
  readonly #seed = new Uint8Array(2048);
  readonly #tcp: TcpServer;
  #udp: UdpPort | null = null;

  private constructor(random: Random) {
    this.#random = random;
    this.#tcp = createServer((socket) => {
      const reader = new FrameReader();
      socket.on('error', () => undefined);
      socket.on('data', (chunk) =>
        reader.push(chunk, (octets, start, end) => {
          const out = new Uint8Array(512);
          const length = this.#answer(octets, start, end, out, 0, [1, 0, HONEST]);
          if (length > 0) socket.write(framed(out.subarray(0, length)));
          return true;
        }),
      );
    });
  }

  static async start(random: Random): Promise<MutatingUpstream> {
    const upstream = new MutatingUpstream(random);
    const address = '127.0.0.1';
    await new Promise<void>((resolve) => upstream.#tcp.listen(0, address, resolve));
    upstream.port = (upstream.#tcp.address() as { port: number }).port;
    const options = { address, port: upstream.port, family: 4, reusePort: false } as const;
    upstream.#udp = await openUdp(
      {
        ...options,
        batch: upstream.#batch,
        onBatch: (count) => upstream.#onBatch(count),
        onError: () => undefined,
      },
      'native',
    );
    return upstream;
  }

  stop(): void {
    this.#udp?.close();
    this.#tcp.close();
  }

  #onBatch(count: number): number {
    const { rx, rxLength, tx, txLength, txPeer } = this.#batch;
    this.#sendMutated(count);
    this.asked += count;
    let answers = 0;
    for (let i = 0; i < count; i++) {
      const from = i * SLOT_STRIDE;
      const to = answers * SLOT_STRIDE;
      const length = this.#answer(rx, from, from + rxLength[i]!, tx, to, [1, 0, HONEST]);
      if (length === 0) continue;
      txLength[answers] = length;
      txPeer[answers++] = i;
    }
    return answers;
  }

  /** Leaves before the honest ones, since those are sent when the batch returns. */
  #sendMutated(count: number): void {
    const { rx, rxLength } = this.#batch;
    const { tx, txLength, txPeer, peer } = this.#more;
    peer.set(this.#batch.peer);
    let sent = 0;
    for (let i = 0; i < count; i++) {
      if (this.#random.next(MUTATED) !== 0) continue;
      const from = i * SLOT_STRIDE;
      if (isHonest(rx, from)) continue;
      const body = this.#random.pick(BODIES);
      const length = this.#answer(rx, from, from + rxLength[i]!, this.#seed, 0, body);
      if (length === 0) continue;
      const first = this.#random.pick([2, 12, length - body[2].length]);
      const to = sent * SLOT_STRIDE;
      txLength[sent] = mutate(
        this.#seed.subarray(0, length),
        first,
        tx.subarray(to, to + 2048),
        this.#random,
      );
      txPeer[sent++] = i;
    }
    if (sent > 0) this.#udp?.send(this.#more, sent);
  }

  /** Writes an answer to the query. @returns its length, or 0 when there is none to be given */
  #answer(
    octets: Uint8Array,
    start: number,
    end: number,
    out: Uint8Array,
    at: number,
    [answers, authorities, body]: readonly [number, number, Buffer],
  ): number {
    const next = questionEnd(octets, start, end);
    if (next === -1) return 0;
    out.set(octets.subarray(start, next), at);
    out.set([0x81, 0x80, 0, 1, 0, answers, 0, authorities, 0, 0], at + 2);
    out.set(body, at + next - start);
    return next - start + body.length;
  }
}
