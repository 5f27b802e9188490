import { describe, expect, it } from 'vitest';
import { operationalAlert } from '../../src/alerts/alert.ts';
import { sinkFilter } from '../../src/alerts/filter.ts';
import { FLAG_UNMAPPED } from '../../src/events/kinds.ts';
import { alert, findingAlert, T0 } from './sample.ts';

const fresh = alert(); // new-destination, 5 notice, payments-api
const tunnel = findingAlert(); // 3 error, payments-api
const stranger = alert({
  workload: '(unmapped)',
  flags: FLAG_UNMAPPED,
  counts: { denied: 1 },
}); // 4 warning
const stale = operationalAlert('feed-stale', 'nrd', { reason: '9h old', atMs: T0 }); // 4 warning

describe('a sink wants', () => {
  it.each([
    { name: 'everything when nothing is said', filter: {}, want: [true, true, true, true] },
    {
      name: 'the types that are named',
      filter: { types: ['tunnel', 'feed-stale'] },
      want: [false, true, false, true],
    },
    { name: 'what is as bad or worse', filter: { severity: 4 }, want: [false, true, true, true] },
    {
      name: 'nothing milder than the worst',
      filter: { severity: 0 },
      want: [false, false, false, false],
    },
    {
      name: 'its workloads, and nothing about the resolver itself',
      filter: { workloads: ['payments-api'] },
      want: [true, true, false, false],
    },
    {
      name: 'unmapped sources by the name that the configuration has for them',
      filter: { workloads: ['unmapped'] },
      want: [false, false, true, false],
    },
    {
      name: 'only what passes all three',
      filter: { types: ['new-destination', 'tunnel'], severity: 4, workloads: ['payments-api'] },
      want: [false, true, false, false],
    },
  ] as const)('$name', ({ filter, want }) => {
    expect([fresh, tunnel, stranger, stale].map(sinkFilter(filter))).toEqual(want);
  });
});
