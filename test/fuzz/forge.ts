/**
 * Forged answers against many questions that nobody answers. As a program:
 *
 * ```
 * node test/fuzz/forge.ts [--forged N] [--outstanding N] [--seed N] [--backend native|dgram]
 * ```
 *
 * The forger writes from the address and port of the upstream, which is the best that one off the
 * path can do, and knows as much of each question as its method says. Beside what was accepted it
 * prints the odds, from ids, ports and cases as they were captured.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BATCH_CAPACITY, Batch, PEER_PORT, PEER_SIZE, SLOT_STRIDE } from '../../src/batch.ts';
import { openUdp, type UdpPort } from '../../src/native/udp.ts';
import { buildQuery } from '../support/message.ts';
import { QNAME, record } from '../support/records.ts';
import { until } from '../support/until.ts';
import { collisionBits, countsOf, deviation } from './chance.ts';
import { Random, word } from './mutate.ts';
import { type Held, SilentUpstream } from './silent-upstream.ts';
import { Subject } from './subject.ts';

/** Its 39 letters: each is a bit that a forger has to guess. */
const TARGET = 'forged-answers-must-never-be-accepted.example';
const LETTERS = /[a-z]/gi;
const WORKLOADS = 16;
/** Sockets of each, so that they come to all workers. */
const SOCKETS = 4;
const WORKERS = 2;
/** Linux's ip_local_port_range as it comes. */
const [PORTS_FIRST, PORTS_COUNT] = [32_768, 28_233];
const FORGED = record(QNAME, 1, Buffer.from([6, 6, 6, 6]));
/** Honest answers at the end, to see that an answer would have been noticed. */
const HONEST = 64;
/** An id that is one less is as wrong as any. */
const WRONG = 0x0101;
const PATIENCE_MS = 30_000;

type Method = (held: Held, random: Random, out: Buffer) => number;

function letterCase(question: Buffer, random: Random): Buffer {
  const octets = Buffer.from(question);
  for (let i = 1; i < octets.length - 4; i++) {
    const isLetter = /[a-z]/i.test(String.fromCharCode(octets[i] ?? 0));
    if (isLetter && random.next(2) === 1) octets[i]! ^= 0x20;
  }
  return octets;
}

function answer(out: Buffer, id: number, question: Uint8Array, flags = 0x8180, count = 1): number {
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(flags, 2);
  out.set([count >> 8, count & 255, 0, 1, 0, 0, 0, 0], 4);
  out.set(question, 12);
  out.set(FORGED, 12 + question.length);
  return 12 + question.length + FORGED.length;
}

function changed(question: Buffer, at: number, to: number): Buffer {
  const octets = Buffer.from(question);
  octets[at < 0 ? octets.length + at : at] = to;
  return octets;
}

/** What is wrong when all that could be guessed was guessed. Returns the answer's length. */
const TRICKS: readonly Method[] = [
  ({ id, question }, _, out) => answer(out, id, question, 0x0180),
  ({ id, question }, _, out) => answer(out, id, question, 0xa180),
  ({ id, question }, _, out) => answer(out, id, question, 0x8180, 0),
  ({ id, question }, _, out) => answer(out, id, question, 0x8180, 2),
  ({ id, question }, _, out) => answer(out, id, changed(question, 2, 0x7a)),
  ({ id, question }, _, out) => answer(out, id, changed(question, -3, 28)),
  ({ id, question }, _, out) => answer(out, id, changed(question, -1, 3)),
  ({ id, question }, random, out) => {
    const length = answer(out, id, question);
    return Math.min(random.next(length), 12 + question.length - 1);
  },
  ({ id, question }, _, out) => answer(out, id ^ WRONG, question),
  ({ id, question }, _, out) => answer(out, (id + 1) & 0xffff, question),
];

