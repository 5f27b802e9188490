/** `explain` of a policy with overrides: the line that won is the override's, with its text. */

import { beforeAll, describe, expect, it } from 'vitest';
import { SHARED_MS } from '../../src/clock.ts';
import { Overlay } from '../../src/overrides/overlay.ts';
import { NO_OVERRIDES, type Overrides } from '../../src/overrides/override.ts';
import type { Explanation } from '../../src/policy/explain.ts';
import { explainName, ruleCount, type Snapshot } from '../../src/server/snapshot.ts';
import { TYPE_A } from '../../src/wire/constants.ts';
import { wireName } from '../policy/support.ts';
import { compileFiles } from '../support/replay-valve.ts';
import { exception, HOUR_MS, quarantineDomain, quarantineOf } from './support.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
workloads:
  api: { sources: [10.1.0.0/16], allow: [.allowed.test] }
unmapped: { mode: open }
`;
const overlay = new Overlay({
  wallMs: Date.now,
  sharedMs: () => performance.now() + SHARED_MS,
});
let base: Snapshot;
beforeAll(async () => {
  base = await compileFiles({ 'main.yaml': CONFIG }, 1);
});

function over(overrides: Overrides, revision = 2): Snapshot {
  overlay.set(overrides);
  return overlay.over(base, revision);
}

function won(said: Explanation): string {
  return said.steps
    .filter(({ matched }) => matched)
    .map(({ step, name, rule }) => `${step} ${name}: ${rule}`)
    .join();
}

const open = { open: 'new.test' };
const inForce = (sketch: object = {}): Overrides => ({
  exceptions: [exception({ ...open, ...sketch }, Date.now() + HOUR_MS)],
  quarantines: [],
});
const closed = (...quarantines: Overrides['quarantines']): Overrides => {
  return { exceptions: [], quarantines };
};

const ROWS: readonly [string, Overrides, string, number, string, string][] = [
  ['an exception', inForce(), 'new.test', 1, 'allow', '4 exceptions: exception ex-1 new.test'],
  [
    'one that overrides feeds',
    inForce({ overridesFeeds: true }),
    'new.test',
    1,
    'allow',
    '2 exceptions over feeds: exception ex-1 new.test',
  ],
  [
    'a quarantine of the workload',
    closed(quarantineOf('api')),
    'a.allowed.test',
    1,
    'deny',
    '1 quarantine of the workload: quarantine q-1 of api',
  ],
  [
    'a lifeline of it',
    closed(quarantineOf('api', ['edr.test'])),
    'edr.test',
    1,
    'allow',
    '1 quarantine of the workload: quarantine q-1 of api',
  ],
  [
    'a domain in quarantine',
    closed(quarantineDomain('.allowed.test')),
    'a.allowed.test',
    1,
    'deny',
    '1 quarantine of the domain: quarantine q-2 of .allowed.test',
  ],
  [
    'the same for an unmapped source',
    closed(quarantineDomain('.allowed.test')),
    'a.allowed.test',
    0,
    'deny',
    '1 quarantine of the domain: quarantine q-2 of .allowed.test',
  ],
];

describe('explain with overrides', () => {
  it.each(ROWS)('%s is the line that won', (_, overrides, name, workload, verdict, line) => {
    const said = explainName(over(overrides), wireName(name), TYPE_A, workload);
    expect({ verdict: said.verdict, won: won(said) }).toEqual({ verdict, won: line });
  });

  it('rules of the policy are counted without those of overrides', () => {
    expect(ruleCount(over(inForce()))).toBe(ruleCount(base));
  });
});

describe('rules of overrides', () => {
  it('keep their number over changes, so that tables of before mean the same', () => {
    const before = over(inForce(), 2);
    const said = (snapshot: Snapshot) =>
      explainName(snapshot, wireName('new.test'), TYPE_A, 1).rule;
    const more = inForce();
    const other = exception({ id: 'ex-2', open: 'b.test' }, Date.now() + HOUR_MS);
    const after = over({ ...more, exceptions: [other, ...more.exceptions] }, 3);
    expect(after.memory.rules.octets.buffer).toBe(before.memory.rules.octets.buffer);
    expect(said(before)).toBe('exception ex-1 new.test');
    expect(said(after)).toBe('exception ex-1 new.test');
  });

  it('are copied anew when there is no room left for them', () => {
    const long = 'x'.repeat(2000);
    const many = Array.from({ length: 600 }, (_, i) =>
      exception({ id: `ex-${i}`, open: 'new.test', text: `${i} ${long}` }, Date.now() + HOUR_MS),
    );
    const full = over({ exceptions: many, quarantines: [] });
    const { rule } = explainName(full, wireName('new.test'), TYPE_A, 1);
    expect(rule).toBe(`0 ${long}`);
    const last = over({ exceptions: many.slice(599), quarantines: [] });
    expect(explainName(last, wireName('new.test'), TYPE_A, 1).rule).toBe(`599 ${long}`);
  });

  it('a policy without overrides is the compiled one, under another revision', () => {
    const { memory } = over(NO_OVERRIDES, 9);
    expect(memory.revision).toBe(9);
    expect(memory.rules).toBe(base.memory.rules);
  });
});
