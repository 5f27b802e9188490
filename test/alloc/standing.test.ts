/** A reputation score makes nothing, whatever the name. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const YOUNG = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

it('a reputation score of a new name allocates nothing', () => {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', ...YOUNG, join(import.meta.dirname, 'measure-standing.ts')],
    { encoding: 'utf8' },
  );
  const { names, octets } = JSON.parse(output) as { names: number; octets: number };
  expect(names).toBe(100_000);
  expect(octets).toBeLessThan(1);
}, 120_000);