/** By name: what the forger knows. `port` is where it goes; undefined for the right one. */
const METHODS: readonly {
  readonly name: string;
  readonly forge: Method;
  readonly port?: (random: Random, ports: readonly number[]) => number;
  /** Odds of one of them, from the bits of id and case and the ports that are open. */
  readonly odds: (bits: { id: number; letters: number; ports: number }) => number;
}[] = [
  {
    name: 'nothing but the name',
    forge: ({ question }, random, out) =>
      answer(out, random.next(65_536), letterCase(question, random)),
    port: (random) => PORTS_FIRST + random.next(PORTS_COUNT),
    odds: ({ id, letters }) => 2 ** -(id + letters) / PORTS_COUNT,
  },
  {
    name: 'the ports that are open',
    forge: ({ question }, random, out) =>
      answer(out, random.next(65_536), letterCase(question, random)),
    port: (random, ports) => random.pick(ports),
    odds: ({ id, letters, ports }) => 2 ** -(id + letters) / ports,
  },
  {
    name: 'port and id of the question, not the case',
    forge: ({ id, question }, random, out) => answer(out, id, letterCase(question, random)),
    odds: ({ letters }) => 2 ** -letters,
  },
  {
    name: 'all of it, and one thing is wrong',
    forge: (held, random, out) => random.pick(TRICKS)(held, random, out),
    odds: () => 0,
  },
  {
    name: 'all of it, from another port or address',
    forge: ({ id, question }, _, out) => answer(out, id, question),
    odds: () => 0,
  },
];
const ELSEWHERE = METHODS.length - 1;

/** Keeps its share of questions under way, each for a name of its own. */
class Asker {
  readonly #batch = new Batch();
  readonly #out = new Batch();
  readonly #share: number;
  readonly #prefix: string;
  #port: UdpPort | null = null;
  #names = 0;
  #underWay = 0;
  answered = 0;
  failed = 0;

  constructor(index: number, share: number) {
    this.#share = share;
    this.#prefix = `${index}`;
  }

  async open(address: string, port: number): Promise<void> {
    const connect = { address: '127.0.0.1', port };
    const events = { batch: this.#batch, onError: () => undefined };
    const onBatch = (count: number): number => this.#take(count);
    this.#port = await openUdp(
      { address, port: 0, family: 4, reusePort: false, connect, onBatch, ...events },
      'native',
    );
  }

