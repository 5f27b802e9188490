/** Policies that are kept: read back as they were, within a bound, never trusted when damaged. */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { KeptPolicies } from '../../src/reports/kept.ts';
import { policyOf } from '../../src/reports/policy.ts';
import { NOW, World } from './support/world.ts';

describe('a kept policy', () => {
  it('is read back as it was', () => {
    const world = new World();
    const policy = policyOf(loadConfig(world.config));
    const kept = new KeptPolicies(world.state);
    expect(kept.keep(policy, NOW)).toBe(null);
    expect(kept.read(policy.digest)).toEqual(policy);
  });

  it('is none where it is damaged, or is another under its name', () => {
    const world = new World();
    const policy = policyOf(loadConfig(world.config));
    const kept = new KeptPolicies(world.state);
    kept.keep(policy, NOW);
    const other = 'f'.repeat(64);
    const [name = ''] = readdirSync(join(world.state, 'policies'));
    writeFileSync(join(world.state, 'policies', name), 'x');
    expect([kept.read(policy.digest), kept.read(other)]).toEqual([null, null]);
  });

  it('goes when 400 younger ones are there', () => {
    const world = new World();
    const policy = policyOf(loadConfig(world.config));
    const kept = new KeptPolicies(world.state);
    const digest = (i: number): string => i.toString(16).padStart(64, '0');
    for (let i = 0; i < 402; i++) kept.keep({ ...policy, digest: digest(i) }, NOW + i * 1000);
    expect(readdirSync(join(world.state, 'policies'))).toHaveLength(400);
    expect([kept.read(digest(1)), kept.read(digest(2))?.digest]).toEqual([null, digest(2)]);
  });

  it('that cannot be written is told, and nothing is thrown', () => {
    const world = new World();
    const kept = new KeptPolicies('/proc/none');
    expect(kept.keep(policyOf(loadConfig(world.config)), NOW)).toMatch(/ENOENT|EACCES/);
  });
});
