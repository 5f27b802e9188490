/** Names under a budget's suffix that leave without one are warned of; what is held is not. */

import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/config/types.ts';
import { budgetWarnings } from '../../src/policy/budget-gaps.ts';
import { config, entry, type Sketch } from './support.ts';

const TXT = 16;
const A = 1;

function capped(text: string, ...types: number[]): Entry {
  const budget = { bytes: 1000, windowMs: 3_600_000, action: 'deny', text: '1kB/h' } as const;
  return { ...entry(text, ...types), budget };
}

let line = 1;

/** Every entry at a line of its own, as in a file. */
function placed(list: readonly (string | Entry)[]): Entry[] {
  return list.map((item) => ({
    ...(typeof item === 'string' ? entry(item) : item),
    at: { file: 'test.yaml', line: line++, col: 1 },
  }));
}

interface Lists {
  readonly allow?: readonly (string | Entry)[];
  readonly bundle?: readonly (string | Entry)[];
  readonly everyone?: readonly (string | Entry)[];
}

function warnings({ allow = [], bundle = [], everyone = [] }: Lists): string[] {
  const sketch: Sketch = {
    bundles: { shared: placed(bundle) },
    everyoneAllow: placed(everyone),
    workloads: [
      { name: 'one', use: ['shared'], allow: placed(allow) },
      { name: 'two', use: ['shared'] },
    ],
  };
  return budgetWarnings(config(sketch)).map(({ message }) => message.replace(/test.yaml:\S+/, '-'));
}

describe('held', () => {
  const rows: [string, Lists][] = [
    ['one entry', { allow: [capped('*.x.example')] }],
    ['a wider one of the same list', { allow: ['*.example', capped('*.x.example')] }],
    ['an exact name below', { allow: ['a.x.example', capped('*.x.example')] }],
    ['another budget below', { allow: [capped('*.a.x.example'), capped('*.x.example')] }],
    ['the same name after it', { allow: [capped('*.x.example'), '*.x.example'] }],
    ['any of a later list', { allow: [capped('*.x.example')], everyone: ['*.a.x.example'] }],
    ['a name that only ends alike', { allow: ['*.ax.example'], bundle: [capped('*.x.example')] }],
    [
      'an exact one, below which others may',
      { allow: ['*.a.x.example'], bundle: [capped('x.example')] },
    ],
    ['an exact one with a wildcard beside it', { allow: [capped('x.example'), '.x.example'] }],
  ];
  it.each(rows)('%s', (_, lists) => expect(warnings(lists)).toEqual([]));
});

describe('not held', () => {
  const rows: [string, Lists, string][] = [
    ['a wildcard below', { allow: [capped('*.x.example'), '*.a.x.example'] }, '*.a.x.example'],
    ['the same name before it', { allow: ['.x.example', capped('*.x.example')] }, '.x.example'],
    ['a wider one of an earlier list', w('*.example'), '*.example'],
    ['the same name of an earlier list', w('*.x.example'), '*.x.example'],
    ['one below of an earlier list', w('*.a.x.example'), '*.a.x.example'],
    [
      'types that only a wider one has',
      { allow: ['*.example', capped('*.x.example', A)] },
      '*.example',
    ],
    [
      'types that only a later list has',
      { allow: [capped('*.x.example', A)], everyone: [entry('*.x.example', TXT)] },
      '*.x.example',
    ],
  ];

  function w(text: string): Lists {
    return { allow: [text], bundle: [capped('*.x.example')] };
  }

  it.each(rows)('%s', (_, lists, other) => {
    expect(warnings(lists)).toEqual([
      `"*.x.example": "${other}" at - lets names under it leave without a budget`,
    ]);
  });
});

describe('a shared suffix', () => {
  const shared = { ...entry('*.github.io'), sharedSuffix: true };

  it('without a budget is warned of', () => {
    expect(warnings({ everyone: [shared] })).toEqual([
      '"*.github.io": any stranger can get a name under it, and nothing limits what leaves in names; give it a budget',
    ]);
  });

  it('with a budget is not', () => {
    expect(warnings({ everyone: [{ ...shared, budget: capped('x.example').budget }] })).toEqual([]);
  });
});
