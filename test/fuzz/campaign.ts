/**
 * A campaign of hostile messages against a running valve. As a program:
 *
 * ```
 * npm run fuzz -- [--udp N] [--tcp N] [--seed N] [--backend native|dgram]
 * ```
 *
 * It prints what it saw, and ends with status 1 when a rule was broken: the seed and the message
 * are in the error. The same seed sends the same messages in the same order for each source.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Growth, growthOf, growthText, type Look } from '../support/growth.ts';
import { Book, PLACES, SOURCES } from './attack.ts';
import { Random } from './mutate.ts';
import { Subject } from './subject.ts';
import { attackOverTcp } from './tcp-attack.ts';
import { attackOverUdp } from './udp-attack.ts';
import { MutatingUpstream } from './upstream.ts';
import { filesOf } from './world.ts';

/** Small, so that they are full early and memory shows whether it stays bounded. */
const [STORE, HISTORY_CACHE] = ['4MB', '4MB'];
/** Windows take up to 24 MB before the oldest goes, which a short campaign does not reach. */
const WINDOW = '1s';
/**
 * Of each thread's heap, so that garbage is collected before it looks like a leak: old, and half of
 * the young as in systemd/dnsvalve.service.
 */
const [HEAP_MB, SEMI_SPACE_MB] = [128, 16];

/** Both transports take turns, so that memory tells of both at any time. */
const ROUNDS = 20;
/** Connections at a time, in books of their own. */
const CONNECTIONS = 12;

