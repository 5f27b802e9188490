/** Findings as alerts: their fields, how they fold, and both formats. */

import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { Fold } from '../../src/alerts/fold.ts';
import { encoderFor } from '../../src/alerts/formats/encode.ts';
import { messageEncoder, sentence } from '../../src/alerts/rfc5424.ts';
import { describe as wording } from '../../src/detect/wording.ts';
import {
  FINDING_BUDGET,
  FINDING_BURST,
  FINDING_DOWNLOAD,
  FINDING_REPUTATION,
  FINDING_SPREAD,
  FINDING_TUNNEL,
} from '../../src/events/kinds.ts';
import { alert, type Facts, findingAlert, T0 } from './sample.ts';

const WINDOW = 600_000;
const PARTS = [31, 240, 35, 96, 16];

describe('an alert of a finding', () => {
  it('has the score, what it is made of, and the summary as its reason', () => {
    expect(findingAlert()).toMatchObject({
      type: 'tunnel',
      severity: 3,
      technique: 'T1071.004',
      verdict: 'allowed',
      qname: 'www.partner.example',
      registrable_domain: 'partner.example',
      owner: 'team-payments',
      detector: 'tunnel',
      score: 187,
      threshold: 160,
      reason: '31 new names carry 187 bytes in 4 min: 187 of 160',
      parts: wording(FINDING_TUNNEL, 187, 160, PARTS).parts,
      count: 1,
      window: null,
    });
  });

  it('is denied where a query was, and counts all that it was said of', () => {
    const counts = { allowed: 2, denied: 3 };
    const one = findingAlert({ denied: true }, { counts, lastMs: T0 + 50 });
    expect(one).toMatchObject({
      verdict: 'denied',
      count: 5,
      window: { first: '2026-11-23T12:00:00.000Z', last: '2026-11-23T12:00:00.050Z' },
    });
  });

  it('knows no first sight where the database was not asked', () => {
    expect(findingAlert({}, { stored: false }).first_seen).toBeNull();
    expect(findingAlert({}, { firstSeenMs: T0 - 5 }).first_seen).toBe('2026-11-23T11:59:59.995Z');
  });

  const rows = [
    { type: FINDING_SPREAD, want: ['tunnel', 3, 'T1048', null] },
    { type: FINDING_DOWNLOAD, want: ['tunnel', 4, 'T1071.004', 'partner.example'] },
    { type: FINDING_BURST, want: ['dga', 4, 'T1568.002', null] },
    { type: FINDING_BUDGET, want: ['tunnel', 4, 'T1048', null] },
    { type: FINDING_REPUTATION, want: ['low-reputation', 4, 'T1071.004', 'partner.example'] },
    { type: 200, want: ['tunnel', 4, null, 'partner.example'] },
  ] as const;
  it.each(rows)('of type $type has its own severity, technique and domain', ({ type, want }) => {
    const one = findingAlert({ type });
    expect([one.type, one.severity, one.technique, one.registrable_domain]).toEqual(want);
  });

  it('says in a sentence who, what and how much', () => {
    expect(sentence(findingAlert())).toBe(
      'workload payments-api (10.20.1.4) carries data in DNS: www.partner.example A, allowed: ' +
        '31 new names carry 187 bytes in 4 min: 187 of 160',
    );
    expect(
      sentence(findingAlert({ type: FINDING_REPUTATION, score: 12, threshold: 30 })),
    ).toContain('asked for a name of low reputation: www.partner.example A, allowed: ');
  });

  it('carries score and parts in structured data and in JSON', () => {
    const one = findingAlert();
    const octets = messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 })(one);
    const line = new TextDecoder().decode(octets);
    expect(line).toContain(' detector="tunnel" score="187" threshold="160" ');
    expect(line).toContain(' parts="new_names=31,seconds=240,queries=35,odd_percent=96,');
    expect(
      JSON.parse(
        new TextDecoder().decode(encoderFor({ format: 'json', kind: 'file', facility: 20 })(one)),
      ),
    ).toEqual(one);
    const plain = messageEncoder({ facility: 20, hostname: 'gw1', pid: 42 })(alert());
    expect(new TextDecoder().decode(plain)).not.toMatch(/ (score|parts|detector)=/);
  });
});

