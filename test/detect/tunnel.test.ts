/** The ledgers of novel information, through the whole life of a query. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ROW_WORTH } from '../../src/detect/rows.ts';
import {
  FINDING_DOWNLOAD,
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_TUNNEL,
} from '../../src/events/kinds.ts';
import { NXDOMAIN } from '../../src/wire/constants.ts';
import { API, hexTexts, Lab, STRICT } from './tunnel-support.ts';

/** Number of the workload `others`. */
const OTHERS = 3;

afterEach(() => vi.restoreAllMocks());

/** Asks until the ledgers of one kind tell; returns how many names it took, 0 for never. */
function untilTold(
  lab: Lab,
  type: number,
  most: number,
  nameOf: (text: string) => string,
  how = {},
) {
  const texts = hexTexts(24);
  for (let asked = 1; asked <= most; asked++) {
    lab.ask(nameOf(texts.next().value ?? ''), how);
    if (lab.told.some((told) => told.type === type)) return asked;
  }
  return 0;
}

describe('the ledger of a domain', () => {
  it('tells of 128 bytes in names below it, with what they are made of', async () => {
    const lab = await Lab.open();
    const asked = untilTold(lab, FINDING_TUNNEL, 40, (text) => `${text}.lab.example`);
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(12);
    expect(lab.told[0]).toMatchObject({ threshold: 128, isDenied: false });
    expect(lab.told[0]?.score).toBeGreaterThanOrEqual(128);
    expect(lab.told[0]?.parts.slice(0, 3)).toEqual([asked, 0, asked]);
  });

  it('denies the domain and nothing else where the workload says so, and only for a time', async () => {
    const lab = await Lab.open();
    const texts = hexTexts(24);
    const next = (domain: string) => lab.ask(`${texts.next().value}.${domain}`, { from: STRICT });
    let left = 0;
    while (next('lab.example').isForwarded) left++;
    expect(left).toBeLessThan(6);
    expect(lab.told.at(-1)).toMatchObject({ type: FINDING_TUNNEL, isDenied: true, threshold: 64 });
    expect(next('lab.example')).toEqual({ isForwarded: false, rcode: NXDOMAIN });
    expect(lab.ask('www.lab.example', { from: STRICT }).isForwarded).toBe(false);
    expect(next('other.example').isForwarded).toBe(true);
    lab.valve.pass(25 * 3600);
    expect(lab.ask('www.lab.example', { from: STRICT }).isForwarded).toBe(true);
  });

  it.each([-1, -20 * 86_400])('denies no longer where the clock is set by %i s', async (set) => {
    const lab = await Lab.open();
    const texts = hexTexts(24);
    while (lab.ask(`${texts.next().value}.lab.example`, { from: STRICT }).isForwarded);
    lab.valve.setClock(set);
    expect(lab.ask('www.lab.example', { from: STRICT }).isForwarded).toBe(false);
    lab.valve.pass(25 * 3600);
    expect(lab.ask('www.lab.example', { from: STRICT }).isForwarded).toBe(true);
  });

  it('leaks no more than its threshold and one name before it denies, at any pace', async () => {
    for (const seconds of [0, 60, 3600]) {
      const lab = await Lab.open();
      const texts = hexTexts(24);
      let bytes = 0;
      for (let i = 0; i < 200; i++) {
        lab.valve.pass(seconds);
        const name = `${texts.next().value}.lab.example`;
        if (lab.ask(name, { from: STRICT }).isForwarded) bytes += 12;
      }
      // An hour between names: the ledger fades by a day, so a day's worth is what leaves.
      expect(bytes).toBeLessThanOrEqual(seconds === 3600 ? 64 * (1 + 200 / 24) : 64);
    }
  });

  const quiet: readonly (readonly [string, (text: string) => string])[] = [
    ['names that a rule names itself', () => 'named.lab.example'],
    ['names under an internal forward', (text) => `${text}.corp.example`],
    ['names below a quiet suffix of the configuration', (text) => `${text}.hush.example`],
    ['names below a quiet suffix of the list', (text) => `${text}.zen.spamhaus.org`],
    ['the same few names again and again', (text) => `${text.charCodeAt(0) % 4}.lab.example`],
  ];
  for (const [what, nameOf] of quiet) {
    it(`does not tell of ${what}`, async () => {
      const lab = await Lab.open();
      const texts = hexTexts(24);
      for (let i = 0; i < 300; i++) {
        lab.valve.pass(120); // beyond every time to live
        lab.ask(nameOf(texts.next().value ?? ''));
      }
      expect(lab.told).toEqual([]);
    });
  }

  it('charges nothing for what the store answers', async () => {
    const lab = await Lab.open();
    const answer = ['*.lab.example. 3600 A 192.0.2.1'];
    const name = `${hexTexts(24).next().value}.lab.example`;
    const own = [answer[0]?.replace('*.lab.example', name) ?? ''];
    for (let i = 0; i < 1000; i++) lab.ask(name, { answer: own });
    expect(lab.told).toEqual([]);
  });

  it('a popular domain has three times the threshold, a type without use counts twice', async () => {
    const ordinary = untilTold(
      await Lab.open(),
      FINDING_TUNNEL,
      90,
      (text) => `${text}.lab.example`,
    );
    const popular = untilTold(await Lab.open(), FINDING_TUNNEL, 90, (text) => `${text}.google.com`);
    const odd = untilTold(await Lab.open(), FINDING_TUNNEL, 90, (text) => `${text}.lab.example`, {
      type: 'NULL',
    });
    expect(popular / ordinary).toBeCloseTo(3, 0);
    expect(ordinary / odd).toBeCloseTo(2, 0);
  });

  it('names that four other workloads asked for say nothing of the fifth', async () => {
    const lab = await Lab.open();
    const texts = hexTexts(24);
    const froms = ['10.4.1.1', '10.4.2.1', '10.4.3.1', '10.4.4.1', '10.3.0.1'];
    for (let i = 0; i < 60; i++) {
      const name = `${texts.next().value}.lab.example`;
      for (const from of froms) {
        lab.valve.pass(120); // or the store would answer all but the first
        lab.ask(name, { from });
      }
    }
    // Each of the four before it was told, the last one was not.
    expect(lab.told.filter(({ type }) => type === FINDING_TUNNEL).length).toBeGreaterThanOrEqual(4);
    const { channels } = lab.valve.memory.detectors;
    const { keyLow, keyHigh } = lab.valve.forwarder.tables.workloads;
    const { name } = lab.valve.query;
    const label = name.labelCount - 2;
    const low = (keyLow[OTHERS] ?? 0) ^ (name.low[label] ?? 0);
    const row = channels.lockKnown(low, (keyHigh[OTHERS] ?? 0) ^ (name.high[label] ?? 0));
    expect(channels.floats[row + ROW_WORTH]).toBe(0);
  });
});

