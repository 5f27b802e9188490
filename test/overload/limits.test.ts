/** Rate limits of a whole valve: both transports, both I/O backends, several workers. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient, TRANSPORTS } from '../support/client.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { BACKENDS, Valve } from '../support/valve.ts';

const NOISY = '127.0.0.2';
const QUIET = '127.0.0.3';
const REFUSED = 5;
const ASKED = 300;
const CONFIG = `upstreams: { default: { servers: [127.0.0.1:9] } }
workloads:
  noisy: { owner: team-noisy, sources: [${NOISY}/32], rate_limit: { queries: 20, burst: 100ms } }
  quiet: { sources: [${QUIET}/32] }
`;
const query = (id: number): Buffer => {
  const octets = buildQuery({ name: 'localhost', edns: { size: 1232 } });
  octets.writeUInt16BE(id, 0);
  return octets;
};

describe.each(BACKENDS)('a rate limit, %s sockets', (backend) => {
  let valve: Valve;

  beforeAll(async () => {
    valve = await Valve.start({ backend, workers: 2, config: CONFIG });
  });

  afterAll(async () => valve?.stop());

  it.each(TRANSPORTS)('over %s a flood is refused, and its neighbour is not', async (transport) => {
    const noisy = await openClient(transport, valve, NOISY);
    const quiet = await openClient(transport, valve, QUIET);
    for (let i = 0; i < ASKED; i++) noisy.send(query(10_000 + i));
    for (let i = 0; i < 50; i++) {
      const octets = await quiet.exchange(query(0));
      expect(readMessage(octets as Buffer).rcode).toBe(0);
    }
    if (transport === 'tcp') await noisy.exchange(query(0));
    const refused = noisy.unasked.map(readMessage).filter(({ rcode }) => rcode === REFUSED);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ edeText }) => edeText.startsWith('noisy: rate limited'))).toBe(true);
    noisy.close();
    quiet.close();
  });

  it('status and explain say who is limited', async () => {
    const { counters, rate_limited } = (await valve.status()) as {
      counters: Record<string, number>;
      rate_limited: { workload: string; queries: number; limit: string }[];
    };
    expect(rate_limited.map(({ workload, limit }) => [workload, limit])).toEqual([
      ['noisy', '20 queries/s'],
    ]);
    const { rate_refused = 0, rate_shed = 0 } = counters;
    expect(rate_limited[0]?.queries).toBe(rate_refused + rate_shed);
    const { said } = await valve.command('explain', 'noisy', 'x.test');
    expect(said).toContain('may ask 20 queries/s');
  });
});
