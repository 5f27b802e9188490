/** `report open`: everything that is open, whoever opened it, and how it stands. */

import { describe, expect, it } from 'vitest';
import { World } from './support/world.ts';

const PARTNER = 'teams/pay.yaml:13 allow *.partner.example (A, AAAA)';
const USES = [
  { workload: 1, rule: 'x.yaml:9 allow bank.example.com', name: 'bank.example.com', days: 1 },
  { workload: 1, rule: PARTNER, name: 'api.partner.example', days: 120, queries: 7 },
  { workload: 1, rule: 'main.yaml:9 bundle aws sts.example.net', name: 'sts.example.net', days: 2 },
  {
    workload: 2,
    rule: 'main.yaml:12 everyone.allow *.svc.corp.example',
    name: 'db.svc.corp.example',
    days: 3,
  },
];

async function world(): Promise<World> {
  const made = new World();
  await made.inForce(150);
  made.history(USES);
  made.exceptions([{}, { pattern: 'over.example', state: 'expired' }]);
  return made;
}

describe('report open', () => {
  it('lists every grant with its rule, place, use and state', async () => {
    const rows = await (await world()).rows(['open'], 'workload', 'by', 'pattern', 'state');
    expect(rows).toEqual([
      ['pay', 'exception ex-1', '*.fix.example', 'closes in 12h'],
      ['pay', 'allow', 'bank.example.com', 'in use'],
      ['pay', 'allow', '*.partner.example', 'idle 120d'],
      ['pay', 'allow', 'old.example.org', 'not used'],
      ['pay', 'allow', '*.wide.example', 'not used'],
      ['pay', 'bundle aws', 'sts.example.net', 'in use'],
      ['pay', 'bundle aws', '*.s3.example.net', 'not used'],
      ['batch', 'allow', 'feed.example.org', 'not used'],
      ['lab', 'mode report', '*', 'every name'],
      ['(everyone)', 'everyone.allow', '*.svc.corp.example', 'in use'],
    ]);
  });

  it('says who wrote, asked for and approved it, and when it closes', async () => {
    const rows = await (await world()).rows(['open', '--workload', 'pay']);
    expect(rows[0]).toMatchObject({
      owner: 'team-pay',
      requester: 'alice',
      approver: 'bob',
      expires: '2026-09-18T00:00:00.000Z',
      reason: 'incident',
      ticket: 'INC-9',
      queries: 3,
    });
    expect(rows[2]).toMatchObject({
      types: 'A, AAAA',
      place: expect.stringMatching(/teams\/pay\.yaml:11$/),
      ticket: 'CHG-1',
      last_use: '2026-05-20T12:00:00.000Z',
      queries: 7,
      expires: null,
    });
  });

  it('is about what is in force, and says that the files say something else', async () => {
    const made = await world();
    made.write('workloads:\n  pay:\n    sources: [ 10.1.0.0/16 ]\n    allow: [ new.example ]\n');
    const { stdout, stderr } = await made.run('open', '--csv');
    expect(stderr).toContain('the files differ from the policy in force');
    expect(stdout).toContain('bank.example.com');
    const files = await made.rows(['open', '--files'], 'pattern', 'state');
    expect(files).toContainEqual(['new.example', 'not used']);
    expect(files).not.toContainEqual(['bank.example.com', 'in use']);
  });

  it('reads the files where no resolver has run, and claims nothing about use', async () => {
    const made = new World();
    const { stderr } = await made.run('open');
    expect(stderr).toContain('no resolver has run here');
    expect(stderr).toContain('what is used is not known');
    const rows = await made.rows(['open'], 'pattern', 'state');
    expect(rows).toContainEqual(['bank.example.com', 'not known']);
  });

  it('prints an aligned table without the columns that are empty', async () => {
    const { stdout } = await (await world()).run('open', '--workload', 'batch');
    expect(stdout).toMatch(/^WORKLOAD {2}PATTERN {10} OPENED BY/);
    expect(stdout).not.toContain('APPROVER');
  });

  it.each([
    [['open', '--json', '--csv'], 2, 'give one of them'],
    [['open', '--workload', 'pya'], 2, 'workload "pya": not in the policy'],
    [['open', '--since', 'soon'], 2, 'give a duration or a date'],
    [['open', '--limit', 'x'], 2, 'give a number'],
    [['open', '--html', '/nowhere/x.html'], 3, '--html /nowhere/x.html'],
  ])('%j is refused', async (args, status, text) => {
    const { exitCode, stderr } = await (await world()).run(...args);
    expect({ exitCode, stderr }).toEqual({
      exitCode: status,
      stderr: expect.stringContaining(text),
    });
  });

  it('says that it was cut off', async () => {
    const { stderr, stdout } = await (await world()).run('open', '--limit', '2', '--jsonl');
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(stderr).toContain('cut off: the first 2 of 10 rows');
  });
});
