/** What the resolver notices about its upstreams. */

import { describe, expect, it } from 'vitest';
import { deadGroups, strangers } from '../../src/server/monitor.ts';
import type { ServerStats } from '../../src/upstream/upstreams.ts';

const stats = (rest: Partial<ServerStats>) =>
  ({
    group: 'g',
    server: '192.0.2.1:53',
    state: 'closed',
    certificateRefused: false,
    ...rest,
  }) as unknown as ServerStats;

describe('upstreams', () => {
  it('a group is dead when no worker asks any of its servers', () => {
    const [open, closed] = [stats({ state: 'open' }), stats({ server: 'other' })];
    expect(deadGroups([[open], [open]])).toEqual(['g']);
    expect(
      deadGroups([
        [open, closed],
        [open, open],
      ]),
    ).toEqual([]);
  });

  it('a server whose certificate is refused is told once, with the reason', () => {
    const refused = stats({ server: 'tls://a', certificateRefused: true, lastError: 'expired' });
    expect(strangers([[refused, stats({})], [refused]])).toEqual([
      { group: 'g', server: 'tls://a', reason: 'expired' },
    ]);
    expect(strangers([[stats({ lastError: 'refused' })]])).toEqual([]);
  });
});
