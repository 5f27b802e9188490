/** The lives of exceptions and quarantines: their steps, and their ends under any clock. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leftOfOpening, noted } from '../../src/overrides/clock.ts';
import { expireHold, quarantine, release } from '../../src/overrides/hold.ts';
import {
  activate,
  approve,
  expire,
  extend,
  reject,
  request,
  revoke,
} from '../../src/overrides/life.ts';
import type { ExceptionRecord, QuarantineRecord } from '../../src/overrides/records.ts';
import { ALICE, BOB, DAY, FakeClock, facts, HOUR, MINUTE, SECOND, T0 } from './people.ts';

/** A record brought to a state by the steps that lead there. */
function inState(state: ExceptionRecord['state'], clock: FakeClock): ExceptionRecord {
  const { record } = request(facts(), ALICE, clock.now());
  if (state === 'requested') return record;
  if (state === 'rejected') return reject(record, BOB, clock.now()).record;
  const approved = approve(record, BOB, clock.now()).record;
  if (state === 'approved') return approved;
  const active = activate(approved, clock.now())?.record ?? approved;
  if (state === 'active') return active;
  if (state === 'revoked') return revoke(active, ALICE, clock.now()).record;
  clock.pass(4 * HOUR);
  return expire(active, clock.now())?.record ?? active;
}

const ACTS = {
  approve: (record: ExceptionRecord, clock: FakeClock) => approve(record, BOB, clock.now()),
  reject: (record: ExceptionRecord, clock: FakeClock) => reject(record, BOB, clock.now()),
  revoke: (record: ExceptionRecord, clock: FakeClock) => revoke(record, BOB, clock.now()),
  extend: (record: ExceptionRecord, clock: FakeClock) => extend(record, 8 * HOUR, BOB, clock.now()),
};

describe('steps', () => {
  const rows: [keyof typeof ACTS, ExceptionRecord['state'], string | null][] = [
    ['approve', 'requested', 'approved'],
    ['approve', 'approved', null],
    ['approve', 'active', null],
    ['approve', 'expired', null],
    ['approve', 'revoked', null],
    ['approve', 'rejected', null],
    ['reject', 'requested', 'rejected'],
    ['reject', 'active', null],
    ['reject', 'rejected', null],
    ['revoke', 'requested', 'revoked'],
    ['revoke', 'approved', 'revoked'],
    ['revoke', 'active', 'revoked'],
    ['revoke', 'expired', null],
    ['revoke', 'revoked', null],
    ['extend', 'requested', null],
    ['extend', 'approved', 'approved'],
    ['extend', 'active', 'active'],
    ['extend', 'expired', null],
    ['extend', 'revoked', null],
  ];
  it.each(rows)('%s of one that is %s gives %s', (act, state, want) => {
    const clock = new FakeClock();
    const record = inState(state, clock);
    if (want === null) {
      const how = state === 'active' || state === 'approved' ? 'approved by bob' : state;
      expect(() => ACTS[act](record, clock)).toThrow(
        new RegExp(`^ex-1: cannot be \\w+: it is ${how}`),
      );
    } else {
      const { record: after, transition } = ACTS[act](record, clock);
      expect(after.state).toBe(want);
      expect(transition).toMatchObject({
        subject: 'ex-1',
        act,
        from: state,
        to: want,
        actor: 'bob',
      });
    }
  });

  it('whoever comes second is told who was first, and when', () => {
    const clock = new FakeClock();
    const first = approve(inState('requested', clock), BOB, clock.now()).record;
    expect(() => approve(first, ALICE, clock.now())).toThrow(
      'ex-1: cannot be approved: it is approved by bob at 2026-11-26T12:00:00Z',
    );
  });

  it('its time begins with the approval', () => {
    const clock = new FakeClock();
    const asked = inState('requested', clock);
    clock.pass(DAY);
    const { record } = approve(asked, BOB, clock.now());
    expect(record.end?.untilMs).toBe(T0 + DAY + 4 * HOUR);
  });

  it('a request that nobody answers lapses, and is not approved after that', () => {
    const clock = new FakeClock();
    const asked = inState('requested', clock);
    clock.pass(7 * DAY - 1);
    expect(expire(asked, clock.now())).toBeNull();
    clock.pass(1);
    expect(expire(asked, clock.now())?.transition.note).toBe('nobody answered in time');
    expect(() => approve(asked, BOB, clock.now())).toThrow('it is expired');
  });

  it('an extension counts from now, is counted, and never shortens', () => {
    const clock = new FakeClock();
    const active = inState('active', clock);
    clock.pass(HOUR);
    expect(() => extend(active, 3 * HOUR, BOB, clock.now())).toThrow('is open until');
    const { record } = extend(active, 3 * HOUR + SECOND, BOB, clock.now());
    expect(record.end?.untilMs).toBe(T0 + 4 * HOUR + SECOND);
    expect(record.renewals).toBe(1);
  });
});

