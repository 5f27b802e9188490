/** What the ledgers hold right now, from rows written as the workers write them. */

import { expect, describe as group, it } from 'vitest';
import {
  CHANNEL_ANSWERS,
  CHANNEL_DATA,
  CHANNEL_DATA_SECONDS,
  CHANNEL_DENIED_UNTIL,
  CHANNEL_DOMAIN,
  CHANNEL_FLAGS,
  CHANNEL_NAMES,
  CHANNEL_QUERIES,
  CHANNEL_SINCE,
  CHANNEL_WORKLOAD,
  IS_POPULAR,
  IS_READY,
} from '../../src/detect/channels.ts';
import { createDetectMemory } from '../../src/detect/create.ts';
import { withDetection } from '../../src/detect/explain.ts';
import { compilePublicSuffixes } from '../../src/detect/public-suffixes.ts';
import { FADE_SECONDS, ROW_WORTH, Rows } from '../../src/detect/rows.ts';
import { standingsOf } from '../../src/detect/standing.ts';
import { usageOf } from '../../src/detect/usage.ts';
import { describe } from '../../src/detect/wording.ts';
import { Fingerprints } from '../../src/fingerprints.ts';
import type { Explanation } from '../../src/policy/explain.ts';
import type { Tables } from '../../src/tables.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';

const NOW = 1_700_000_000;
const KEY = [11, 12] as const;
const suffixes = compilePublicSuffixes();
/** Of one workload, number 1. */
const tables = {
  detect: { tunnelThreshold: Int32Array.of(0, 160) },
  workloads: { keyLow: Int32Array.of(0, KEY[0]), keyHigh: Int32Array.of(0, KEY[1]) },
  suffixes: new Fingerprints(suffixes.words, suffixes.count),
} as unknown as Tables;

function wireName(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  return name;
}

function setup(words: Readonly<Record<number, number>> = {}, floats: Record<number, number> = {}) {
  const memory = createDetectMemory(1 << 20);
  const channels = new Rows(memory.channels, 1);
  const domain = wireName('exfil.net');
  const [low, high] = [domain.low[0] ?? 0, domain.high[0] ?? 0];
  const row = channels.lock(KEY[0] ^ low, KEY[1] ^ high, NOW);
  const owner = { [CHANNEL_WORKLOAD]: KEY[0], [CHANNEL_WORKLOAD + 1]: KEY[1] };
  const named = { [CHANNEL_DOMAIN]: low, [CHANNEL_DOMAIN + 1]: high };
  const counts = { [CHANNEL_NAMES]: 31, [CHANNEL_QUERIES]: 35, [CHANNEL_SINCE]: NOW - 240 };
  const all = { [CHANNEL_FLAGS]: IS_READY, ...owner, ...named, ...counts, ...words };
  for (const [at, word] of Object.entries(all)) channels.words[row + Number(at)] = word;
  for (const [at, value] of Object.entries({ [ROW_WORTH]: 187, ...floats })) {
    channels.floats[row + Number(at)] = value;
  }
  channels.unlock();
  const ask = (text = 'x.y.exfil.net', now = NOW, workload = 1) =>
    standingsOf({ workload, name: wireName(text), now }, tables, memory);
  return { memory, ask };
}

function wordsOf([first]: ReturnType<typeof standingsOf>): string | undefined {
  if (first === undefined) return undefined;
  return describe(first.type, first.score, first.threshold, first.parts).summary;
}

group('what a ledger holds', () => {
  it('is said of every name under its domain, in the words of a finding', () => {
    const { ask } = setup();
    for (const name of ['exfil.net', 'x.y.exfil.net']) {
      expect(wordsOf(ask(name))).toBe('31 new names carry 187 bytes in 4 min: 187 of 160');
    }
  });

  it('is not said of another domain or workload', () => {
    const { ask } = setup();
    expect(ask('x.other.net')).toEqual([]);
    expect(ask('x.exfil.net', NOW, 0)).toEqual([]);
  });

  it('fades with the time since the last query', () => {
    expect(wordsOf(setup().ask('exfil.net', NOW + FADE_SECONDS))).toMatch(/: 69 of 160$/);
  });

  it('is held against more where the domain is popular', () => {
    const { ask } = setup({ [CHANNEL_FLAGS]: IS_READY | IS_POPULAR });
    expect(wordsOf(ask())).toMatch(/: 187 of 480$/);
  });

  it('denies until its time has come', () => {
    const { ask } = setup({ [CHANNEL_DENIED_UNTIL]: NOW + 60 });
    expect(ask('exfil.net', NOW + 59)[0]?.deniedUntil).toBe(NOW + 60);
    expect(ask('exfil.net', NOW + 60)[0]?.deniedUntil).toBe(0);
  });

  it('of answers is a finding of its own, and half of it is gone in an hour', () => {
    const words = { [CHANNEL_DATA_SECONDS]: NOW, [CHANNEL_ANSWERS]: 9 };
    const { ask } = setup(words, { [CHANNEL_DATA]: 3000 });
    const scores = (now: number) => ask('exfil.net', now).map(({ score }) => score);
    expect(scores(NOW)).toEqual([187, 3000]);
    expect(scores(NOW + 3600)[1]).toBe(1500);
  });

  it('counts in the usage of the rows', () => {
    expect(usageOf(setup().memory)).toMatchObject({
      channels: { used: 1, evicted: 0, contended: 0 },
      spreads: { used: 0 },
    });
  });
});

group('the step of detection', () => {
  const line = { step: 6, name: "the workload's allow", reached: true, matched: true, rule: 'r' };
  const said = { verdict: 'allow', would_deny: true, reason: line.name, steps: [line] };
  const until = '2026-01-01T00:00:00.000Z';
  const detection = { from: 'daemon', denied_until: until, findings: [] } as const;

  it('turns what was let through into a denial, and leaves the rule to be seen', () => {
    const after = withDetection(said as unknown as Explanation, detection);
    expect(after).toMatchObject({ verdict: 'deny', would_deny: false, reason: 'detection' });
    expect(after.steps).toMatchObject([
      { step: 6, matched: false, rule: 'r' },
      { step: 10, reached: true, matched: true, rule: `denied until ${until}` },
    ]);
  });

  it('is not reached where a list denies', () => {
    const after = withDetection({ ...said, verdict: 'deny' } as unknown as Explanation, detection);
    expect(after.reason).toBe(line.name);
    expect(after.steps[1]).toMatchObject({ reached: false, matched: false, rule: '' });
  });

  it('changes nothing where nothing is denied, or nobody could say', () => {
    for (const none of [null, { ...detection, denied_until: null }]) {
      const after = withDetection(said as unknown as Explanation, none);
      expect(after).toMatchObject({ verdict: 'allow', reason: line.name, detection: none });
      expect(after.steps[1]).toMatchObject({ reached: true, matched: false });
    }
  });
});