  fill(): void {
    while (this.#underWay < this.#share) {
      const count = Math.min(BATCH_CAPACITY, this.#share - this.#underWay);
      for (let i = 0; i < count; i++) {
        const id = this.#names & 0xffff;
        const query = buildQuery({ name: `${this.#prefix}-${this.#names++}.${TARGET}`, id });
        this.#out.tx.set(query, i * SLOT_STRIDE);
        this.#out.txLength[i] = query.length;
      }
      this.#port?.send(this.#out, count);
      this.#underWay += count;
    }
  }

  close(): void {
    this.#port?.close();
  }

  #take(count: number): number {
    for (let i = 0; i < count; i++) {
      const at = i * SLOT_STRIDE;
      if (word(this.#batch.rx, at + 6) > 0) this.answered++;
      else this.failed++;
    }
    this.#underWay -= count;
    this.fill();
    return 0;
  }
}

export interface Forgery {
  readonly forged: number;
  readonly outstanding: number;
  readonly seed: number;
  readonly backend: 'native' | 'dgram';
}

export interface Forged {
  /** Questions in flight in the valve, looked at now and then. */
  readonly inflight: readonly number[];
  readonly byMethod: readonly {
    readonly name: string;
    readonly sent: number;
    readonly expected: number;
  }[];
  readonly accepted: number;
  /** Honest answers at the end that were. */
  readonly honest: number;
  /** Questions that reached the upstream, with those that were asked again. */
  readonly asked: number;
  readonly captured: number;
  readonly entropy: Readonly<Record<string, number>>;
  /** Normal deviates from chance, by what was looked at. */
  readonly deviations: Readonly<Record<string, number>>;
  readonly faults: number;
}

export async function forge(shape: Forgery): Promise<Forged> {
  const random = new Random(shape.seed);
  const upstream = await SilentUpstream.start(shape.outstanding);
  const subject = await Subject.start({
    backend: shape.backend,
    files: (port) => ({ 'main.yaml': configOf(port, upstream.port) }),
  });
  const askers: Asker[] = [];
  const strangers = await Promise.all(
    ['127.0.0.1', '127.0.0.77'].map((address) => stranger(address)),
  );
  try {
    const share = Math.ceil(shape.outstanding / (WORKLOADS * SOCKETS));
    for (let i = 0; i < WORKLOADS * SOCKETS; i++) {
      const asker = new Asker(i, share);
      await asker.open(`127.0.1.${1 + (i % WORKLOADS)}`, subject.port);
      asker.fill();
      askers.push(asker);
    }
    const goal = shape.outstanding * 0.9;
    await waitFor(() => upstream.asked >= goal, 'the upstream was not asked');
    const look = async (): Promise<number> => (await subject.counters())['inflight'] ?? 0;
    const inflight = [
      await until('questions are in flight', async () => {
        const now = await look();
        return now > shape.outstanding / 4 ? now : null;
      }),
    ];
    const sent = METHODS.map(() => 0);
    const batch = new Batch();
    for (let done = 0; done < shape.forged; done += BATCH_CAPACITY) {
      const method = (done / BATCH_CAPACITY) % METHODS.length;
      const count = writeForged(batch, method, upstream.held, random);
      if (method === ELSEWHERE) strangers[random.next(2)]!.send(batch, count);
      else upstream.send(batch, count);
      sent[method]! += BATCH_CAPACITY;
      // Both sides of the loop get their turn, or the valve's queue would be full of forgeries.
      if (done % (BATCH_CAPACITY * 8) === 0) await new Promise((resolve) => setImmediate(resolve));
      if (done % (BATCH_CAPACITY * 2000) === 0) inflight.push(await look());
    }
    const captured = [...upstream.held];
    const { asked } = upstream;
    const accepted = askers.reduce((sum, { answered }) => sum + answered, 0);
    const honest = await answerHonestly(upstream, askers, accepted);
    const { entropy, deviations } = chanceOf(captured);
    const bits = {
      id: entropy['id bits']!,
      letters: entropy['letters']!,
      ports: entropy['ports open']!,
    };
    const byMethod = METHODS.map(({ name, odds }, i) => ({
      name,
      sent: sent[i]!,
      expected: sent[i]! * odds(bits),
    }));
    const faults = (await subject.counters())['faults'] ?? -1;
    return {
      inflight,
      byMethod,
      accepted,
      honest,
      asked,
      captured: captured.length,
      entropy,
      deviations,
      faults,
    };
  } finally {
    for (const one of [...askers, ...strangers]) one.close();
    await subject.stop();
    upstream.stop();
  }
}

function configOf(port: number, upstreamPort: number): string {
  const workloads = Array.from(
    { length: WORKLOADS },
    (_, i) => `  w${i}: { sources: [127.0.1.${i + 1}], mode: open }`,
  );
  return `listen: ["127.0.0.1:${port}"]
workers: ${WORKERS}
history: { path: history.db }
control: { path: control.sock }
state_directory: state
upstreams: { default: { servers: ["127.0.0.1:${upstreamPort}"] } }
workloads:
${workloads.join('\n')}
`;
}

function stranger(address: string): Promise<UdpPort> {
  const events = { batch: new Batch(), onBatch: () => 0, onError: () => undefined };
  return openUdp({ address, port: 0, family: 4, reusePort: false, ...events }, 'native');
}

/** @returns how many of a batch's forgeries are on their way to the valve */
function writeForged(batch: Batch, index: number, held: readonly Held[], random: Random): number {
  const { forge: write, port } = METHODS[index]!;
  const ports = [...new Set(held.map((one) => one.port))];
  let count = 0;
  for (let i = 0; i < BATCH_CAPACITY; i++) {
    const one = random.pick(held);
    const to = port === undefined ? one.port : port(random, ports);
    // A guess that misses would reach somebody else on this machine: it counts, and stays here.
    if (!ports.includes(to)) continue;
    const slot = Buffer.from(batch.tx.buffer, count * SLOT_STRIDE, 512);
    batch.txLength[count] = write(one, random, slot);
    batch.txPeer[count] = count;
    batch.peer.set(one.peer, count * PEER_SIZE);
    batch.peer.set([to >> 8, to & 255], count * PEER_SIZE + PEER_PORT);
    count++;
  }
  return count;
}

/** From now on questions get the answer that was forged, with everything right. */
async function answerHonestly(
  upstream: SilentUpstream,
  askers: readonly Asker[],
  before: number,
): Promise<number> {
  upstream.answer = ({ id, question }, out) => answer(out, id, question);
  const answered = (): number => askers.reduce((sum, asker) => sum + asker.answered, 0) - before;
  await waitFor(() => answered() >= HONEST, 'an honest answer was not accepted');
  return answered();
}

async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(what);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function chanceOf(captured: readonly Held[]): Pick<Forged, 'entropy' | 'deviations'> {
  const ids = captured.map(({ id }) => id);
  const ports = captured.map(({ port }) => port);
  // A question that is asked again keeps its case, so each counts once.
  const once = new Map(
    captured.map((held) => [held.question.toString('latin1').toLowerCase(), held]),
  );
  const letters = [...once.values()].map(({ question }) => {
    const text = question.toString('latin1', 0, question.length - 5).slice(-TARGET.length - 8);
    return (text.match(LETTERS) ?? []).map((letter): number => (letter < 'a' ? 1 : 0));
  });
  const count = Math.min(...letters.map(({ length }) => length));
  const word16 = letters.map((bits) => bits.slice(0, 16).reduce((sum, bit) => sum * 2 + bit, 0));
  const steps = ids.slice(1).map((id, i) => (id - ids[i]!) & 0xffff);
  const distinct = [...new Set(ports)];
  const capitals = Array.from({ length: count }, (_, i) => {
    const large = letters.reduce((sum, bits) => sum + bits[i]!, 0);
    return [large, letters.length - large];
  }).flat();
  return {
    entropy: {
      'id bits': Math.min(16, collisionBits(ids)),
      'case bits of 16 letters': Math.min(16, collisionBits(word16)),
      letters: count,
      'ports open': distinct.length,
      'port bits': collisionBits(ports),
    },
    deviations: {
      'ids, upper octet': deviation(
        countsOf(
          ids.map((id) => id >> 8),
          256,
        ),
      ),
      'ids, lower octet': deviation(
        countsOf(
          ids.map((id) => id & 255),
          256,
        ),
      ),
      'steps from id to id': deviation(
        countsOf(
          steps.map((step) => step >> 8),
          256,
        ),
      ),
      'cases of eight letters': deviation(
        countsOf(
          word16.map((bits) => bits >> 8),
          256,
        ),
      ),
      'cases of the next eight': deviation(
        countsOf(
          word16.map((bits) => bits & 255),
          256,
        ),
      ),
      'capitals by letter': deviation(capitals, count),
    },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      forged: { type: 'string', default: '1000000' },
      outstanding: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      backend: { type: 'string', default: 'native' },
    },
  });
  const result = await forge({
    forged: Number(values.forged),
    outstanding: Number(values.outstanding),
    seed: Number(values.seed),
    backend: values.backend === 'dgram' ? 'dgram' : 'native',
  });
  process.stdout.write(`questions in flight in the valve: ${result.inflight.join(' ')}\n`);
  for (const { name, sent, expected } of result.byMethod) {
    process.stdout.write(`${sent} forged knowing ${name}: ${expected.toExponential(1)} expected\n`);
  }
  const shown = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join('; ');
  const lines = [
    `accepted: ${result.accepted}; of the honest ones at the end ${result.honest} and more`,
    `the upstream was asked ${result.asked} times`,
    `of the last ${result.captured} questions: ${shown(result.entropy)}`,
    `deviations from chance: ${shown(result.deviations)}`,
    `faults: ${result.faults}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = result.accepted === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
