import { describe, expect, it, onTestFinished } from 'vitest';
import { KIND_NAME } from '../../src/events/kinds.ts';
import { type RecentPlace, recentSince } from '../../src/history/queries-recent.ts';
import { openForReading } from '../../src/history/reader.ts';
import { LINES_MAX } from '../../src/history/recent.ts';
import { type Fixture, fixture } from './support/fixture.ts';
import { NOON, type RecordSpec } from './support/records.ts';

function look(path: string, since: RecentPlace | null = null) {
  const db = openForReading(path);
  onTestFinished(() => void db.close());
  return recentSince(db, since);
}

/** Queries of one name, as a worker tells of them: of the pair, and of the name. */
function ask(test: Fixture, spec: RecordSpec): void {
  test.put([spec, { ...spec, kind: KIND_NAME }]);
}

function commit(test: Fixture, names: readonly string[]): void {
  for (const name of names) ask(test, { name, allowed: 1 });
  test.recording.flush();
}

describe('the last commits', () => {
  it('have a line for each full name, with what the query that is known says', () => {
    const test = fixture();
    ask(test, { name: 'www.example.com', allowed: 3, rule: 1, reason: 5, qtype: 28 });
    ask(test, { name: 'api.example.com', denied: 2, firstMs: NOON + 1, source: '10.0.0.9' });
    test.recording.flush();
    expect(look(test.path).rows).toMatchObject([
      {
        reversed: 'com.example.www.',
        isNew: true,
        queries: 3,
        type: 'AAAA',
        source: '10.0.0.1',
        reason: 5,
        rule: 'policy.yaml:7:5 *.example.com',
      },
      { reversed: 'com.example.api.', isNew: false, denied: 2, source: '10.0.0.9' },
    ]);
  });

  it('count a name in one line only, whichever commit its detail comes with', () => {
    const test = fixture();
    commit(test, ['www.example.com']);
    test.put([{ name: 'www.example.com', allowed: 7 }]);
    test.recording.flush();
    test.put([{ name: 'www.example.com', allowed: 7, kind: KIND_NAME }]);
    test.recording.flush();
    expect(look(test.path).rows.map(({ queries }) => queries)).toEqual([1, 7]);
  });

  it('say what was counted of a domain without names, the gravest first', () => {
    const test = fixture();
    test.put([{ name: 'x.example.com', allowed: 5, denied: 4, failed: 3, folded: 8 }]);
    test.recording.flush();
    expect(look(test.path).rows).toMatchObject([
      { reversed: 'com.example.', isFolded: true, allowed: 1, denied: 4, failed: 3, queries: 8 },
    ]);
  });

  it('show denials where not everything is shown', () => {
    const test = fixture({ namesPerDomain: 0 });
    const names = Array.from({ length: LINES_MAX + 20 }, (_, i) => `n${i}.test`);
    for (const name of names) test.put([{ name, allowed: 1 }]);
    test.put([{ name: 'late.example', denied: 1 }]);
    test.recording.flush();
    const { rows } = look(test.path);
    expect(rows).toHaveLength(LINES_MAX);
    expect(rows.filter(({ denied }) => denied > 0)).toHaveLength(1);
  });

  it('are read on from where a look ended', () => {
    const test = fixture();
    commit(test, ['one.test']);
    const { place } = look(test.path);
    commit(test, ['two.test']);
    commit(test, ['three.test']);
    const next = look(test.path, place);
    expect(next.rows.map(({ reversed }) => reversed)).toEqual(['test.two.', 'test.three.']);
    expect(next.missed).toBe(0);
    expect(look(test.path, next.place)).toMatchObject({ rows: [], missed: 0 });
  });

  it('count what was left out of a commit, and what is gone since the last look', () => {
    const test = fixture({ namesPerDomain: 0 });
    commit(test, ['one.test']);
    const { place } = look(test.path);
    for (let i = 0; i < LINES_MAX + 20; i++) test.put([{ name: `n${i}.test`, allowed: 1 }]);
    test.recording.flush();
    const next = look(test.path, place);
    expect(next.missed).toBe(20);
    for (let i = 0; i < 70; i++) commit(test, [`m${i}.test`]);
    expect(look(test.path, next.place)).toMatchObject({ missed: 6 });
    expect(look(test.path, next.place).rows).toHaveLength(64);
  });

  it('are read from their begin where the file is another one', () => {
    const test = fixture();
    commit(test, ['one.test']);
    for (const place of [
      { id: 900, total: 5000 },
      { id: 1, total: 5000 },
    ]) {
      expect(look(test.path, place)).toMatchObject({ missed: 0, place: { id: 1, total: 1 } });
    }
  });
});
