/**
 * The fast lane stays optimised: V8 compiles it for the shapes that it sees, gives that up a few
 * times while new ways of a query come up, and then no more. Code that shapes keep changing for, or
 * that V8 cannot keep compiled, costs several times as much and no test of behaviour sees it.
 */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functions, sources } from '../house/sources.ts';
import { type Fate, fatesOf } from './optimiser.ts';

/** Over three million queries of 33 kinds, each new to what was optimised before; 13 was seen. */
const BAILOUTS_MAX = 16;
/** What a query of each kind goes through. */
const TRUNK = ['decide', 'settle', 'lookup'];

const own = new Set(sources('src', '.ts').flatMap((file) => functions(file).map(byName)));

function byName({ name }: { readonly name: string }): string {
  return name;
}

function unsteady(fates: ReadonlyMap<string, Fate>): string[] {
  return [...fates]
    .filter(([, { bailouts }]) => bailouts > BAILOUTS_MAX)
    .map(([name, { bailouts }]) => `${name}: ${bailouts}`);
}

describe('optimised code', () => {
  const queries = fatesOf(join(import.meta.dirname, '../alloc/measure.ts'), '--expose-gc');
  const ours = new Map([...queries].filter(([name]) => own.has(name)));

  it('the check sees a function that is optimised in vain', () => {
    const fates = fatesOf(join(import.meta.dirname, 'unsteady.ts'));
    expect(unsteady(fates)).toEqual([expect.stringMatching(/^unsteady: \d+$/)]);
  });

  it('the queries went through many functions that V8 found worth it', () => {
    expect(ours.size).toBeGreaterThan(40);
  });

  it(`no function is given up more than ${BAILOUTS_MAX} times`, () => {
    expect(unsteady(ours)).toEqual([]);
  });

  for (const name of TRUNK) {
    it(`${name} is optimised in the end`, () => {
      expect(queries.get(name)?.isOptimised).toBe(true);
    });
  }
});