describe('the ledgers of a workload', () => {
  it('one payload dealt over twenty domains is told as that', async () => {
    const lab = await Lab.open();
    let turn = 0;
    const asked = untilTold(lab, FINDING_SPREAD, 400, (text) => `${text}.z${turn++ % 20}.example`);
    expect(asked).toBeGreaterThan(0);
    // 512 bytes, and the 16 that each domain may hold.
    expect(asked * 12).toBeLessThan(1100);
  });

  it('data in the names of tenants below a public suffix is told as that', async () => {
    const lab = await Lab.open();
    const asked = untilTold(lab, FINDING_TENANT, 400, (text) => `${text}.cloudfront.net`);
    expect(asked).toBeGreaterThan(40);
    expect(lab.told.some(({ type }) => type === FINDING_TUNNEL)).toBe(false);
  });

  it('data that comes in by answers over short names is told as that', async () => {
    const lab = await Lab.open();
    const texts = hexTexts(200);
    let asked = 0;
    while (!lab.told.some(({ type }) => type === FINDING_DOWNLOAD) && asked < 100) {
      const name = `${asked++ % 10}.lab.example`;
      const answer = [`${name}. 0 TXT ${texts.next().value}`];
      lab.ask(name, { type: 'TXT', answer });
    }
    expect(asked * 201).toBeGreaterThan(2048 - 201);
    expect(asked * 201).toBeLessThan(2048 + 402);
  });

  it('the same data again and again is none', async () => {
    const lab = await Lab.open();
    const text = hexTexts(200).next().value;
    for (let i = 0; i < 200; i++) {
      lab.ask('key.lab.example', { type: 'TXT', answer: [`key.lab.example. 0 TXT ${text}`] });
    }
    expect(lab.told).toEqual([]);
  });
});

describe('an attacker who wants to be forgotten', () => {
  it('cannot push out his own ledger with as many other names as he likes', async () => {
    const lab = await Lab.open(1 << 16); // some 70 rows
    const leak = hexTexts(24);
    const flood = hexTexts(12, 99);
    for (let i = 0; i < 5; i++) lab.ask(`${leak.next().value}.lab.example`);
    expect(lab.told).toEqual([]);
    // Each a domain of its own, with little in it: more would be told as spread.
    for (let i = 0; i < 20_000; i++) lab.ask(`a.${flood.next().value}.example`, { from: API });
    const before = lab.told.length;
    let more = 0;
    while (!lab.told.slice(before).some(({ type }) => type === FINDING_TUNNEL) && more < 50) {
      lab.ask(`${leak.next().value}.lab.example`);
      more++;
    }
    expect(more).toBeLessThan(8);
  });
});
