/** Clocks, people and records for tests of exceptions and quarantines. */

import type { Pattern } from '../../src/config/types.ts';
import type { Moment } from '../../src/overrides/clock.ts';
import type { RequestFacts } from '../../src/overrides/life.ts';
import type { RequestPolicy } from '../../src/overrides/request.ts';
import type { Who } from '../../src/overrides/step.ts';

export const T0 = Date.parse('2026-11-26T12:00:00Z');
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A machine whose clocks a test moves. */
export class FakeClock {
  #wallMs = T0;
  #bootMs = 5 * HOUR;
  #boot = 1;

  readonly now = (): Moment => ({
    wallMs: this.#wallMs,
    bootId: `boot ${this.#boot}`,
    bootMs: this.#bootMs,
  });

  /** Time passes, awake or asleep. */
  pass(ms: number): void {
    this.#wallMs += ms;
    this.#bootMs += ms;
  }

  /** Somebody sets the wall clock. */
  set(ms: number): void {
    this.#wallMs += ms;
  }

  /** The machine is off for `ms` of which its clock keeps the time. */
  reboot(ms: number): void {
    this.#wallMs += ms;
    this.#bootMs = SECOND;
    this.#boot++;
  }
}

export const ALICE: Who = { name: 'alice', uid: 1001, isPerson: true };
export const BOB: Who = { name: 'bob', uid: 1002, isPerson: true };

export function facts(over: Partial<RequestFacts> = {}): RequestFacts {
  return {
    number: 1,
    workload: 'pay',
    pattern: '*.partner.example',
    types: null,
    overridesFeeds: false,
    reason: 'settlement',
    ticket: null,
    durationMs: 4 * HOUR,
    isBreakGlass: false,
    approveWithinMs: 7 * DAY,
    ...over,
  };
}

const at = { file: 'main.yaml', line: 1, col: 1 };

export const POLICY: RequestPolicy = {
  people: [
    { name: 'alice', uid: 1001, at },
    { name: 'bob', uid: 1002, at },
    { name: 'carol', uid: 1003, at },
  ],
  exceptions: {
    maxMs: new Map([['prod', DAY]]),
    defaultMaxMs: 7 * DAY,
    approvers: ['carol'],
    approveWithinMs: 7 * DAY,
    breakGlass: { approveWithinMs: HOUR, people: ['alice', 'bob'] },
  },
  workloads: [
    { name: 'pay', env: 'prod', approvers: ['alice', 'bob'] },
    { name: 'web', env: null, approvers: [] },
  ],
  blockedBy: (_workload, { text }: Pattern) => (text === 'evil.example' ? 'feed malware' : null),
};
