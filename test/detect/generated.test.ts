import { beforeEach, describe, expect, it } from 'vitest';
import {
  GENERATED_LIVE,
  GENERATED_NAMES,
  GENERATED_RESOLVED,
  GENERATED_SAME_SUFFIX,
  GENERATED_SECONDS,
} from '../../src/detect/parts.ts';
import { FINDING_BURST, FINDING_GENERATED } from '../../src/events/kinds.ts';
import { API, LETTERS, PHRASES, SLIPS, STRICT, Watch } from './generated-support.ts';

let watch: Watch;
beforeEach(async () => {
  watch = await Watch.open();
});

const types = () => watch.told.map(({ type }) => type);
const some = (count: number) => LETTERS.slice(0, count);

describe('names that do not exist', () => {
  it('four that look drawn at random are told, with how many and how fast', () => {
    watch.missing(...some(4));
    expect(types()).toEqual([FINDING_GENERATED]);
    const [told] = watch.told;
    expect(told?.name).toBe('zpwrkqxjvbn.info');
    expect(told?.score).toBeGreaterThanOrEqual(told?.threshold ?? 99);
    expect(told?.parts[GENERATED_NAMES]).toBe(4);
    expect(told?.parts[GENERATED_SECONDS]).toBe(3);
    expect(told?.parts[GENERATED_LIVE]).toBe(0);
  });

  it('three prove nothing', () => {
    watch.missing(...some(3));
    expect(types()).toEqual([]);
  });

  it('words in a row under one suffix are told within 20', () => {
    watch.missing(...PHRASES);
    expect(types()).toEqual([FINDING_BURST]);
    expect(watch.told[0]?.parts[GENERATED_SAME_SUFFIX]).toBe(8);
  });

  it('slips of people are not', () => {
    watch.missing(...SLIPS);
    expect(types()).toEqual([]);
  });

  it('the same ones again, within the hour, count once', () => {
    for (let round = 0; round < 50; round++) watch.missing(...some(3));
    expect(types()).toEqual([]);
  });

  it('more of them are not told again within the hour', () => {
    watch.missing(...LETTERS);
    expect(types()).toEqual([FINDING_GENERATED]);
  });

  it('and are told again after it', () => {
    watch.missing(...some(4));
    watch.pass(4000);
    watch.missing(...LETTERS);
    expect(types()).toEqual([FINDING_GENERATED, FINDING_GENERATED]);
  });

  it('spread over days, they fade', () => {
    for (const name of LETTERS) {
      watch.missing(name);
      watch.pass(12 * 3600);
    }
    expect(types()).toEqual([]);
  });

  it('those of one workload do not count for another', () => {
    watch.missing(...some(2));
    watch.query.workload = STRICT;
    watch.missing(...LETTERS.slice(2, 4));
    expect(types()).toEqual([]);
  });

  const never: [string, (label: string) => string][] = [
    ['single labels', (label) => label],
    ['names below a domain that may exist', (label) => `a.${label}.com`],
    ['reverse names', (label) => `${label}.in-addr.arpa`],
    ['names whose suffix has servers of its own', (label) => `${label}.corp`],
    ['names under what the configuration calls quiet', (label) => `${label}.hush`],
  ];
  it.each(never)('%s never count', (_rule, form) => {
    watch.missing(...LETTERS.map((name) => form(name.split('.')[0] ?? '')));
    expect(types()).toEqual([]);
  });

  it('a name with www in front counts as its domain', () => {
    watch.missing(...some(4).map((name) => `www.${name}`));
    expect(types()).toEqual([FINDING_GENERATED]);
  });

  it('popular ones never count: the network is cut off', () => {
    watch.missing('wikipedia.org', 'github.com', 'bbc.co.uk', 'www.google.com');
    const { rows, row } = watch.memory.detectors.generated;
    expect([...rows.words.subarray(row + 4, row + 15)].every((word) => word === 0)).toBe(true);
  });

  it('labels of domains that exist do not count under other suffixes', () => {
    watch.existing('xkqvwzhtrpl.de', 'bqzjfwmxkdu.de', 'vhtqpzkwgxr.de');
    watch.missing(...some(4));
    expect(types()).toEqual([]);
  });
});

describe('the one that exists', () => {
  it('is told after the others were', () => {
    watch.missing(...some(5));
    watch.existing('zqvkxjwhtbp.com');
    expect(watch.told.map(({ name }) => name).at(-1)).toBe('zqvkxjwhtbp.com');
    expect(watch.told.at(-1)?.parts[GENERATED_LIVE]).toBe(1);
  });

  it('is told after words in a row too', () => {
    watch.missing(...PHRASES);
    watch.existing('windowbrother.net');
    expect(watch.told.at(-1)).toMatchObject({ name: 'windowbrother.net', type: FINDING_BURST });
  });

  it('is none of those that look chosen', () => {
    watch.missing(...some(5));
    watch.existing('pixelhaus.de', 'example.com');
    expect(types()).toEqual([FINDING_GENERATED]);
  });

  it('nothing is told where nothing was missing', () => {
    watch.existing(...LETTERS);
    expect(types()).toEqual([]);
  });
});

describe('action deny', () => {
  beforeEach(() => {
    watch.query.workload = STRICT;
  });

  it('denies what looks alike to the workload that was caught, for the time given', () => {
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
    watch.missing(...some(5));
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(false);
    expect(watch.allows('pixelhaus.de')).toBe(true);
    watch.pass(86_400);
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
  });

  it.each([-1, -20 * 86_400])('no longer than that where the clock is set by %i s', (set) => {
    watch.missing(...some(5));
    watch.pass(set);
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(false);
    watch.pass(86_400);
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
  });

  it('not what the workload has resolved before', () => {
    watch.existing('zqvkxjwhtbp.com');
    watch.missing(...some(5));
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
  });

  it('not to the others', () => {
    watch.missing(...some(5));
    watch.query.workload = API;
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
  });

  it('denies words in a row after a burst of them', () => {
    watch.missing(...PHRASES);
    expect(watch.allows('windowbrother.net')).toBe(false);
    expect(watch.allows('windowbrother.org')).toBe(true);
  });

  it('denies what looks generated where its row cannot be had', () => {
    const { rows } = watch.memory.detectors.generated;
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(true);
    const lock = rows.lock;
    rows.lock = () => -1;
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(false);
    expect(watch.allows('pixelhaus.de')).toBe(true);
    rows.lock = lock;
  });
});

describe('nobody makes himself forgotten', () => {
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => `site-no${i}.com`);

  it('domains that exist raise the threshold, by 60 bits at most', () => {
    watch.existing(...numbered(3000));
    watch.missing(...Array.from({ length: 12 }, (_, i) => `zqvkxjwhtbp${'bcdfghjklmnp'[i]}.com`));
    expect(types()).toEqual([FINDING_GENERATED]);
    expect(watch.told[0]?.threshold).toBe(28 + 60);
    expect(watch.told[0]?.parts[GENERATED_RESOLVED]).toBeGreaterThan(480);
  });

  it('whatever the workload asks for after it was caught, it stays denied', () => {
    watch.query.workload = STRICT;
    watch.missing(...some(5));
    watch.existing(...numbered(5000));
    watch.missing(...numbered(5000).map((name) => `x${name}`));
    expect(watch.allows('zqvkxjwhtbp.com')).toBe(false);
  });

  it('names that were forgotten to have been counted are counted again', () => {
    const many = Array.from({ length: 300 }, (_, i) => `zqvk${i}xjwhtbp.com`);
    watch.missing(...many);
    expect(types()).toEqual([FINDING_GENERATED]);
  });
});
