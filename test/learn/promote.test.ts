import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/baseline/hours.ts';
import { readForEdit, replaceFile, withWord } from '../../src/config/edit.ts';
import { NOON } from '../history/support/records.ts';
import { registrableOf } from './support/domains.ts';
import { DAY, Place, query } from './support/learn.ts';

const MAIN = `# The valve of this network.
history: { path: history.db }
include: teams/*.yaml
`;
const TEAM = `workloads:
  # payments
  pay:
    sources: [ 10.0.0.0/24 ]   # the subnet
    mode: report               # since spring
    allow: [ .known.example ]  # agreed
    deny: [ gone.example ]
`;
const FILES = { 'dnsvalve.yaml': MAIN, 'teams/pay.yaml': TEAM };

/** A workload that was heard of for a month, and asks for what is covered. */
function heard(place: Place): void {
  place.saw([
    ...query('first.known.example', { firstMs: NOON - 31 * DAY, wouldDeny: 0 }),
    ...query('last.known.example', { firstMs: NOON - DAY, wouldDeny: 0 }),
  ]);
}

function team(place: Place): string {
  return readFileSync(join(place.directory, 'teams/pay.yaml'), 'utf8');
}

describe('promote', () => {
  it('changes one word of the file, and nothing else of it', async () => {
    const place = new Place(FILES);
    heard(place);
    const { out, code } = await place.run('promote', 'pay');
    expect(team(place)).toBe(TEAM.replace('report ', 'enforce '));
    expect(out).toMatch(/pay\.yaml:3:3: mode: report -> enforce/);
    expect(code).toBe(0);
    expect((await place.engine()).ask('other.example', 1).verdict).toBe('undecided');
  });

  it('only says so in a dry run', async () => {
    const place = new Place(FILES);
    heard(place);
    const { out } = await place.run('promote', 'pay', '--dry-run', '--json');
    expect(JSON.parse(out)).toMatchObject({ ok: true, to: 'enforce', written: false, names: 1 });
    expect(team(place)).toBe(TEAM);
  });

  const refused: { name: string; asked: string; more?: object; code: string; text: RegExp }[] = [
    {
      name: 'a name of the window is not covered',
      asked: 'api.new.example',
      code: 'name',
      text: /not covered: api\.new\.example \(1 query, last 2026-02-28\)/,
    },
    {
      name: 'a monthly job lies before the window and is not covered',
      asked: 'monthly.example',
      more: { firstMs: Date.UTC(2025, 11, 2, 3), lastMs: Date.UTC(2026, 1, 2, 3, 20), allowed: 3 },
      code: 'monthly-job',
      text: /a monthly job.*monthly\.example \(about 03:20 UTC, 2025-12-02 to 2026-02-02\)/,
    },
    {
      name: 'a job of the last day of months lies before the window',
      asked: 'ends.example',
      more: { firstMs: Date.UTC(2025, 10, 30, 23), lastMs: Date.UTC(2026, 0, 31, 23), allowed: 3 },
      code: 'monthly-job',
      text: /ends\.example/,
    },
    {
      name: 'a weekly job lies before the window and is not covered',
      asked: 'weekly.example',
      more: { firstMs: NOON - 36 * DAY, lastMs: NOON - 15 * DAY, allowed: 4 },
      code: 'weekly-job',
      text: /a weekly job.*weekly\.example/,
    },
  ];
  for (const { name, asked, more, code, text } of refused) {
    it(`refuses while ${name}`, async () => {
      const place = new Place(FILES);
      heard(place);
      const counts = { wouldDeny: 1, registrable: registrableOf(asked), ...more };
      place.saw(query(asked, counts));
      const run = await place.run('promote', 'pay');
      expect(run.out).toMatch(text);
      expect(run.code).toBe(1);
      expect(team(place)).toBe(TEAM);
      const { refusals } = JSON.parse((await place.run('promote', 'pay', '--json')).out);
      expect(refusals).toMatchObject([{ code }]);
    });
  }

  const taken: { name: string; asked: string; more?: object; note?: RegExp }[] = [
    { name: 'a name that is denied by a rule is decided', asked: 'gone.example' },
    {
      name: 'a name that no pattern can say',
      asked: 'x\\032y',
      note: /x\\032y: will be denied; no pattern can say it/,
    },
    {
      name: 'a name without rhythm from before the window',
      asked: 'old.example',
      more: { firstMs: NOON - 33 * DAY, lastMs: NOON - 20 * DAY + 5 * HOUR_MS },
      note: /1 names last seen before the window are not covered/,
    },
    {
      name: 'a job that is covered',
      asked: 'monthly.known.example',
      more: { firstMs: Date.UTC(2025, 11, 2, 3), lastMs: Date.UTC(2026, 1, 2, 3), allowed: 3 },
    },
  ];
  for (const { name, asked, more, note } of taken) {
    it(`is not held up by ${name}`, async () => {
      const place = new Place(FILES);
      heard(place);
      place.saw(query(asked, { registrable: registrableOf(asked), ...more }));
      const { err, code } = await place.run('promote', 'pay');
      expect(code).toBe(0);
      expect(err).toMatch(note ?? /^`dnsvalve reload`/);
    });
  }

  it('refuses a window that is shorter than what is set', async () => {
    const place = new Place(FILES);
    heard(place);
    const { out, code } = await place.run('promote', 'pay', '--since', '7d');
    expect(out).toContain('the window is 7 days long; at least 14 days (learn.window)');
    expect(code).toBe(1);
    place.write('dnsvalve.yaml', `${MAIN}learn: { window: 7d }\n`);
    expect((await place.run('promote', 'pay')).code).toBe(0);
  });

  it('refuses a workload that was heard of for less, and says from when on', async () => {
    const place = new Place(FILES);
    place.saw(query('a.known.example', { firstMs: NOON - 3 * DAY }));
    const { out } = await place.run('promote', 'pay');
    expect(out).toContain(
      'first heard of on 2026-02-26; at least 14 days (learn.window): from 2026-03-12 on',
    );
  });

  const hours: { name: string; unwatched?: number[]; active: number[]; want: RegExp[] }[] = [
    {
      name: 'an hour of the week that nobody watched',
      unwatched: [5, 7 * 24 + 5],
      active: [],
      want: [/nobody watched Sunday 07:00 to Sunday 08:00 UTC in the window/],
    },
    {
      name: 'an hour of the week in which a job ran before the window',
      active: [21, 28, 35].map((days) => days * 24 + 9),
      want: [/a weekly job: active on Sunday 03:00 to Sunday 04:00 UTC in the weeks before/],
    },
    {
      name: 'nothing where the job ran in the window too',
      active: [7, 21, 28, 35].map((d) => d * 24 + 9),
      want: [],
    },
    { name: 'nothing where an hour was active in one week', active: [21 * 24 + 9], want: [] },
  ];
  for (const { name, unwatched = [], active, want } of hours) {
    it(`says of the window that it lacks ${name}`, async () => {
      const place = new Place(FILES);
      heard(place);
      const db = new Database(place.history.path);
      const now = NOON / HOUR_MS;
      db.exec('DELETE FROM activity; DELETE FROM watched');
      const watched = db.prepare('INSERT INTO watched VALUES (?, 3600)');
      for (let ago = 1; ago <= 56 * 24; ago++) if (!unwatched.includes(ago)) watched.run(now - ago);
      const activity = db.prepare(`INSERT INTO activity SELECT id, ?, 5, 0, 0, 0, 1, 0, 1, 5, 0, 0
FROM workload WHERE name = 'pay'`);
      for (const ago of active) activity.run(now - ago);
      db.close();
      const { refusals } = JSON.parse((await place.run('promote', 'pay', '--json')).out);
      expect(refusals).toHaveLength(want.length);
      for (const [i, text] of want.entries()) expect(refusals[i].text).toMatch(text);
    });
  }

  it('takes an open workload to report, whatever it asked for', async () => {
    const place = new Place({ ...FILES, 'teams/pay.yaml': TEAM.replace('report', '"open"') });
    const { code } = await place.run('promote', 'pay');
    expect(code).toBe(0);
    expect(team(place)).toBe(TEAM);
  });

  it('has nothing to do for a workload in enforce', async () => {
    const place = new Place({ ...FILES, 'teams/pay.yaml': TEAM.replace('report', 'enforce') });
    const { err, code } = await place.run('promote', 'pay');
    expect(err).toContain('nothing to promote');
    expect(code).toBe(0);
  });

  const byHand: { name: string; text: string; why: RegExp }[] = [
    {
      name: 'an alias in place of the mode',
      text: `x: &m report\n${TEAM}`
        .replace('mode: report', 'mode: *m')
        .replace('x: &m report', 'bundles: { x: [ &m report ] }'),
      why: /its mode is not a word of its own/,
    },
    {
      name: 'a mode that another workload takes over',
      text: `${TEAM.replace('mode: report', 'mode: &m report')}  web: { sources: [], mode: *m }\n`,
      why: /used elsewhere/,
    },
  ];
  for (const { name, text, why } of byHand) {
    it(`leaves ${name} to a person`, async () => {
      const place = new Place({ ...FILES, 'teams/pay.yaml': text });
      heard(place);
      await expect(place.run('promote', 'pay')).rejects.toThrow(why);
      expect(team(place)).toBe(text);
    });
  }
});

