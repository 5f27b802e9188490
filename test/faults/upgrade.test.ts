/** Two instances on one port: the new one is there before the old one goes, and nobody notices. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Asker } from '../soak/asker.ts';
import type { Question } from '../soak/world.ts';
import { askOnce } from '../support/client.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { addressRecord, answerTo, FakeServer } from '../upstream/fake-server.ts';

const SOURCES = Array.from({ length: 12 }, (_, i) => `127.0.0.${20 + i}`);
const PER_SECOND = 1000;
const BEFORE = 500;
/** What upstream takes, so that queries are under way whenever the old one is told to end. */
const UPSTREAM_MS = 150;
/** Longer than the kernel takes to say so. */
const REFUSAL_MS = 100;
const TEST_MS = 90_000;

const ZONE = `$TTL 60
@ IN SOA ns host 1 2 3 4 30
@ NS ns
* A 192.0.2.1
`;

function config(port: number): string {
  return `zones: [{ name: local.example, file: zone }]
upstreams: { fake: { servers: ["127.0.0.1:${port}"] } }
forward: { example: fake }
workloads: { client: { sources: [127.0.0.0/8], mode: enforce, allow: [.far.example] } }
`;
}

/** Names of a zone of its own, denied ones, and ones that are new and go upstream. */
function* questions(): Generator<Question, never> {
  for (let i = 0; ; i++) {
    const suffix = ['local.example', 'denied.example', 'far.example'][i % 3];
    yield { kind: 'data', name: `n${i}.${suffix}`, type: 'A' };
  }
}

describe.runIf(BACKENDS.includes('native'))('an upgrade', () => {
  it(
    'loses no query where the new instance shares the port with the old one',
    async () => {
      const upstream = await FakeServer.start((asked) => {
        const answer = answerTo(asked, { answers: [addressRecord(1)] });
        setTimeout(() => asked.reply(answer), UPSTREAM_MS);
      });
      const shape = { workers: 2, config: config(upstream.port), files: { zone: ZONE } };
      const old = await Valve.start(shape);
      const names = questions();
      const lost: string[] = [];
      let [answers, failed] = [0, 0];
      const asker = await Asker.start({
        to: old,
        sources: SOURCES,
        connections: 0,
        pace: { perSecond: PER_SECOND },
        next: () => names.next().value,
        onAnswer: ({ octets }) => {
          answers++;
          if (readMessage(octets).rcode === 2) failed++;
        },
        onLost: ({ name }) => lost.push(name),
      });
      const more = async (count: number): Promise<void> => {
        const from = answers;
        await until('more answers', () => (answers >= from + count ? true : null));
      };
      await more(BEFORE);
      const fresh = await Valve.start({ ...shape, port: old.port });
      await more(BEFORE);
      expect(await old.program.stop()).toBe(0);
      await more(BEFORE);
      await asker.stop();
      expect(lost).toEqual([]);
      expect(failed).toBe(0);
      await old.stop();
      expect(await fresh.stop()).toBe(0);
      upstream.stop();
    },
    TEST_MS,
  );
});

describe.runIf(BACKENDS.includes('native'))('the end without another instance', () => {
  it.each(['127.0.0.1', '0.0.0.0', '[::1]', '[::]'])(
    'on %s: what is under way is answered, and who asks anew hears at once that nobody is there',
    async (address) => {
      const upstream = await FakeServer.start(() => {});
      const listen = [address];
      const valve = await Valve.start({
        listen,
        config: config(upstream.port).replace('127.0.0.0/8', '127.0.0.0/8, "::1/128"'),
        files: { zone: ZONE },
      });
      const to = valve.at(address.includes(':') ? '::1' : '127.0.0.1');
      const held = askOnce('udp', to, to.address, { name: 'held.far.example' });
      await upstream.received(1);
      valve.program.child.kill('SIGTERM');
      await valve.program.says('"msg":"stopping"');
      await until('the port is closed', () => isRefused(to.address, to.port));
      const [asked] = upstream.asked;
      asked?.reply(answerTo(asked, { answers: [addressRecord(1)] }));
      expect((await held).answers).toHaveLength(1);
      expect(await valve.program.exit()).toBe(0);
      upstream.stop();
      await valve.stop();
    },
  );
});

/** Whether a datagram to a port comes back as an error of the kernel. */
async function isRefused(address: string, port: number): Promise<true | null> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.connect(port, address);
  await once(socket, 'connect');
  const refused = new Promise<true | null>((resolve) => {
    socket.once('error', () => resolve(true));
    socket.once('message', () => resolve(null));
    setTimeout(() => resolve(null), REFUSAL_MS);
  });
  socket.send(buildQuery({ name: 'www.local.example' }));
  const outcome = await refused;
  socket.close();
  return outcome;
}
