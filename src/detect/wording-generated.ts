/** The words of generated names: by their spelling, and as a burst of words in a row. Slow lane. */

import {
  GENERATED_LIVE,
  GENERATED_NAMES,
  GENERATED_RESOLVED,
  GENERATED_SAME_SUFFIX,
  GENERATED_SECONDS,
} from './parts.ts';
import type { Numbers, Part, Wording } from './wording.ts';
import { counted, duration } from './wording-text.ts';

export function generated(numbers: Numbers): Wording {
  return found(numbers, 'spelled like generated names');
}

export function burst(numbers: Numbers): Wording {
  return found(numbers, 'made of words in a row');
}

function found(numbers: Numbers, how: string): Wording {
  const names = numbers.part(GENERATED_NAMES);
  const seconds = numbers.part(GENERATED_SECONDS);
  const isLive = numbers.part(GENERATED_LIVE) === 1;
  const last = isLive ? ', and this one exists' : '';
  return {
    summary: `${counted(names, 'domain')} that do not exist in ${duration(seconds)}, ${how}${last}`,
    parts: [
      { name: 'domains', value: names, text: `${counted(names, 'domain')} that do not exist` },
      { name: 'seconds', value: seconds, text: `in ${duration(seconds)}` },
      ...live(isLive),
      ...suffix(numbers.part(GENERATED_SAME_SUFFIX)),
      ...resolved(numbers.part(GENERATED_RESOLVED)),
    ],
  };
}

function live(isLive: boolean): Part[] {
  if (!isLive) return [];
  return [{ name: 'live', value: 1, text: 'the last name exists: the one that was looked for' }];
}

function suffix(count: number): Part[] {
  if (count === 0) return [];
  const text = `${count} of the last 8 under one public suffix`;
  return [{ name: 'same_suffix', value: count, text }];
}

function resolved(count: number): Part[] {
  if (count === 0) return [];
  const text = `${counted(count, 'new domain')} of late do exist, which raises the threshold`;
  return [{ name: 'resolved', value: count, text }];
}
