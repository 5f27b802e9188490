/**
 * System calls per query: a batch is one call each way, to clients and to upstreams, and nothing
 * else of the data plane happens per query. Counted under strace, so no clock is involved.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCH_CAPACITY } from '../../src/batch.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import type { Backend } from '../support/valve.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Calls, cannotTrace, Mailbox, TracedValve } from './traced.ts';

/** Full batches; what a socket holds also where its buffer cannot be made larger. */
const BATCHES = 4;
const QUERIES = BATCHES * BATCH_CAPACITY;
/** Looks at a socket that turn out to be in vain: at most one after each turn of the loop. */
const VAIN = 2;
/** Sockets that are opened ahead, a message of another thread: nothing that grows with queries. */
const OTHER_CALLS_MAX = QUERIES / 8;
/** Batches of answers come by as many upstream sockets; each is looked at once more in vain. */
const FORWARD_RECEIVES_MAX = BATCHES + VAIN + 2 * BATCHES + VAIN;

const BATCHED = ['recvmmsg', 'sendmmsg'];
/** What V8 and the loop call by themselves: compiling and collecting beside, memory, waiting. */
const RUNTIME =
  'futex mmap munmap madvise mprotect pkey_mprotect brk sched_yield sched_getparam ' +
  'sched_getscheduler getrusage epoll_wait epoll_pwait restart_syscall getpid clock_nanosleep';
const uncounted = new Set([...BATCHED, ...RUNTIME.split(' ')]);

const countOf = (calls: Calls, name: string): number => calls.get(name) ?? 0;

function others(calls: Calls): number {
  return [...calls].reduce((sum, [name, count]) => sum + (uncounted.has(name) ? 0 : count), 0);
}

/** The query as its own answer: one address that must not be stored for long. */
function answerTo(query: Buffer): Buffer {
  let end = 12;
  while (query[end] !== 0) end += 1 + (query[end] ?? 0);
  const question = Buffer.from(query.subarray(0, end + 5));
  question[2] = (question[2] ?? 0) | 0x80;
  question[3] = 0x80;
  question.fill(0, 6, 12);
  question[7] = 1;
  return Buffer.concat([question, Buffer.from('c00c00010001000000000004c0000201', 'hex')]);
}

class Rig {
  readonly traced: TracedValve;
  readonly client: Mailbox;
  readonly upstream: Mailbox;

  private constructor(traced: TracedValve, client: Mailbox, upstream: Mailbox) {
    this.traced = traced;
    this.client = client;
    this.upstream = upstream;
  }

  static async start(backend: Backend): Promise<Rig> {
    const upstream = await Mailbox.open();
    const { port } = upstream.socket.address();
    const traced = await TracedValve.start(
      backend,
      `upstreams: { default: { servers: ["127.0.0.1:${port}"] } }
rebinding: { allow: ["192.0.2.0/24"] }
zones: []
workloads: { client: { sources: [127.0.0.0/8], allow: [.allowed.example] } }
`,
    );
    return new Rig(traced, await Mailbox.open(), upstream);
  }

  /** All are there before the valve sees the first. @returns its calls until the last answer */
  async burst(nameOf: (index: number) => string, rcode: number): Promise<Calls> {
    const { traced, client } = this;
    await traced.halt();
    const mark = traced.mark();
    await this.#fill(nameOf);
    traced.goOn();
    await client.holds(QUERIES);
    this.#check(rcode);
    return traced.callsSince(mark);
  }

  /** The same for names that go upstream; its answers too are all there before the first is seen. */
  async forwarded(nameOf: (index: number) => string): Promise<Calls> {
    const { traced, client, upstream } = this;
    await traced.halt();
    const mark = traced.mark();
    await this.#fill(nameOf);
    traced.goOn();
    await upstream.holds(QUERIES);
    await traced.halt();
    for (const { octets, port } of upstream.got.splice(0)) {
      await upstream.send(answerTo(octets), port);
    }
    traced.goOn();
    await client.holds(QUERIES);
    this.#check(0);
    return traced.callsSince(mark);
  }

  async #fill(nameOf: (index: number) => string): Promise<void> {
    this.client.got.length = 0;
    for (let id = 0; id < QUERIES; id++) {
      await this.client.send(buildQuery({ name: nameOf(id), id }), this.traced.valve.port);
    }
  }

  #check(rcode: number): void {
    const rcodes = new Set(this.client.got.map(({ octets }) => readMessage(octets).rcode));
    expect([...rcodes]).toEqual([rcode]);
  }

  async close(): Promise<void> {
    await this.traced.stop();
    this.client.close();
    this.upstream.close();
  }
}

/**
 * The burst of three with the fewest calls besides: every 10 s all upstream sockets are replaced,
 * which may fall into one of them.
 */
async function calmest(burst: (nth: number) => Promise<Calls>): Promise<Calls> {
  const all = [await burst(0), await burst(1), await burst(2)];
  return all.reduce((least, calls) => (others(calls) < others(least) ? calls : least));
}

const denied = (index: number): string => `n${index}.denied.example`;
const local = (): string => 'localhost';

describe.skipIf(cannotTrace() || !BACKENDS.includes('native'))('system calls', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start('native');
  });
  afterAll(async () => {
    await rig.close();
  });

  const ANSWERED = [
    ['denied', denied, 3],
    ['answered from memory', local, 0],
  ] as const;
  for (const [what, nameOf, rcode] of ANSWERED) {
    it(`${what}: one each way for a batch, and none besides`, async () => {
      const calls = await calmest(() => rig.burst(nameOf, rcode));
      expect(countOf(calls, 'recvmmsg')).toBeLessThanOrEqual(BATCHES + VAIN);
      expect(countOf(calls, 'sendmmsg')).toBe(BATCHES);
      expect(others(calls)).toBeLessThan(OTHER_CALLS_MAX);
    });
  }

  it('forwarded: one each way for a batch on both sides, and none besides', async () => {
    const calls = await calmest((nth) => rig.forwarded((i) => `n${nth}-${i}.allowed.example`));
    expect(countOf(calls, 'recvmmsg')).toBeLessThanOrEqual(FORWARD_RECEIVES_MAX);
    expect(countOf(calls, 'sendmmsg')).toBeLessThanOrEqual(2 * BATCHES + VAIN);
    expect(others(calls)).toBeLessThan(OTHER_CALLS_MAX);
  });
});

describe.skipIf(cannotTrace())('system calls of the backend without batches', () => {
  it('the count sees one each way per query', async () => {
    const rig = await Rig.start('dgram');
    try {
      const calls = await rig.burst(denied, 3);
      expect(countOf(calls, 'recvmsg')).toBeGreaterThanOrEqual(QUERIES);
      expect(others(calls)).toBeGreaterThanOrEqual(2 * QUERIES);
    } finally {
      await rig.close();
    }
  });
});
