/** Which workload an address was, over revisions, restarts and times without a daemon. */

import { describe, expect, it } from 'vitest';
import type { BindingRow } from '../../src/history/binding-queries.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { type FixtureOptions, fixture, readHistory, tableRows } from './support/fixture.ts';
import { policy, type Sources } from './support/policies.ts';
import { NOON } from './support/records.ts';

const MINUTE = 60_000;
const PAY: Sources = { pay: ['10.1.0.0/16'] };
const WEB: Sources = { web: ['10.1.0.0/16'] };

/** A daemon's life: revisions by the minute after noon, from the first to `until`. */
function live(
  revisions: readonly (readonly [minute: number, Sources])[],
  until: number,
  options: FixtureOptions = {},
): string {
  const startedAt = NOON + (revisions[0]?.[0] ?? 0) * MINUTE;
  const test = fixture({ ...options, startedAt, nowMs: startedAt });
  for (const [i, [minute, sources]] of revisions.entries()) {
    test.clock.ms = NOON + minute * MINUTE;
    test.recording.addRevision(policy(i + 1, test.clock.ms, sources));
    test.recording.flush();
  }
  test.clock.ms = NOON + until * MINUTE;
  test.recording.close();
  return test.path;
}

function at(path: string, address: string, minute: number): BindingRow | null {
  const octets = new Uint8Array(16);
  addressToBytes(address, octets, 0);
  return readHistory(path)
    .bindings()
    .at(octets, NOON + minute * MINUTE);
}

function gap(path: string, minute: number, now = 100): readonly (number | null)[] | null {
  const found = readHistory(path)
    .bindings()
    .gap(NOON + minute * MINUTE, NOON + now * MINUTE);
  const minutes = (ms: number | null) => (ms === null ? null : (ms - NOON) / MINUTE);
  return found === null ? null : [minutes(found.fromMs), minutes(found.toMs)];
}

describe('the workload of an address', () => {
  it('is that of the revision in force then, after the address is given to another', () => {
    const path = live(
      [
        [0, PAY],
        [10, WEB],
      ],
      20,
    );
    expect(at(path, '10.1.2.3', 9)).toEqual({
      prefix: '10.1.0.0/16',
      workload: 'pay',
      fromMs: NOON,
      fromRevision: 1,
      toMs: NOON + 10 * MINUTE,
      toRevision: 2,
    });
    expect(at(path, '10.1.2.3', 10)).toMatchObject({ workload: 'web', toMs: null });
    expect(at(path, '10.1.2.3', -1)).toBeNull();
  });

  const nested: Sources = {
    wide: ['10.0.0.0/8', '::/0'],
    narrow: ['10.1.2.0/24', '2001:db8::/33'],
    host: ['10.1.2.3', '2001:db8::1'],
  };
  it.each([
    ['10.1.2.3', 'host', '10.1.2.3/32'],
    ['10.1.2.4', 'narrow', '10.1.2.0/24'],
    ['10.9.9.9', 'wide', '10.0.0.0/8'],
    ['2001:db8::1', 'host', '2001:db8::1/128'],
    ['2001:db8:7fff::', 'narrow', '2001:db8::/33'],
    ['2001:db8:8000::', 'wide', '::/0'],
  ])('of %s is that of the longest prefix: %s', (address, workload, prefix) => {
    expect(at(live([[0, nested]], 1), address, 0)).toMatchObject({ workload, prefix });
  });

  it('is none where no prefix holds it: ::/0 is not about IPv4', () => {
    expect(at(live([[0, { six: ['::/0'] }]], 1), '192.0.2.1', 0)).toBeNull();
  });

  it('is the enclosing one again when a narrower prefix is gone', () => {
    const path = live(
      [
        [0, nested],
        [5, { wide: ['10.0.0.0/8'] }],
      ],
      9,
    );
    expect(at(path, '10.1.2.3', 4)).toMatchObject({ workload: 'host' });
    expect(at(path, '10.1.2.3', 5)).toMatchObject({ workload: 'wide', fromMs: NOON });
  });
});

