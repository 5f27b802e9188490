import { expect, it } from 'vitest';
import { withSnakeKeys } from '../../src/control/status.ts';

it.each([
  {
    name: 'a key of two words in lower case',
    value: { lastError: 'x' },
    want: { last_error: 'x' },
  },
  { name: 'one that is so already', value: { last_error: null }, want: { last_error: null } },
  {
    name: 'keys below lists and objects',
    value: { sinks: [{ lastError: null, at: { atMs: 1 } }] },
    want: { sinks: [{ last_error: null, at: { at_ms: 1 } }] },
  },
  { name: 'a value as it is', value: { name: 'ownFeed' }, want: { name: 'ownFeed' } },
  {
    name: 'the name of an alert as it is',
    value: { 'would-deny-new': 1 },
    want: { 'would-deny-new': 1 },
  },
])('the status document has $name', ({ value, want }) => {
  expect(withSnakeKeys(value)).toEqual(want);
});
