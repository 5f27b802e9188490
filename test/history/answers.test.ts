/** Who was given an address, for which domain, and when. */

import { describe, expect, it } from 'vitest';
import { register } from '../../src/cli/history.ts';
import { FLAG_REBINDING, KIND_ANSWER } from '../../src/events/kinds.ts';
import { readWith } from '../cli/support/read.ts';
import { type Fixture, fixture, readHistory, tableRows } from './support/fixture.ts';
import { mapped, NOON, type RecordSpec } from './support/records.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALL = { workload: null, sinceMs: 0, limit: -1 };

function given(name: string, answers: readonly string[], more: Partial<RecordSpec> = {}) {
  return { kind: KIND_ANSWER, name, answers, ...more };
}

const about = (test: Fixture, address: string, filter = {}) =>
  readHistory(test.path).givenAddress(mapped(address), { ...ALL, ...filter });

const kept = (test: Fixture) => tableRows(test.path, 'SELECT name_rev FROM answer ORDER BY 1');

describe('an address', () => {
  it('names the workloads that were given it, first given first', () => {
    const test = fixture();
    test.put([
      given('www.two.test', ['192.0.2.1'], { workload: 2, firstMs: NOON + HOUR }),
      given('www.one.test', ['192.0.2.9', '192.0.2.1'], { workload: 1 }),
    ]);
    test.recording.flush();
    const one = { workload: 'pay', domain: 'one.test', firstMs: NOON, lastMs: NOON, count: 1 };
    const at = NOON + HOUR;
    const two = { workload: 'web', domain: 'two.test', firstMs: at, lastMs: at, count: 1 };
    expect(about(test, '192.0.2.1')).toEqual([one, two]);
    expect(about(test, '192.0.2.9')).toEqual([one]);
    expect(about(test, '192.0.2.1', { workload: 'web' })).toEqual([two]);
    expect(about(test, '192.0.2.1', { sinceMs: NOON + 1 })).toEqual([two]);
    expect(about(test, '192.0.2.2')).toEqual([]);
  });

  it('that is given again moves the last time and never the first', () => {
    const test = fixture();
    for (const firstMs of [NOON + DAY, NOON, NOON + 2 * DAY]) {
      test.put([given('one.test', ['192.0.2.1'], { firstMs })]);
      test.recording.flush();
    }
    const times = { firstMs: NOON, lastMs: NOON + 2 * DAY, count: 3 };
    expect(about(test, '192.0.2.1')).toMatchObject([times]);
  });

  it('that a later answer brings is kept too, beside the first', () => {
    const test = fixture();
    test.put([given('one.test', ['192.0.2.1']), given('one.test', ['192.0.2.2'])]);
    test.recording.flush();
    expect(about(test, '192.0.2.2')).toMatchObject([{ domain: 'one.test' }]);
  });

  it('that was refused was given to nobody', () => {
    const test = fixture();
    test.put([given('one.test', ['10.0.0.1'], { flags: FLAG_REBINDING })]);
    test.recording.flush();
    expect(about(test, '10.0.0.1')).toEqual([]);
  });
});

describe('what is kept', () => {
  it('is the youngest, as many as the bound says', () => {
    const test = fixture({ answers: 2, retentionMs: 30 * DAY });
    for (const [i, name] of ['a.test', 'b.test', 'c.test'].entries()) {
      test.put([given(name, ['192.0.2.1'], { firstMs: NOON + (i - 2) * HOUR * 24 })]);
    }
    test.recording.flush();
    test.recording.maintain();
    expect(kept(test)).toEqual([{ name_rev: 'test.b.' }, { name_rev: 'test.c.' }]);
  });

  it('is no older than the retention', () => {
    const test = fixture({ retentionMs: 2 * DAY });
    test.put([given('a.test', ['192.0.2.1']), given('b.test', ['192.0.2.1'])]);
    test.recording.flush();
    test.put([given('b.test', ['192.0.2.1'], { firstMs: NOON + 3 * DAY })]);
    test.recording.flush();
    test.clock.ms = NOON + 3 * DAY;
    test.recording.maintain();
    expect(kept(test)).toEqual([{ name_rev: 'test.b.' }]);
  });

  it('is nothing where the bound is 0', () => {
    const test = fixture({ answers: 0 });
    test.put([given('a.test', ['192.0.2.1'])]);
    test.recording.flush();
    expect(kept(test)).toEqual([]);
  });

  it('goes with 500 a flush, and a stop writes all that waits', () => {
    const test = fixture();
    for (let i = 0; i < 1600; i++) test.put([given(`n${i}.test`, ['192.0.2.1'])]);
    test.recording.flush();
    expect(kept(test)).toHaveLength(500);
    test.recording.close();
    expect(kept(test)).toHaveLength(1600);
  });
});

describe('history --answer', () => {
  const run = (args: readonly string[]) => {
    const test = fixture();
    test.put([given('www.one.test', ['192.0.2.1'])]);
    test.recording.close();
    return readWith(register, NOON + HOUR, ['history', ...args, '--utc', '--db', test.path]);
  };

  it('prints who was given it', async () => {
    const { stdout } = await run(['--answer', '192.0.2.1']);
    expect(stdout.split('\n')).toEqual([
      'WORKLOAD  DOMAIN    FIRST GIVEN           LAST TOLD             TOLD',
      'pay       one.test  2026-03-01 12:00:00Z  2026-03-01 12:00:00Z     1',
      '',
    ]);
  });

  it.each([[['--answer', 'one.test']], [['one.test', '--answer', '192.0.2.1']]])(
    'refuses %j',
    async (args) => {
      expect((await run(args)).exitCode).toBe(2);
    },
  );
});