describe('rows', () => {
  const rows = (path: string) => tableRows(path, 'SELECT workload FROM binding');

  it('are not added by a revision or a restart that changes no source', () => {
    const path = live(
      [
        [0, PAY],
        [1, PAY],
      ],
      2,
    );
    live([[5, PAY]], 6, { path });
    expect(rows(path)).toHaveLength(1);
    expect(at(path, '10.1.2.3', 5)).toMatchObject({ fromMs: NOON, fromRevision: 1, toMs: null });
  });

  it('are kept once when a recorder that died is told all revisions again', () => {
    const path = live(
      [
        [0, PAY],
        [5, WEB],
      ],
      6,
    );
    live(
      [
        [0, PAY],
        [5, WEB],
      ],
      7,
      { path },
    );
    expect(rows(path)).toHaveLength(2);
    expect(at(path, '10.1.2.3', 6)).toMatchObject({ workload: 'web', toMs: null });
  });

  it('name the policy in force, also where only a list changed', () => {
    const path = live(
      [
        [0, PAY],
        [3, PAY],
      ],
      9,
    );
    const policyAt = (minute: number) =>
      readHistory(path)
        .bindings()
        .policy(NOON + minute * MINUTE);
    expect(policyAt(2)).toEqual({ revision: 1, loadedMs: NOON });
    expect(policyAt(3)).toEqual({ revision: 2, loadedMs: NOON + 3 * MINUTE });
  });
});

describe('a time without a daemon', () => {
  it('lies between what was last seen of one and the start of the next', () => {
    const path = live([[0, PAY]], 10);
    live([[30, PAY]], 40, { path });
    expect([10, 11, 29, 30].map((minute) => gap(path, minute))).toEqual([
      null,
      [10, 30],
      [10, 30],
      null,
    ]);
  });

  it('has no begin before the first start, and no end after the last', () => {
    const path = live([[0, PAY]], 10);
    expect(gap(path, -5)).toEqual([null, 0]);
    expect(gap(path, 50)).toEqual([10, null]);
  });

  it('is none just after a daemon was seen: it says so every 10 s only', () => {
    const path = live([[0, PAY]], 10);
    expect(gap(path, 10.4, 10.4)).toBeNull();
    expect(gap(path, 10.4, 20)).toEqual([10, null]);
  });

  it('ends a binding that is gone after it where the daemon was last seen', () => {
    const path = live([[0, PAY]], 10);
    live([[30, WEB]], 40, { path });
    expect(at(path, '10.1.2.3', 9)).toMatchObject({ workload: 'pay', toMs: NOON + 10 * MINUTE });
    expect(at(path, '10.1.2.3', 20)).toBeNull();
    expect(at(path, '10.1.2.3', 30)).toMatchObject({ workload: 'web', fromRevision: 1 });
  });

  it('ends a killed daemon where it last said that it was there', () => {
    const test = fixture({ startedAt: NOON });
    test.recording.addRevision(policy(1, NOON, PAY));
    test.recording.flush();
    for (const seconds of [5, 10, 19]) {
      test.clock.ms = NOON + seconds * 1000;
      test.recording.flush();
    }
    expect(tableRows(test.path, 'SELECT seen_ms FROM run')).toEqual([{ seen_ms: NOON + 10_000 }]);
  });
});

describe('a database in trouble', () => {
  it('gets every change that waited, each with its own time', () => {
    let isBroken = true;
    const test = fixture({
      startedAt: NOON,
      prepare: (db) => void db.pragma(`query_only = ${isBroken ? 1 : 0}`),
    });
    test.recording.addRevision(policy(1, NOON, PAY));
    test.recording.addRevision(policy(2, NOON + MINUTE, WEB));
    expect(test.recording.flush()).toBe(false);
    isBroken = false;
    test.clock.ms = NOON + 2 * MINUTE;
    expect(test.recording.flush()).toBe(true);
    test.recording.close();
    expect(at(test.path, '10.1.2.3', 0)).toMatchObject({ workload: 'pay' });
    expect(at(test.path, '10.1.2.3', 1)).toMatchObject({ workload: 'web' });
  });
});
