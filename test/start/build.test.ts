/** Building in a thread of its own: what comes back, and what is said when it is refused. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshotOf } from '../../src/cli/snapshot-of.ts';
import { ProblemsError } from '../../src/errors.ts';
import { Texts } from '../../src/policy/texts.ts';
import { FeedSet } from '../../src/reputation/refresh.ts';
import { Reputation, VET_DENY, VET_NOTHING } from '../../src/reputation/vet.ts';
import { type Built, build } from '../../src/server/build.ts';
import { revisionNames, ruleCount, withFeeds } from '../../src/server/snapshot.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { vet } from '../reputation/support.ts';

/** What hash.ts starts with. */
const hashKey = { k0: 0x243f6a88, k1: 0x85a308d3 };
const CONFIG = `
feeds: { listed: { source: listed.txt, category: malware } }
history: { path: history.db }
state_directory: .
everyone: { allow: [ok.test] }
workloads:
  web:
    owner: team
    sources: [10.0.0.0/8, 192.0.2.1]
    allow: [a.test]
    tests: [{ name: a.test, expect: allow }]
`;

let folder = '';
beforeEach(() => {
  setHashKey(hashKey.k0, hashKey.k1);
  folder = mkdtempSync(join(tmpdir(), 'build-'));
  write('listed.txt', 'bad.test\nno name\n');
  write('main.yaml', CONFIG);
});
// A thread keeps its policy after it has answered, and may still be writing there.
afterEach(() => rmSync(folder, { recursive: true, maxRetries: 50 }));

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function built(load = {}): Promise<Built> {
  const configPath = join(folder, 'main.yaml');
  return build({ configPath, load, revision: 7, hashKey, isBackground: true });
}

async function refusal(): Promise<ProblemsError> {
  const error: unknown = await built().catch((thrown: unknown) => thrown);
  if (!(error instanceof ProblemsError)) throw new Error('not refused', { cause: error });
  return error;
}

describe('build', () => {
  it('gives tables in shared memory under the key, and what is kept of the configuration', async () => {
    const { snapshot } = await built({ listen: ['127.0.0.1:5300'] });
    expect(snapshot.memory.revision).toBe(7);
    expect(snapshot.memory.policy.entries.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(vet(new Reputation(snapshot.memory.reputation), 'bad.test').result).toBe(VET_DENY);
    expect(snapshot.config).toMatchObject({ prefixes: 2, listen: [{ port: 5300 }] });
    expect(snapshot.config.workloads).toMatchObject([{ name: 'web', owner: 'team' }]);
  });

  it('names every number of its records', async () => {
    const { snapshot } = await built();
    const names = revisionNames(snapshot, 5);
    expect(names).toMatchObject({ revision: 7, workloads: ['(unmapped)', 'web'], at: 5 });
    const rules = new Texts(names.rules);
    expect(rules.text(0)).toBe('');
    expect(rules.text(ruleCount(snapshot))).toBe('feed listed (category malware)');
    expect(rules.text(ruleCount(snapshot) + 1)).toBe('');
  });

  it('gives the recorder the texts of its rules in shared memory, none of them copied', async () => {
    const { rules } = revisionNames((await built()).snapshot, 5);
    expect(rules.octets.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(rules.starts.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('hands over what its feeds went through', async () => {
    const { snapshot, feeds } = await built();
    const set = new FeedSet(snapshot.config.feeds, { stateDirectory: folder, hashKey }, feeds);
    expect(set.statuses()).toMatchObject([
      { name: 'listed', entries: 1, lastError: null, rejects: [{ firstLine: 2 }] },
    ]);
    expect(set.statuses()[0]?.ageMs).not.toBeNull();
  });

  it('refuses with the problems, code and places that check says', async () => {
    write('main.yaml', CONFIG.replace('sources:', 'sourcse:').replace('a.test]', 'A.test]'));
    const error = await refusal();
    const here = await snapshotOf(join(folder, 'main.yaml')).catch((thrown: unknown) => thrown);
    expect(error).toEqual(here);
    expect(error.code).toBe('CONFIG');
    expect(error.problems.length).toBeGreaterThan(1);
  });

  it('refuses a feed that is not there and a policy test that fails', async () => {
    write('main.yaml', CONFIG.replace('listed.txt', 'gone.txt'));
    expect((await refusal()).code).toBe('FEED');
    write('main.yaml', CONFIG.replace('expect: allow', 'expect: deny'));
    expect((await refusal()).message).toContain('workloads.web.tests[0]: a.test A: expected deny');
  });
});

describe('withFeeds', () => {
  it('takes the lists anew and nothing else of the files', async () => {
    const { snapshot } = await built();
    write('main.yaml', 'half written');
    write('listed.txt', 'worse.test\n');
    const set = new FeedSet(snapshot.config.feeds, { stateDirectory: folder, hashKey });
    const next = await withFeeds(snapshot, (rules) => set.compile(rules));
    const reputation = new Reputation(next.memory.reputation);
    expect(vet(reputation, 'bad.test').result).toBe(VET_NOTHING);
    expect(vet(reputation, 'worse.test').result).toBe(VET_DENY);
    expect(next.memory.revision).toBe(8);
    expect(next.memory.policy).toBe(snapshot.memory.policy);
    expect(next.memory.reputation.feeds.rules).toEqual(snapshot.memory.reputation.feeds.rules);
  });

  it('refuses lists under which a policy test fails', async () => {
    const { snapshot } = await built();
    write('listed.txt', 'a.test\n');
    const set = new FeedSet(snapshot.config.feeds, { stateDirectory: folder, hashKey });
    await expect(withFeeds(snapshot, (rules) => set.compile(rules))).rejects.toThrow('a.test A');
  });
});
