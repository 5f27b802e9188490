/** `report unused`, `least-egress`, `flows` and `changes`. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { TEAM, World } from './support/world.ts';

const BANK = { workload: 1, rule: 'x.yaml:9 allow bank.example.com', name: 'bank.example.com' };
const WIDE = { workload: 1, rule: 'x.yaml:16 allow *.wide.example' };
const STS = {
  workload: 1,
  rule: 'main.yaml:9 bundle aws sts.example.net',
  name: 'sts.example.net',
};
const INSIDE = {
  workload: 2,
  rule: 'main.yaml:12 everyone.allow *.svc.corp.example',
  name: 'db.svc.corp.example',
};

async function world(): Promise<World> {
  const made = new World();
  await made.inForce(150);
  made.history([
    { ...BANK, days: 1, queries: 500 },
    { ...BANK, days: 140 },
    { ...WIDE, name: 'a.wide.example', days: 2 },
    { ...WIDE, name: 'b.wide.example', days: 9 },
    { ...STS, days: 3 },
    { ...INSIDE, days: 4 },
  ]);
  return made;
}

describe('report unused', () => {
  it('lists rules that decided nothing in the window', async () => {
    const rows = await (await world()).rows(['unused'], 'workload', 'pattern', 'state');
    expect(rows).toEqual([
      ['pay', '*.partner.example', 'not used'],
      ['pay', 'old.example.org', 'not used'],
      ['pay', '*.s3.example.net', 'not used'],
      ['batch', 'feed.example.org', 'not used'],
    ]);
  });

  it('gives a patch that applies, keeps comments, and leaves a policy that loads', async () => {
    const made = await world();
    const { stdout, stderr } = await made.run('unused', '--patch');
    expect(stderr).toMatch(/batch: by hand: .*pay\.yaml:18/);
    writeFileSync(join(made.folder, 'x.patch'), stdout);
    execFileSync('patch', ['-p1', '-d', '/', '-i', join(made.folder, 'x.patch')]);
    const text = readFileSync(join(made.folder, 'teams', 'pay.yaml'), 'utf8');
    expect(text).toContain('# The bank.\n      - bank.example.com\n      - "*.wide.example"\n');
    const config = loadConfig(made.config);
    expect(config.bundles[0]?.entries.map(({ pattern }) => pattern.text)).toEqual([
      'sts.example.net',
    ]);
  });

  it('does not ask to remove what is younger than the window', async () => {
    const made = await world();
    made.write(TEAM.replace('      - "*.wide', '      - fresh.example\n      - "*.wide'));
    await made.inForce(5, 2);
    const rows = await made.rows(['unused'], 'pattern', 'state');
    expect(rows).toContainEqual(['fresh.example', 'new']);
    expect((await made.run('unused', '--patch')).stdout).not.toContain('-      - fresh.example');
  });

  it('makes no patch of a file that is another by now', async () => {
    const made = await world();
    made.write(`# changed\n${TEAM}`);
    const { stdout, stderr } = await made.run('unused', '--patch');
    expect(stdout).not.toContain('pay.yaml');
    expect(stderr).toContain('is no longer the file of this policy');
  });

  it('says that a short record is no evidence', async () => {
    const { stderr } = await (await world()).run('unused', '--since', '300d');
    expect(stderr).toContain('"not used" is not evidence yet');
  });
});

describe('report least-egress', () => {
  it('tells who needs nothing of the outside, and who needs less', async () => {
    const rows = await (await world()).rows(
      ['least-egress'],
      'workload',
      'can',
      'open',
      'needed',
      'narrowed',
      'last_name',
    );
    expect(rows).toEqual([
      ['batch', 'lose all', 1, 0, 0, null],
      ['lab', 'lose all', 1, 0, 0, null],
      ['pay', 'lose some', 6, 3, 1, 'bank.example.com'],
    ]);
  });

  it('puts the names in use in place of a wildcard', async () => {
    const { stdout } = await (await world()).run('least-egress', '--patch');
    expect(stdout).toContain('-      - "*.wide.example"\n');
    expect(stdout).toMatch(/\+ {6}- [ab]\.wide\.example\n\+ {6}- [ab]\.wide\.example\n/);
  });

  it('keeps a wildcard whose names are not all known', async () => {
    const made = new World();
    await made.inForce(150);
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((l) => `${l}.wide.example`);
    made.history(names.map((name) => ({ ...WIDE, name, days: 2 })));
    expect((await made.run('least-egress', '--patch')).stdout).not.toContain('-      - "*.wide');
  });
});

describe('report flows', () => {
  it('lists domains by workload with volume and rhythm, the most asked for first', async () => {
    const rows = await (await world()).rows(['flows'], 'workload', 'domain', 'queries', 'rhythm');
    expect(rows).toEqual([
      ['batch', 'corp.example', 1, 'new'],
      ['pay', 'example.com', 501, 'steady'],
      ['pay', 'wide.example', 2, 'now and then'],
      ['pay', 'example.net', 1, 'new'],
    ]);
  });

  it('keeps the most asked for of each workload, and says what is left out', async () => {
    const { stdout, stderr } = await (await world()).run('flows', '--top', '1', '--csv');
    expect(stdout.trim().split('\r\n')).toHaveLength(3);
    expect(stderr).toContain('2 flows with fewer queries left out: --top 0');
  });

  it('draws them for Graphviz and for Mermaid', async () => {
    const made = await world();
    const dot = (await made.run('flows', '--dot', '--workload', 'batch')).stdout;
    expect(dot).toContain(
      '  "w batch" -> "d corp.example" [label="1", penwidth=1.0, style=dashed];',
    );
    const mermaid = (await made.run('flows', '--mermaid', '--workload', 'batch')).stdout;
    expect(mermaid).toBe('flowchart LR\n  w0["batch"]\n  d0(["corp.example"])\n  w0 -.->|1| d0\n');
  });

  it('draws what is a hostile name as text', async () => {
    const made = new World();
    await made.inForce(150);
    made.history([{ workload: 1, rule: '', name: 'x.<b>"]end.test', days: 1 }]);
    const page = join(made.folder, 'page.html');
    await made.run('flows', '--html', page);
    expect(readFileSync(page, 'utf8')).not.toContain('<b>"]end');
    expect((await made.run('flows', '--mermaid')).stdout).not.toMatch(/["\]]end/);
    expect((await made.run('flows', '--dot')).stdout).not.toMatch(/[^\\]"\]end/);
  });
});

describe('report changes', () => {
  it('lists what differs in the policy, and who did what', async () => {
    const made = await world();
    const next = TEAM.replace('mode: report', 'mode: enforce')
      .replace('      - name: old.example.org\n        reason: nobody knows\n', '')
      .replace('allow: [ feed.example.org ]', 'allow: [ feed.example.org, two.example ]');
    made.write(next);
    await made.inForce(3, 2);
    const fields = ['part', 'subject', 'change', 'what', 'before', 'after', 'by'];
    const rows = await made.rows(['changes'], ...fields);
    expect(rows.slice(0, 4)).toEqual([
      ['policy', 'pay', 'closed', 'allow', 'old.example.org', null, null],
      ['policy', 'batch', 'opened', 'allow', null, 'two.example', null],
      ['policy', 'lab', 'changed', 'mode', 'report', 'enforce', null],
      ['acts', null, 'done', 'reload', null, expect.stringMatching(/^policy \w{12}$/), 'uid 1000'],
    ]);
    expect(rows.slice(4)).toContainEqual([
      'first seen',
      'batch',
      '1 new',
      'domain',
      null,
      'corp.example',
      null,
    ]);
  });

  it('lists the lives of exceptions', async () => {
    const made = await world();
    made.exceptions([{}]);
    const rows = await made.rows(['changes'], 'change', 'what', 'after', 'by');
    expect(rows.slice(0, 2)).toEqual([
      ['requested', 'ex-1', '*.fix.example', 'alice'],
      ['opened', 'ex-1', '*.fix.example', 'bob'],
    ]);
  });

  it('refuses a window that ends before it begins', async () => {
    const { exitCode, stderr } = await (await world()).run('changes', '--until', '8d');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '--until: not after --since' });
  });
});

describe('a page', () => {
  it.each(['open', 'unused', 'least-egress', 'flows', 'changes'])(
    'of report %s loads nothing, runs nothing, and is reached by keyboard',
    async (kind) => {
      const made = await world();
      const path = join(made.folder, 'page.html');
      await made.run(kind, '--html', path);
      const page = readFileSync(path, 'utf8');
      expect(page).toContain("default-src 'none'");
      expect(page).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|url\(|@import|https?:/i);
      expect(page.match(/class=scroll /g)?.length).toBe(
        page.match(/class=scroll tabindex=0/g)?.length,
      );
      expect(page.match(/<table>/g)?.length).toBe(page.match(/<caption/g)?.length);
      expect(page).toContain('<html lang=en>');
    },
  );
});