describe('breaking the glass', () => {
  const glass = facts({ isBreakGlass: true, approveWithinMs: HOUR });

  it('opens at once, and closes when nobody approves it in time', () => {
    const clock = new FakeClock();
    const { record } = request(glass, ALICE, clock.now());
    expect(record).toMatchObject({ state: 'approved', approver: null });
    clock.pass(HOUR - 1);
    expect(expire(record, clock.now())).toBeNull();
    clock.pass(1);
    expect(expire(record, clock.now())?.transition.note).toBe('nobody approved it in time');
  });

  it('an approval in time lets it last as long as it was asked for, from its start', () => {
    const clock = new FakeClock();
    const opened = request(glass, ALICE, clock.now()).record;
    clock.pass(30 * MINUTE);
    const { record } = approve(opened, BOB, clock.now());
    expect(record.approver).toBe('bob');
    clock.pass(3.5 * HOUR - 1);
    expect(expire(record, clock.now())).toBeNull();
    clock.pass(1);
    expect(expire(record, clock.now())?.transition.note).toBe('its time is over');
  });

  it('an approval that comes too late is none, also before anybody noticed', () => {
    const clock = new FakeClock();
    const opened = request(glass, ALICE, clock.now()).record;
    clock.pass(HOUR);
    expect(() => approve(opened, BOB, clock.now())).toThrow('it is expired');
  });

  it('a clock that is set back gives no more time to approve it', () => {
    const clock = new FakeClock();
    const opened = request(glass, ALICE, clock.now()).record;
    clock.set(-DAY);
    clock.pass(HOUR);
    expect(expire(opened, clock.now())).not.toBeNull();
  });

  it('is not extended before it is approved', () => {
    const clock = new FakeClock();
    const opened = request(glass, ALICE, clock.now()).record;
    expect(() => extend(opened, DAY, BOB, clock.now())).toThrow('nobody has approved it yet');
  });
});

describe('the end of an exception says', () => {
  const rows = [
    ['nothing of a clock that was not set', 0, 4 * HOUR, 'its time is over'],
    ['nothing of one that was slewed', 10 * SECOND, 4 * HOUR - 10 * SECOND, 'its time is over'],
    ['nothing of one that was set back', -DAY, 4 * HOUR, 'its time is over'],
    ['that the clock was set forward', DAY, 0, 'the wall clock, which was set forward'],
    ['so too where the rest is short', 4 * HOUR - MINUTE, MINUTE, 'which was set forward'],
  ] as const;
  it.each(rows)('%s', (_, setMs, passMs, note) => {
    const clock = new FakeClock();
    const record = inState('active', clock);
    clock.set(setMs);
    clock.pass(passMs);
    expect(expire(record, clock.now())?.transition.note).toContain(note);
  });
});

/** What happens to a machine: time passes, its clock is set, it boots. Notes are taken between. */
const EVENTS = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3 * HOUR }) }),
    fc.record({ kind: fc.constant('set' as const), ms: fc.integer({ min: -DAY, max: DAY }) }),
    fc.record({ kind: fc.constant('reboot' as const), ms: fc.integer({ min: -DAY, max: DAY }) }),
  ),
  { maxLength: 25 },
);

describe('ends under any clock', () => {
  it('an exception is never open for longer than its time, and once over it stays over', () => {
    let overs = 0;
    const property = fc.property(EVENTS, (events) => {
      const clock = new FakeClock();
      let record = approve(request(facts(), ALICE, clock.now()).record, BOB, clock.now()).record;
      let runMs = 0;
      for (const { kind, ms } of events) {
        clock[kind](ms);
        if (kind === 'pass') runMs += ms;
        const over = expire(record, clock.now());
        if (record.state === 'expired') expect(over).toBeNull();
        if (over !== null) {
          record = over.record;
          overs++;
        } else if (record.state !== 'expired' && record.end !== null) {
          expect(runMs).toBeLessThan(4 * HOUR);
          expect(clock.now().wallMs).toBeLessThan(record.end.untilMs);
          // As the watch does: what is left is noted, so that a boot loses nothing.
          const left = leftOfOpening(record.end, clock.now());
          record = { ...record, end: noted(record.end, left, clock.now()) };
        }
      }
    });
    fc.assert(property, { seed: 6, numRuns: 2000 });
    expect(overs).toBeGreaterThan(500);
  });

  it('a quarantine lasts its time by the clock that nobody sets', () => {
    const clock = new FakeClock();
    const hold = {
      number: 4,
      workload: 'pay',
      pattern: null,
      lifelines: [],
      reason: null,
      durationMs: HOUR,
    };
    const { record } = quarantine(hold, ALICE, clock.now());
    clock.set(DAY);
    expect(expireHold(record, clock.now())).toBeNull();
    clock.set(-2 * DAY);
    clock.pass(HOUR - 1);
    expect(expireHold(record, clock.now())).toBeNull();
    clock.pass(1);
    expect(expireHold(record, clock.now())?.record.state).toBe('expired');
  });

  it('a quarantine without an end is ended by a release only, and by one only', () => {
    const clock = new FakeClock();
    const hold = {
      number: 4,
      workload: null,
      pattern: '.evil.example',
      lifelines: [],
      reason: null,
      durationMs: null,
    };
    const record: QuarantineRecord = quarantine(hold, ALICE, clock.now()).record;
    clock.pass(9000 * DAY);
    expect(expireHold(record, clock.now())).toBeNull();
    const released = release(record, BOB, clock.now()).record;
    expect(released).toMatchObject({ state: 'released', releasedBy: 'bob' });
    expect(() => release(released, ALICE, clock.now())).toThrow('q-4: is released by bob since');
  });
});
