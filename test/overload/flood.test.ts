/** A flood at a whole valve: what of it reaches user space, and what its neighbour notices. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClient } from '../support/client.ts';
import { buildQuery } from '../support/message.ts';
import { until } from '../support/until.ts';
import { BACKENDS, Valve } from '../support/valve.ts';

const NOISY = '127.0.0.2';
const QUIET = '127.0.0.3';
const LIMIT = 1000;
const SENT = 60_000;
/** Sent before the other is asked something. */
const STEP = 1000;
const QUIET_EACH = 5;

const CONFIG = `upstreams: { default: { servers: [127.0.0.1:9] } }
workloads:
  noisy: { sources: [${NOISY}/32], rate_limit: { queries: ${LIMIT} } }
  quiet: { sources: [${QUIET}/32], rate_limit: { queries: 0 } }
`;

/** Only there the kernel can be told. */
describe.runIf(BACKENDS.includes('native'))('a flood from one address', () => {
  let valve: Valve;

  beforeAll(async () => {
    valve = await Valve.start({ backend: 'native', config: CONFIG });
  });

  afterAll(async () => valve?.stop());

  async function counters(): Promise<Record<string, number>> {
    return ((await valve.status()) as { counters: Record<string, number> }).counters;
  }

  it('is mostly dropped by the kernel, each datagram is counted once, and no other is lost', async () => {
    const noisy = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
    noisy.bind(0, NOISY);
    await once(noisy, 'listening');
    const quiet = await openClient('udp', valve, QUIET);
    const octets = buildQuery({ name: 'localhost' });
    let asked = 0;
    for (let sent = 0; sent < SENT; sent += STEP) {
      const left = new Promise<void>((resolve) => {
        for (let i = 1; i < STEP; i++) noisy.send(octets, valve.port, valve.address);
        noisy.send(octets, valve.port, valve.address, () => resolve());
      });
      await left;
      for (let i = 0; i < QUIET_EACH; i++, asked++) {
        expect(await quiet.exchange(octets)).not.toBeNull();
      }
    }
    const seen = await until('all of it was counted', async () => {
      const { kernel_drops: dropped = 0, queries_udp: received = 0, ...rest } = await counters();
      return dropped + received >= SENT + asked ? { dropped, received, ...rest } : null;
    });
    expect(seen.dropped + seen.received).toBe(SENT + asked);
    expect(seen.dropped).toBeGreaterThan(SENT / 2);
    noisy.close();
    quiet.close();
  });

  it('is over when it stops: the address is heard again', async () => {
    const noisy = await openClient('udp', valve, NOISY);
    await until('no source is filtered', async () => {
      const { filtered_sources: filtered } = await counters();
      return filtered === 0 ? true : null;
    });
    expect(await noisy.exchange(buildQuery({ name: 'localhost' }))).not.toBeNull();
    noisy.close();
  });
});
