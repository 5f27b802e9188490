/** Zero octets per query: less than one of heap growth per query, however a query goes. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** MB of young generation: more than the control's rounds make, so that no scavenge hides any. */
const YOUNG = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

const results = JSON.parse(
  execFileSync(
    process.execPath,
    ['--expose-gc', ...YOUNG, join(import.meta.dirname, 'measure.ts')],
    { encoding: 'utf8' },
  ),
) as Record<string, number>;

describe('allocation per query', () => {
  const { control = 0, ...ways } = results;

  it('the check sees one small object per query', () => {
    expect(control).toBeGreaterThan(8);
  });

  it('covers the ways of a query', () => {
    expect(Object.keys(ways).length).toBe(33);
  });

  for (const [way, octets] of Object.entries(ways)) {
    it(`${way}: none`, () => {
      expect(octets).toBeLessThan(1);
    });
  }
});
