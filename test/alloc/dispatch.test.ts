/** A question to servers over UDP makes nothing, also where a second server is asked. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const YOUNG = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

it('a question over UDP allocates nothing, asked once or twice', () => {
  const output = execFileSync(
    process.execPath,
    ['--expose-gc', ...YOUNG, join(import.meta.dirname, 'measure-dispatch.ts')],
    { encoding: 'utf8' },
  );
  const results = JSON.parse(output) as Record<string, number>;
  expect(results['answers']).toBe(800_000);
  expect(results['failures']).toBe(0);
  expect(results['bySecond']).toBeGreaterThan(15_000);
  expect(results['direct']).toBeLessThan(1);
  // Of 20 questions together.
  expect(results['hedged']).toBeLessThan(20);
}, 120_000);