export interface Campaign {
  readonly udp: number;
  readonly tcp: number;
  readonly seed: number;
  readonly backend: 'native' | 'dgram';
  /** Of the valve: see `Subject`. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A look at the valve after so many messages. */
interface Point extends Look {
  readonly descriptors: number;
}

export interface Result {
  readonly sent: number;
  readonly controls: number;
  readonly replies: Readonly<Record<string, number>>;
  readonly upstreamAsked: number;
  readonly seconds: number;
  readonly samples: readonly Point[];
  /** Null where it was too short to judge memory. */
  readonly growth: Growth | null;
  readonly counters: Readonly<Record<string, number>>;
  readonly exit: number | null;
  /** Rules of the whole that were broken; empty is good. */
  readonly broken: readonly string[];
}

/** @throws Error when a reply breaks a rule, or a control query is not answered as it must be */
export async function runCampaign(campaign: Campaign): Promise<Result> {
  const random = new Random(campaign.seed);
  const upstream = await MutatingUpstream.start(new Random(campaign.seed ^ 0x5a5a));
  const heap = `--max-old-space-size=${HEAP_MB} --max-semi-space-size=${SEMI_SPACE_MB}`;
  const env = { NODE_OPTIONS: heap, ...campaign.env };
  const subject = await Subject.start({
    ...campaign,
    env,
    files: (port) => filesOf(PLACES, `127.0.0.1:${upstream.port}`, mainOf(port)),
  });
  const samples: Point[] = [];
  const startedAt = performance.now();
  try {
    const books = await attack(subject, campaign, random, samples);
    const seconds = (performance.now() - startedAt) / 1000;
    const counters = await subject.counters();
    const exit = await subject.stop();
    const figures = sum(books);
    const growth = growthOf(samples);
    const broken = brokenRules(subject, samples, growth, counters, exit);
    const more = { seconds, samples, growth, counters, exit, broken };
    return { ...figures, upstreamAsked: upstream.asked, ...more };
  } catch (thrown) {
    await subject.stop();
    throw new Error(`seed ${campaign.seed}: ${String(thrown)}\n${subject.said.slice(-2000)}`);
  } finally {
    upstream.stop();
  }
}

/** @param samples where looks at the valve are added @returns the books of all senders */
async function attack(
  subject: Subject,
  { udp, tcp }: Campaign,
  random: Random,
  samples: Point[],
): Promise<readonly Book[]> {
  const overUdp = SOURCES.map((from, i) => new Book(from, i));
  const overTcp = Array.from({ length: CONNECTIONS }, (_, i) => new Book(SOURCES[i % 3]!, 3 + i));
  const all = [...overUdp, ...overTcp];
  const look = (): void => {
    const sent = all.reduce((sum, book) => sum + book.sent, 0);
    samples.push({ ...subject.sample(), sent });
  };
  const { port } = subject;
  for (let round = 0; round < ROUNDS; round++) {
    const udpAttack = { count: udp / ROUNDS, random, books: overUdp };
    if (udp > 0) await attackOverUdp(port, udpAttack, look);
    const tcpAttack = { count: tcp / ROUNDS, random, books: overTcp };
    if (tcp > 0) await attackOverTcp(port, tcpAttack, look);
  }
  look();
  return all;
}

function mainOf(port: number): string {
  return `listen: ["127.0.0.1:${port}"]
workers: 1
cache: { size: ${STORE} }
alert_window: ${WINDOW}
rate_limit: { queries: 0 }
response_limit: { rate: 0 }
history: { path: history.db, cache: ${HISTORY_CACHE} }
control: { path: control.sock }
state_directory: state`;
}

function sum(books: readonly Book[]): Pick<Result, 'sent' | 'controls' | 'replies'> {
  const replies: Record<string, number> = {};
  for (const book of books) {
    for (const [rcode, count] of book.replies) {
      replies[`rcode ${rcode}`] = (replies[`rcode ${rcode}`] ?? 0) + count;
    }
  }
  const add = (of: (book: Book) => number): number => books.reduce((all, one) => all + of(one), 0);
  return { sent: add(({ sent }) => sent), controls: add(({ controls }) => controls), replies };
}

function brokenRules(
  subject: Subject,
  samples: readonly Point[],
  growth: Growth | null,
  counters: Readonly<Record<string, number>>,
  exit: number | null,
): string[] {
  const most = Math.max(...samples.map(({ descriptors }) => descriptors));
  return [
    ...(exit === 0 ? [] : [`it ended with status ${exit}`]),
    ...(counters['faults'] === 0 ? [] : [`${counters['faults']} faults`]),
    ...(counters['kernel_drops'] === 0 ? [] : [`${counters['kernel_drops']} kernel drops`]),
    ...((growth?.verdict ?? 'flat') === 'flat' ? [] : [growthText(growth)]),
    ...(most - samples[0]!.descriptors < 200 ? [] : [`${most} descriptors`]),
    ...subject.complaints.slice(0, 5),
  ];
}

/** Every so many samples are printed. */
const SHOWN = 20;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      udp: { type: 'string', default: '1000000' },
      tcp: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
      backend: { type: 'string', default: 'native' },
    },
  });
  const backend = values.backend === 'dgram' ? 'dgram' : 'native';
  const [udp, tcp, seed] = [Number(values.udp), Number(values.tcp), Number(values.seed)];
  process.stdout.write(`seed ${seed}, ${backend}: ${udp} over UDP, ${tcp} over TCP\n`);
  const result = await runCampaign({ udp, tcp, seed, backend });
  const shown = result.samples.filter((_, i) => i % SHOWN === 0);
  const held = shown.map(({ heldMb }) => heldMb.toFixed(0)).join(' ');
  const fds = result.samples.map(({ descriptors }) => descriptors);
  const { sent, seconds, controls, replies, upstreamAsked, counters, broken } = result;
  const lines = [
    `${sent} sent in ${seconds.toFixed(1)} s; ${controls} control queries answered as they must be`,
    `replies: ${JSON.stringify(replies)}; upstream was asked ${upstreamAsked} times`,
    `MB held: ${held}; ${growthText(result.growth)}`,
    `descriptors: ${Math.min(...fds)} to ${Math.max(...fds)}, ${fds.at(-1)} at the end`,
    `counters: ${JSON.stringify(counters)}`,
    broken.length === 0 ? 'no rule was broken' : `BROKEN: ${broken.join('\n')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = result.broken.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
