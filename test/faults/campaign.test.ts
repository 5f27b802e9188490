/** A short kill campaign; `npm run faults -- --kills 200` is the long one. */

import { expect, it } from 'vitest';
import { loadAddon } from '../../src/native/addon.ts';
import { lacks } from '../support/processes.ts';
import { Campaign } from './campaign.ts';
import { Subject } from './subject.ts';

const KILLS = 5;
const TEST_MS = 180_000;
/** Exceptions take people, whom only root can be and only the native part can tell apart. */
const people = process.getuid?.() === 0 && !lacks('setpriv') && loadAddon().addon !== null;

it.skipIf(!people)(
  'kill -9 at random instants loses nothing that was acknowledged, and it opens by itself',
  async () => {
    const report = await new Campaign({ kills: KILLS, seed: 20 }).run();
    expect(report.problems).toEqual([]);
    expect([report.status, report.garbage]).toEqual([0, 0]);
    expect(report.deliveries).toMatchObject({ missing: 0, outOfOrder: 0 });
    // Guards against a vacuous pass.
    expect(report.acknowledged).toBeGreaterThan(10);
    expect(report.probesRight).toBeGreaterThan(100);
    expect(report.checkedDomains).toBeGreaterThan(30);
    expect(report.alerts).toBeGreaterThan(100);
  },
  TEST_MS,
);

const ACTIVE = { id: 'ex-1', state: 'active', until: new Date(5000).toISOString() };

it.each([
  { name: 'an acknowledged exception is gone', found: null, nowMs: 0, want: 'is gone' },
  { name: 'it is over before its end', found: { state: 'expired' }, nowMs: 4999, want: 'expired' },
  { name: 'it is over at its end', found: { state: 'expired' }, nowMs: 5000, want: null },
  { name: 'nobody revoked it', found: { state: 'revoked' }, nowMs: 0, want: 'revoked' },
  {
    name: 'its end moved',
    found: { until: new Date(6000).toISOString() },
    nowMs: 0,
    want: 'to end at',
  },
])('the campaign sees that $name', ({ found, nowMs, want }) => {
  const subject = new Subject('exception', 'x1.partner.example');
  subject.settle(ACTIVE as never);
  const problem = subject.reconcile(
    found === null ? null : ({ ...ACTIVE, ...found } as never),
    nowMs,
  );
  if (want === null) expect(problem).toBeNull();
  else expect(problem).toContain(want);
});

it('the campaign accepts either outcome of what was never answered', () => {
  const subject = new Subject('exception', 'x1.partner.example');
  subject.settle(ACTIVE as never);
  subject.begin('exception-revoke');
  expect(subject.mustResolve(0, 1)).toBeNull();
  expect(subject.reconcile({ ...ACTIVE, state: 'revoked' } as never, 0)).toBeNull();
  expect(subject.mustResolve(0, 1)).toBe(false);
});
