import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { formatAge, formatTime, jsonTime, parseSince } from '../../src/cli/time.ts';

const NOW = Date.UTC(2026, 2, 1, 12);
const ZONE = process.env['TZ'];

afterEach(() => {
  if (ZONE === undefined) delete process.env['TZ'];
  else process.env['TZ'] = ZONE;
});

describe('parseSince', () => {
  const rows = [
    { text: '30s', want: NOW - 30_000 },
    { text: '5m', want: NOW - 300_000 },
    { text: '24h', want: NOW - 86_400_000 },
    { text: '7d', want: NOW - 7 * 86_400_000 },
    { text: '2w', want: NOW - 14 * 86_400_000 },
    { text: '2026-02-28', want: Date.UTC(2026, 1, 28) },
    { text: '2026-02-28T10:30', want: Date.UTC(2026, 1, 28, 10, 30) },
    { text: '2026-02-28 10:30:05', want: Date.UTC(2026, 1, 28, 10, 30, 5) },
    { text: '2026-02-28T10:30Z', want: Date.UTC(2026, 1, 28, 10, 30) },
    { text: '2026-02-28T10:30:00+02:00', want: Date.UTC(2026, 1, 28, 8, 30) },
  ];
  for (const { text, want } of rows) {
    it(`takes ${text}`, () => expect(parseSince(text, NOW, 'utc')).toBe(want));
  }

  for (const text of [
    '',
    '7',
    'd',
    '-7d',
    '7 d',
    '7y',
    '1.5h',
    '2026-13-01',
    '2026-2-1',
    'today',
  ]) {
    it(`refuses "${text}" and names the accepted forms`, () =>
      expect(() => parseSince(text, NOW, 'utc')).toThrow(/7d, 2w, 2026-03-01/));
  }

  it('means a date without a zone as the local one', () => {
    process.env['TZ'] = 'Asia/Tokyo';
    expect(parseSince('2026-02-28', NOW, 'local')).toBe(Date.UTC(2026, 1, 27, 15));
    expect(parseSince('2026-02-28', NOW, 'utc')).toBe(Date.UTC(2026, 1, 28));
  });
});

describe('formatTime', () => {
  const rows = [
    { zone: 'UTC', want: '2026-03-01 12:00:00Z' },
    { zone: 'Europe/Berlin', want: '2026-03-01 13:00:00+01:00' },
    { zone: 'America/St_Johns', want: '2026-03-01 08:30:00-03:30' },
  ];
  for (const { zone, want } of rows) {
    it(`says the offset of ${zone}`, () => {
      process.env['TZ'] = zone;
      expect(formatTime(NOW, 'local')).toBe(want);
      expect(formatTime(NOW, 'utc')).toBe('2026-03-01 12:00:00Z');
    });
  }
});

describe('formatAge', () => {
  const rows = [
    { age: -5000, want: 'now' },
    { age: 999, want: 'now' },
    { age: 59_999, want: '59s ago' },
    { age: 3_599_999, want: '59m ago' },
    { age: 47 * 3_600_000, want: '47h ago' },
    { age: 48 * 3_600_000, want: '2d ago' },
  ];
  for (const { age, want } of rows) {
    it(`of ${age} ms is ${want}`, () => expect(formatAge(NOW - age, NOW)).toBe(want));
  }
});

describe('jsonTime', () => {
  it('is what the engine writes, of any moment', () => {
    const moment = fc.date({ noInvalidDate: true }).map((date) => date.getTime());
    const near = fc.integer({ min: NOW, max: NOW + 400 * 86_400_000 });
    const same = (ms: number): void => {
      expect(jsonTime(ms)).toBe(new Date(ms).toISOString());
    };
    fc.assert(fc.property(fc.oneof(moment, near), same), { numRuns: 5000 });
    for (const ms of [0, -1, 86_399_999, 86_400_000, 8.64e15, -8.64e15]) same(ms);
  });

  it('refuses what is no time', () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 86_400_000]) {
      expect(() => jsonTime(ms)).toThrow(RangeError);
    }
  });
});
