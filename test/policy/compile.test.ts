/** What compiling promises: shared scopes, a cost that does not grow with the rules, named rules. */

import { describe, expect, it } from 'vitest';
import { compileIdentity } from '../../src/identity/compile.ts';
import { Workloads } from '../../src/identity/workloads.ts';
import { InForce } from '../../src/overrides/in-force.ts';
import { noOverrides } from '../../src/overrides/memory.ts';
import { authorize, ZONE_NONE } from '../../src/policy/authorize.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { Decision } from '../../src/policy/decision.ts';
import { Rules } from '../../src/policy/rules.ts';
import { ENTRY_WORDS, Policy, SCOPE_NONE } from '../../src/policy/suffixes.ts';
import { TYPE_A, TYPE_TXT } from '../../src/wire/constants.ts';
import { config, entry, type Sketch, UNSCORED, wireName } from './support.ts';

function compile(sketch: Sketch) {
  const rules = new Rules();
  return { memory: compilePolicy(config(sketch), rules), rules };
}

/** Table probes that one decision costs. */
function probes(sketch: Sketch, name: string): number {
  const parsed = config(sketch);
  const policy = new Policy(compilePolicy(parsed, new Rules()));
  let count = 0;
  const find = policy.suffixes.find.bind(policy.suffixes);
  policy.suffixes.find = (low, high) => {
    count++;
    return find(low, high);
  };
  const workloads = new Workloads(compileIdentity(parsed).workloads);
  const overrides = new InForce(noOverrides());
  const reputation = { vet: () => 0 };
  const tables = { policy, workloads, overrides, reputation, standing: UNSCORED };
  authorize(wireName(name), TYPE_A, 1, tables, ZONE_NONE, new Decision());
  return count;
}

/** `rules` rules of 2, 3 and 4 labels in each list of one workload, its bundle and everyone. */
function sized(rules: number): Sketch {
  const list = (tag: string): string[] =>
    Array.from({ length: rules }, (_, i) => `${'s.'.repeat(i % 3)}${tag}${i}.example`);
  return {
    everyoneDeny: list('ed'),
    everyoneAllow: list('ea'),
    bundles: { b: list('b') },
    workloads: [{ use: ['b'], allow: list('a'), deny: list('d') }],
  };
}

describe('cost', () => {
  it('a decision costs as many probes over 3,000 rules a list as over 3', () => {
    const few = probes(sized(3), 'a.b.c.d.nothing.test');
    const many = probes(sized(3000), 'a.b.c.d.nothing.test');
    expect(many).toBe(few);
    expect(few).toBe(3 * 3);
  });

  it('only label counts that occur in a scope are probed', () => {
    expect(probes({ workloads: [{ allow: ['.x.com'] }] }, 'a.b.c.d.e.f.g.org')).toBe(1);
    expect(probes({ workloads: [{ allow: ['.x.com', 'a.b.x.com'] }] }, 'q.w.e.r.org')).toBe(2);
    expect(probes({ workloads: [{}] }, 'a.b.c.d.e.f.g.org')).toBe(0);
  });

  it('a name of 127 labels costs no more than its labels in three scopes', () => {
    const long = Array.from({ length: 127 }, () => 'd').join('.');
    const deep = Array.from({ length: 40 }, () => 'x').join('.');
    const sketch = {
      everyoneAllow: [deep],
      bundles: { b: [deep] },
      workloads: [{ use: ['b'], allow: [deep] }],
    };
    expect(probes(sketch, long)).toBeLessThanOrEqual(127 * 3);
  });
});

describe('scopes', () => {
  it('workloads with the same set of bundles share one scope, whatever the order', () => {
    const { memory } = compile({
      bundles: { a: ['a.test'], b: ['b.test'] },
      workloads: [{ use: ['a', 'b'] }, { use: ['b', 'a'] }, { use: ['a'] }, { use: [] }],
    });
    const [unmapped, first, second, third, fourth] = memory.bundleScope;
    expect(first).toBe(second);
    expect(third).not.toBe(first);
    expect([unmapped, fourth]).toEqual([SCOPE_NONE, SCOPE_NONE]);
  });

  it('a workload without rules has no scope of its own', () => {
    const { memory } = compile({ workloads: [{}, { deny: ['x.test'] }] });
    expect(memory.ownScope[1]).toBe(SCOPE_NONE);
    expect(memory.ownScope[2]).not.toBe(SCOPE_NONE);
  });

  it('entries that can never name a decision take no room', () => {
    const allow = ['x.test', '.x.test', '.x.test', '*.x.test', entry('.x.test', TYPE_TXT)];
    const { memory, rules } = compile({ workloads: [{ allow }] });
    expect(memory.entries.length / ENTRY_WORDS).toBe(2);
    expect(rules.count).toBe(5);
  });

  it('a bundle that does not exist is an error that names it', () => {
    expect(() => compile({ workloads: [{ name: 'w', use: ['nope'] }] })).toThrow(
      'workload w: no bundle "nope"',
    );
  });

  it('all memory is shared between threads', () => {
    const { memory } = compile(sized(3));
    const { suffixes, ...arrays } = memory;
    for (const array of [suffixes.words, ...Object.values(arrays)]) {
      expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });
});