describe('findings fold', () => {
  function setup() {
    const out: Alert[] = [];
    const fold = new Fold({ windowMs: WINDOW, max: 100, emit: (one) => out.push(one) });
    const push = (ms: number, found: Parameters<typeof findingAlert>[0], facts: Facts = {}) =>
      fold.push(findingAlert(found, { firstMs: T0 + ms, lastMs: T0 + ms, ...facts }), T0 + ms);
    return { out, fold, push };
  }

  it('into one alert a window, with the worst score and its parts', () => {
    const { out, fold, push } = setup();
    push(0, { score: 170 });
    push(1000, { score: 250, parts: [50, 300] }, { qname: 'worst.partner.example' });
    push(2000, { score: 240 });
    expect(out.map(({ score }) => score)).toEqual([170]);
    fold.tick(T0 + WINDOW);
    expect(out[1]).toMatchObject({
      score: 250,
      parts: wording(FINDING_TUNNEL, 250, 160, [50, 300]).parts,
      reason: '50 new names carry 250 bytes in 5 min: 250 of 160',
      count: 2,
      time: '2026-11-23T12:00:02.000Z',
      window: { first: '2026-11-23T12:00:01.000Z', last: '2026-11-23T12:00:02.000Z' },
    });
  });

  it('never hide a denial behind an alert that came before it', () => {
    const { out, fold, push } = setup();
    push(0, { score: 170 });
    push(1000, { score: 171 });
    push(2000, { score: 160, denied: true }, { qname: 'denied.partner.example' });
    expect(out.map(({ verdict, count }) => [verdict, count])).toEqual([
      ['allowed', 1],
      ['denied', 2],
    ]);
    expect(out[1]?.qname).toBe('denied.partner.example');
    push(3000, { score: 172 });
    push(4000, { score: 173, denied: true });
    expect(out).toHaveLength(2);
    fold.tick(T0 + WINDOW);
    expect(out[2]).toMatchObject({ verdict: 'denied', count: 2, score: 173 });
  });

  it('tell a score that doubled since the last alert at once', () => {
    const { out, push } = setup();
    for (const [i, score] of [170, 339, 340, 679, 100, 680, 681].entries()) push(i, { score });
    expect(out.map(({ score, count }) => [score, count])).toEqual([
      [170, 1],
      [340, 2],
      [680, 3],
    ]);
  });

  it('tell a reputation that halved at once, and one that rose never', () => {
    const { out, push } = setup();
    for (const [i, score] of [24, 13, 30, 12, 99, 0].entries()) {
      push(i, { type: FINDING_REPUTATION, score, threshold: 30 });
    }
    expect(out.map(({ score }) => score)).toEqual([24, 12, 0]);
  });

  it('by detector, and where no domain is meant by workload or rule', () => {
    const { out, push } = setup();
    const other = { registrable: 'other.example' };
    push(0, {});
    push(1, {}, other);
    push(2, { type: FINDING_DOWNLOAD });
    push(3, { type: FINDING_SPREAD });
    push(4, { type: FINDING_SPREAD }, other);
    push(5, { type: FINDING_BUDGET });
    push(6, { type: FINDING_BUDGET }, other);
    push(7, { type: FINDING_BUDGET }, { rule: 'dnsvalve.yaml:13:9 *.other.example' });
    expect(out.map(({ detector }) => detector)).toEqual([
      'tunnel',
      'tunnel',
      'download',
      'spread',
      'budget',
      'budget',
    ]);
  });

  it('apart from what is told of the same queries as queries', () => {
    const { out, fold, push } = setup();
    push(0, { denied: true });
    fold.push(alert({ isNew: false, counts: { denied: 1 } }), T0);
    expect(out.map(({ type }) => type)).toEqual(['tunnel', 'denied']);
  });
});
