import { describe, expect, it } from 'vitest';
import { sentence } from '../../src/alerts/rfc5424.ts';
import { fromBurnInEnd, fromUnusual, grouped } from '../../src/alerts/unusual.ts';
import { learningText } from '../../src/baseline/settings.ts';
import type { Unusual } from '../../src/baseline/unusual.ts';
import { sparkline } from '../../src/cli/baseline.ts';
import { directory, T0 } from '../alerts/sample.ts';

const UNUSUAL: Unusual = {
  kind: 'queries',
  workload: 'payments-api',
  hourMs: T0,
  atMs: T0 + 60_000,
  count: 4210,
  queries: 4210,
  limit: 1520,
  low: 120,
  high: 380,
  learntHours: 14 * 24 + 5,
  isByWeek: true,
  isUnusualHour: true,
  domain: 'x.example',
  domainCount: 3900,
};

describe('the alert about what is unusual', () => {
  const week = 'more than 1,520; usual 120 to 380 at this hour of the week (14 days watched)';
  it.each([
    {
      name: 'volume has its numbers, what is usual, since when that is known, and the domain',
      facts: {},
      want: ['volume', `4,210 queries in this hour: ${week}; 3,900 of them for x.example`],
    },
    {
      name: 'before a week it says that it compares with any hour',
      facts: { isByWeek: false, learntHours: 30, domain: '' },
      want: [
        'volume',
        '4,210 queries in this hour: more than 1,520; usual 120 to 380 an hour (30 hours watched)',
      ],
    },
    {
      name: 'new domains are volume too',
      facts: { kind: 'fresh' as const, count: 64, limit: 20, low: 0, high: 2, domain: '' },
      want: [
        'volume',
        '64 new domains in this hour: more than 20; usual 0 to 2 an hour (14 days watched)',
      ],
    },
    {
      name: 'a burst of NXDOMAIN says of how many',
      facts: {
        kind: 'nxdomain' as const,
        count: 800,
        limit: 100,
        low: 0,
        high: 9,
        domainCount: 790,
      },
      want: [
        'nxdomain-burst',
        '800 of 4,210 queries in this hour were for names that do not exist: more than 100; ' +
          'usual 0 to 9 an hour (14 days watched); 790 of them for x.example',
      ],
    },
  ])('$name', ({ facts, want }) => {
    const alert = fromUnusual({ ...UNUSUAL, ...facts }, directory);
    expect([alert.type, alert.reason]).toEqual(want);
  });

  it('is about the workload, its hour and its owner', () => {
    expect(fromUnusual(UNUSUAL, directory)).toMatchObject({
      owner: 'team-payments',
      registrable_domain: 'x.example',
      qname: null,
      count: 4210,
      unusual_hour: true,
      window: { first: '2026-11-23T12:00:00.000Z', last: '2026-11-23T12:01:00.000Z' },
    });
  });

  it('is a sentence that begins with the workload', () => {
    expect(sentence(fromUnusual(UNUSUAL, directory))).toMatch(
      /^workload payments-api asks more than is usual: 4,210 queries/,
    );
  });

  it('at the end of a burn-in says how many were not told, and where they are listed', () => {
    const end = { workload: 'payments-api', endMs: T0, told: 10, held: 1812 };
    expect(fromBurnInEnd(end, directory)).toMatchObject({
      type: 'new-destination',
      count: 1812,
      registrable_domain: null,
      reason:
        'burn-in: 1,812 new domains in the first hours of this workload were not told one by one, ' +
        'beside the 10 that were; dnsvalve first-seen --workload payments-api lists them',
    });
  });
});

describe('texts', () => {
  it('numbers have their thousands apart', () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  });

  it('learning says how far it is', () => {
    expect([learningText(80, 168), learningText(400, 168)]).toEqual([
      'learning, 3 of 7 days',
      'learnt from 16 days',
    ]);
  });

  it('a sparkline shows the least bar for little, and none for silence', () => {
    expect([sparkline([0, 0.01, 0.5, 1]), sparkline([0, 0])]).toEqual([' ▁▄█', '']);
  });
});
