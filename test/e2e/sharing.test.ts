/**
 * One question upstream, many who asked: identical queries share it, and each client still gets what
 * its own workload may have, from the flight as from the store.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameToWire } from '../../src/wire/text.ts';
import { type Client, openClient, TRANSPORTS } from '../support/client.ts';
import type { Message, QueryShape } from '../support/message.ts';
import { readMessage } from '../support/message.ts';
import { until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const NXDOMAIN = 3;
const WORKLOADS = { trusting: '127.0.0.2', inspecting: '127.0.0.3', both: '127.0.0.4' } as const;
type Workload = keyof typeof WORKLOADS;

/** CNAME from the qname to `target`, and an address of the target. */
function alias(target: string, address: readonly number[]): Buffer[] {
  const name = nameToWire(target);
  const head = (type: number, size: number): number[] => [0, type, 0, 1, 0, 0, 0, 60, 0, size];
  return [
    Buffer.concat([Buffer.from([0xc0, 12, ...head(5, name.length)]), name]),
    Buffer.concat([name, Buffer.from([...head(1, 4), ...address])]),
  ];
}

/** What the upstream says by the first label of the question. */
function records({ name }: Asked): readonly Buffer[] {
  if (name.startsWith('alias')) return alias('target.elsewhere.net', [198, 51, 99, 1]);
  if (name.startsWith('forbidden')) return alias('x.forbidden.net', [198, 51, 99, 2]);
  if (name.startsWith('listed')) return alias('x.listed.net', [198, 51, 99, 3]);
  if (name.startsWith('inside')) return alias('target.elsewhere.net', [10, 0, 0, 1]);
  return [addressRecord(1)];
}

function outcome({ rcode, ede, answers }: Message): unknown {
  return { rcode, ede, answers: answers.length };
}

const ALLOWED = { rcode: 0, ede: null, answers: 2 };
const BLOCKED = { rcode: NXDOMAIN, ede: 15, answers: 0 };
const FILTERED = { rcode: NXDOMAIN, ede: 17, answers: 0 };

const rows = [
  {
    name: 'a target that is not allowed, where targets are inspected',
    label: 'alias',
    want: { trusting: ALLOWED, inspecting: BLOCKED, both: ALLOWED },
  },
  {
    name: 'a target that is denied for everyone',
    label: 'forbidden',
    want: { trusting: BLOCKED, inspecting: BLOCKED, both: BLOCKED },
  },
  {
    name: 'a target that a feed denies',
    label: 'listed',
    want: { trusting: FILTERED, inspecting: FILTERED, both: FILTERED },
  },
  {
    name: 'a private address behind a public name',
    label: 'inside',
    want: { trusting: BLOCKED, inspecting: BLOCKED, both: BLOCKED },
  },
] as const;

describe.each(BACKENDS)('what is shared behind %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;
  const held: Asked[] = [];
  const clients: { workload: Workload; transport: string; client: Client }[] = [];

  beforeAll(async () => {
    upstream = await FakeServer.start((asked) => held.push(asked));
    valve = await Valve.start({
      backend,
      config: `upstreams: { fake: { servers: ["127.0.0.1:${upstream.port}"] } }
forward: { ".": fake }
feeds: { bad: { source: [listed.net], category: malware, action: deny } }
everyone: { deny: ["*.forbidden.net"] }
workloads:
  trusting: { sources: [127.0.0.2/32], allow: ["*.allowed.net"] }
  inspecting: { sources: [127.0.0.3/32], allow: ["*.allowed.net"], chain: inspect }
  both: { sources: [127.0.0.4/32], allow: ["*.allowed.net", .elsewhere.net, .listed.net], chain: inspect }
`,
    });
    for (const workload of Object.keys(WORKLOADS) as Workload[]) {
      for (const transport of TRANSPORTS) {
        const client = await openClient(transport, valve, WORKLOADS[workload]);
        clients.push({ workload, transport, client });
      }
    }
  });

  afterAll(async () => {
    for (const { client } of clients) client.close();
    await valve?.stop();
    upstream?.stop();
  });

  function askedFor(label: string): Asked[] {
    return held.filter(({ name }) => name.toLowerCase().startsWith(label));
  }

  /** Every client asks in several spellings and dresses. */
  function askAll(label: string): { workload: Workload; response: Promise<Message> }[] {
    const name = `${label}.allowed.net`;
    const padding = { code: 12, data: Buffer.alloc(20) };
    const shapes: QueryShape[] = [
      { name, edns: {} },
      { name: name.toUpperCase(), edns: { size: 4096, options: [padding] } },
    ];
    return clients.flatMap(({ workload, client }) =>
      shapes.map((shape) => ({ workload, response: client.ask(shape) })),
    );
  }

  /** What the valve counted, as one reading of `status`. */
  async function counted(): Promise<{ heard: number; forwarded: number }> {
    const { counters } = (await valve.status()) as { counters: Record<string, number> };
    const { queries_udp = 0, queries_tcp = 0, forwarded = 0 } = counters;
    return { heard: queries_udp + queries_tcp, forwarded };
  }

  it.each(rows)('$name: to each his own, cold and warm', async ({ label, want }) => {
    const before = await counted();
    const cold = askAll(label);
    const all = before.heard + cold.length;
    const after = await until('all are heard', async () => {
      const now = await counted();
      return now.heard >= all ? now : null;
    });
    expect(after.forwarded - before.forwarded).toBe(1);
    // More than one message where the valve lost its patience and tried again.
    for (const asked of askedFor(label)) {
      asked.reply(answerTo(asked, { answers: records({ ...asked, name: label }) }));
    }
    for (const { workload, response } of cold) {
      expect(outcome(await response), workload).toEqual(want[workload]);
    }
    for (const { workload, response } of askAll(label)) {
      expect(outcome(await response), `${workload} warm`).toEqual(want[workload]);
    }
    expect((await counted()).forwarded - before.forwarded).toBe(1);
  });

  it('DO and CD are questions of their own', async () => {
    const [first] = clients;
    const before = upstream.asked.length;
    const name = 'flags.allowed.net';
    const asking = [0x0100, 0x0110].flatMap((flags) =>
      [false, true].map((dnssecOk) => first?.client.ask({ name, flags, edns: { dnssecOk } })),
    );
    await upstream.received(before + 4);
    const asked = askedFor('flags');
    const kinds = asked.map(
      ({ message }) => `${message.readUInt16BE(2)} ${readMessage(message).opt?.dnssecOk}`,
    );
    expect(new Set(kinds).size).toBe(4);
    for (const one of asked) one.reply(answerTo(one, { answers: [addressRecord(9)] }));
    for (const response of await Promise.all(asking)) expect(response?.answers).toHaveLength(1);
  });
});
