/** Builders for tests of overrides: exceptions and quarantines from patterns as text, and clocks. */

import { SHARED_MS } from '../../src/clock.ts';
import { Overlay } from '../../src/overrides/overlay.ts';
import type { ActiveException, ActiveQuarantine, Overrides } from '../../src/overrides/override.ts';
import type { Snapshot } from '../../src/server/snapshot.ts';
import { pattern } from '../policy/support.ts';

export const HOUR_MS = 3_600_000;

/** Clocks that a test turns: the wall clock, and the monotonic one of this thread. */
export class HandClocks {
  wall = 1_800_000_000_000;
  nowMs = 5_000_000;

  wallMs = (): number => this.wall;
  sharedMs = (): number => this.nowMs + SHARED_MS;

  pass(ms: number): void {
    this.wall += ms;
    this.nowMs += ms;
  }
}

export type ExceptionSketch = Partial<Omit<ActiveException, 'pattern'>> & { readonly open: string };

/** `untilMs` is in an hour of the clock where it is left out. */
export function exception(sketch: ExceptionSketch, untilMs: number): ActiveException {
  const { open, ...rest } = sketch;
  const id = rest.id ?? 'ex-1';
  return {
    id,
    workload: 'api',
    pattern: pattern(open),
    types: null,
    overridesFeeds: false,
    untilMs,
    text: `exception ${id} ${open}`,
    ...rest,
  };
}

export function quarantineOf(
  workload: string,
  lifelines: readonly string[] = [],
  id = 'q-1',
): ActiveQuarantine {
  return {
    id,
    workload,
    pattern: null,
    lifelines: lifelines.map(pattern),
    untilMs: null,
    text: `quarantine ${id} of ${workload}`,
  };
}

export function quarantineDomain(domain: string, id = 'q-2'): ActiveQuarantine {
  return {
    id,
    workload: null,
    pattern: pattern(domain),
    lifelines: [],
    untilMs: null,
    text: `quarantine ${id} of ${domain}`,
  };
}

/** The policy with these over it, as of the clocks. */
export function over(base: Snapshot, overrides: Overrides, clocks: HandClocks): Snapshot {
  const overlay = new Overlay(clocks);
  overlay.set(overrides);
  return overlay.over(base, base.memory.revision + 1);
}
