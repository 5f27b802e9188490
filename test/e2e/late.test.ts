/** Answers past their end while the upstream is slow: the client response timer (RFC 8767 5). */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient, TRANSPORTS } from '../support/client.ts';
import { until } from '../support/processes.ts';
import { BACKENDS, Valve } from '../support/valve.ts';
import { type Asked, answerTo, FakeServer } from '../upstream/fake-server.ts';

const CLIENT = '127.0.0.2';
const EDNS = { size: 1232 };
const STALE = 3;
const STALE_TTL = 30;

function address(last: number, ttl: number): Buffer {
  return Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 192, 0, 2, last]);
}

describe.each(BACKENDS)('an upstream that becomes slow, %s sockets', (backend) => {
  let upstream: FakeServer;
  let valve: Valve;

  beforeAll(async () => {
    upstream = await FakeServer.start();
    valve = await Valve.start({
      backend,
      config: `upstreams: { default: { servers: ["127.0.0.1:${upstream.port}"] } }
cache: { serve_stale: 1h, client_response_timer: 100ms }
workloads: { client: { sources: [${CLIENT}/32], mode: open } }
`,
    });
  });

  afterAll(async () => {
    await valve?.stop();
    upstream?.stop();
  });

  it.each(TRANSPORTS)(
    'over %s: the answer of before comes first, then the new one',
    async (way) => {
      const client = await openClient(way, valve, CLIENT);
      const question = { name: `${way}.example`, edns: EDNS };
      upstream.handler = (asked) => asked.reply(answerTo(asked, { answers: [address(1, 1)] }));
      const first = await client.ask(question);
      expect(first.answers.map(({ rdata }) => rdata)).toEqual(['c0000201']);
      const waiting: Asked[] = [];
      upstream.handler = (asked) => waiting.push(asked);
      const stale = await until('an answer past its end', async () => {
        const response = await client.ask(question);
        return response.ede === STALE ? response : null;
      });
      expect(stale.answers.map(({ rdata, ttl }) => [rdata, ttl])).toEqual([
        ['c0000201', STALE_TTL],
      ]);
      expect(waiting.length).toBeGreaterThan(0);
      // Nobody waits for it any more, and it is taken all the same.
      waiting.at(-1)?.reply(answerTo(waiting.at(-1) as Asked, { answers: [address(2, 60)] }));
      await until('the new answer', async () => {
        const { answers } = await client.ask(question);
        return answers[0]?.rdata === 'c0000202' ? true : null;
      });
      client.close();
    },
  );
});
