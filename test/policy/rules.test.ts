/** Rule texts: what a decision shows to people, and its octets in shared memory. */

import { describe, expect, it } from 'vitest';
import { packTexts, Rules, ruleText } from '../../src/policy/rules.ts';
import { Texts } from '../../src/policy/texts.ts';
import { entry } from './support.ts';

describe('rule texts', () => {
  it.each([
    ['allow', entry('*.partner.example'), 'test.yaml:1 allow *.partner.example'],
    ['everyone.deny', entry('x.test'), 'test.yaml:1 everyone.deny x.test'],
    ['bundle aws', entry('.x.test', 1, 65280), 'test.yaml:1 bundle aws .x.test (A, TYPE65280)'],
  ])('%s', (list, item, want) => {
    expect(ruleText(list, item)).toBe(want);
  });

  it('numbers start at 1, and 0 and unknown numbers have the empty text', () => {
    const rules = new Rules();
    expect([rules.add('one'), rules.add('two'), rules.count]).toEqual([1, 2, 2]);
    expect([0, 1, 2, 3].map((id) => rules.text(id))).toEqual(['', 'one', 'two', '']);
    const texts = new Texts(rules.finish());
    expect([0, 1, 2, 3, 4].map((id) => texts.text(id))).toEqual(['', 'one', 'two', '', '']);
  });

  it('keeps UTF-8 whole: offsets count octets, not characters', () => {
    const texts = new Texts(packTexts(['', 'grün.yaml:1', '日本', 'end']));
    expect([1, 2, 3].map((id) => texts.text(id))).toEqual(['grün.yaml:1', '日本', 'end']);
    expect(texts.end(2) - texts.start(2)).toBe(6);
    expect(texts.octets.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});