describe('a file that is changed', () => {
  it('is written behind its link, with the mode that it had', () => {
    const place = new Place({ 'dnsvalve.yaml': MAIN, 'real.yaml': 'a: b\n' });
    const real = join(place.directory, 'real.yaml');
    chmodSync(real, 0o640);
    const link = join(place.directory, 'link.yaml');
    symlinkSync(real, link);
    const file = readForEdit(link);
    replaceFile(file, withWord(file.text, ['a'], 'c') ?? '');
    expect(readFileSync(real, 'utf8')).toBe('a: c\n');
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  it('is left as it is where somebody else changed it first', () => {
    const place = new Place({ 'dnsvalve.yaml': MAIN, 'real.yaml': 'a: b\n' });
    const path = join(place.directory, 'real.yaml');
    const file = readForEdit(path);
    writeFileSync(path, 'a: theirs\n');
    expect(() => replaceFile(file, 'a: ours\n')).toThrow(/somebody else changed it/);
    expect(readFileSync(path, 'utf8')).toBe('a: theirs\n');
  });

  it('keeps comments and quotes around the word', () => {
    expect(withWord('a: {b: "x"} # why\n', ['a', 'b'], 'y')).toBe('a: {b: y} # why\n');
    expect(withWord('a: &k x\n', ['a'], 'y')).toBe('a: &k y\n');
    expect(withWord('a: |\n  x\n', ['a'], 'y')).toBe(null);
    expect(withWord('a: x\n', ['b'], 'y')).toBe(null);
  });
});
