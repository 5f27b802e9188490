/** A short campaign against the running valve; `npm run fuzz` makes it as long as one likes. */

import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/native/addon.ts';
import { runCampaign } from './campaign.ts';
import { idsOfNoise } from './tcp-attack.ts';

const SEED = 20261126;
const [UDP, TCP] = [60_000, 6_000];

// The campaign itself sends by batches of the addon.
const isNative = loadAddon().addon !== null;

describe.skipIf(!isNative)('hostile messages', () => {
  it.each(['native', 'dgram'] as const)(
    `${UDP} over UDP and ${TCP} over TCP through %s sockets: every rule holds`,
    async (backend) => {
      const result = await runCampaign({ udp: UDP, tcp: TCP, seed: SEED, backend });
      expect(result.broken).toEqual([]);
      expect(result.sent).toBeGreaterThanOrEqual(UDP + TCP);
      // It proves itself: every kind of reply, and answers that went upstream.
      for (const rcode of [0, 1, 3, 4, 5]) {
        expect(result.replies[`rcode ${rcode}`], `rcode ${rcode}`).toBeGreaterThan(100);
      }
      expect(result.controls).toBeGreaterThan(900);
      expect(result.upstreamAsked).toBeGreaterThan(500);
    },
    120_000,
  );
});

describe('noise behind the last frame of a connection', () => {
  const rows: readonly (readonly [string, string, readonly number[]])[] = [
    ['nothing', '', []],
    ['part of a length', '00', []],
    ['a length alone', '000c00', []],
    ['a message that is cut off', '000c170c', [0x170c]],
    ['two messages', '000c170c81000000000000000000000c0102', [0x170c, 0x0102]],
    ['a length of nothing', '0000170c', [0x170c]],
  ];

  it.each(rows)('may be read as %s', (_, hex, ids) => {
    expect([...idsOfNoise(Buffer.from(hex, 'hex'))]).toEqual(ids);
  });
});
