/** The words of information budgets. Slow lane. */

import { BUDGET_FREES, BUDGET_IS_INWARD, BUDGET_NAMES, BUDGET_SECONDS } from './parts.ts';
import type { Numbers, Part, Wording } from './wording.ts';
import { counted, duration } from './wording-text.ts';

export function budget(numbers: Numbers): Wording {
  const isInward = numbers.part(BUDGET_IS_INWARD) === 1;
  const seconds = numbers.part(BUDGET_SECONDS);
  const bytes = counted(numbers.score, 'byte');
  const what = isInward ? 'of data came in by answers' : 'left in names';
  return {
    summary: `${bytes} ${what} through the rule in ${duration(seconds)}`,
    parts: [
      { name: 'seconds', value: seconds, text: `the budget is for ${duration(seconds)}` },
      ...names(numbers.part(BUDGET_NAMES)),
      ...frees(numbers.part(BUDGET_FREES)),
    ],
  };
}

function names(count: number): Part[] {
  if (count === 0) return [];
  return [{ name: 'names', value: count, text: `${counted(count, 'name')} remembered` }];
}

function frees(seconds: number): Part[] {
  if (seconds === 0) return [];
  return [{ name: 'frees', value: seconds, text: `frees in ${duration(seconds)}` }];
}
