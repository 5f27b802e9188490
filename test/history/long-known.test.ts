/** Domains that the network has known for long: exact, or not at all. */

import { describe, expect, it } from 'vitest';
import { Fingerprints } from '../../src/fingerprints.ts';
import { longKnown, longKnownOne } from '../../src/history/long-known.ts';
import { openForReading } from '../../src/history/reader.ts';
import type { KnownDomains } from '../../src/reputation/standing-memory.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { fixture } from './support/fixture.ts';
import { NOON } from './support/records.ts';
import { spread } from './support/spread.ts';

const DAY = 86_400_000;

function holds(known: KnownDomains | null, domain: string): boolean | null {
  if (known === null) return null;
  const name = new WireName();
  const wire = nameToWire(domain);
  readName(wire, 0, wire.length, name);
  const { words, count } = known.domains;
  return new Fingerprints(words, count).find(name.low[0] ?? 0, name.high[0] ?? 0) !== 0;
}

/** @param isSettled whose debuts were found, of all but the newest pair */
function history(isSettled = false) {
  const test = fixture();
  test.put([
    { name: 'www.old.example', registrable: 'old.example', firstMs: NOON - 30 * DAY },
    { name: 'www.mid.example', registrable: 'mid.example', firstMs: NOON - 8 * DAY },
    { name: 'www.new.example', registrable: 'new.example', firstMs: NOON - 2 * DAY },
    { name: 'www.old.example', registrable: 'old.example', firstMs: NOON, workload: 2 },
  ]);
  test.recording.close();
  if (isSettled) spread(test.path, { apart: 2 ** 16, nowMs: NOON });
  return openForReading(test.path);
}

describe('longKnown', () => {
  it.each([
    { isSettled: false, when: 'before debuts are found' },
    { isSettled: true, when: 'when debuts are found' },
  ])('holds what anybody asked for before the last days, and nothing else, $when', (row) => {
    const db = history(row.isSettled);
    const known = longKnown(db, 7, NOON);
    const domains = ['old.example', 'mid.example', 'new.example', 'never.example'];
    expect(domains.map((domain) => holds(known, domain))).toEqual([true, true, false, false]);
    const one = domains.map((domain) =>
      holds(longKnownOne(db, `example.${domain.split('.')[0]}.`, 7, NOON), domain),
    );
    expect(one).toEqual([true, true, false, false]);
    db.close();
  });

  const none = [
    { name: 'a history that is younger', days: 60, most: 10 },
    { name: 'more domains than there is room for', days: 7, most: 1 },
    { name: 'no days', days: 0, most: 10 },
  ];
  for (const { name, days, most } of none) {
    it(`there is none with ${name}`, () => {
      const db = history();
      expect(longKnown(db, days, NOON, most)).toBe(null);
      db.close();
    });
  }
});
