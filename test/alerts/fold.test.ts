import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Alert, operationalAlert } from '../../src/alerts/alert.ts';
import { Fold } from '../../src/alerts/fold.ts';
import { FLAG_UNMAPPED } from '../../src/events/kinds.ts';
import { alert, deniedAlert, type Facts, T0 } from './sample.ts';

const WINDOW = 600_000;

function setup(max = 100) {
  const out: Alert[] = [];
  return { out, fold: new Fold({ windowMs: WINDOW, max, emit: (one) => out.push(one) }) };
}

function denied(atMs: number, facts: Facts = {}): Alert {
  const counts = { denied: 1 };
  return alert({ isNew: false, counts, firstMs: atMs, lastMs: atMs, ...facts });
}

describe('folding', () => {
  it('tells the first at once and the repeats once, when the window ends', () => {
    const { out, fold } = setup();
    for (const ms of [0, 1_000, 2_000, 9_000]) fold.push(denied(T0 + ms), T0 + ms);
    expect(out).toHaveLength(1);
    fold.tick(T0 + WINDOW - 1);
    expect(out).toHaveLength(1);
    fold.tick(T0 + WINDOW);
    expect(out).toHaveLength(2);
    expect(out[1]).toMatchObject({
      type: 'denied',
      count: 3,
      time: '2026-11-23T12:00:09.000Z',
      window: { first: '2026-11-23T12:00:01.000Z', last: '2026-11-23T12:00:09.000Z' },
    });
    expect(out[1]?.id).not.toBe(out[0]?.id);
  });

  it('tells the first three names of the repeats, each once, and the last one as its name', () => {
    const { out, fold } = setup();
    for (const host of ['told', 'a', 'a', 'b', 'a', 'c', 'd', 'e']) {
      fold.push(denied(T0, { qname: `${host}.partner.example` }), T0);
    }
    fold.flush();
    expect(out.map(({ qname, examples }) => [qname, ...examples])).toEqual([
      ['told.partner.example', 'told.partner.example'],
      ['e.partner.example', 'a.partner.example', 'b.partner.example', 'c.partner.example'],
    ]);
  });

  it('tells no name a second time when a window goes on after it was told in between', () => {
    const { out, fold } = setup();
    const named = (host: string) => denied(T0, { qname: `${host}.partner.example` });
    fold.push(named('a'), T0);
    fold.push(named('b'), T0);
    fold.push({ ...named('c'), severity: 3 }, T0);
    fold.push(named('d'), T0);
    fold.flush();
    expect(out.map(({ count, examples }) => [count, ...examples])).toEqual([
      [1, 'a.partner.example'],
      [2, 'b.partner.example', 'c.partner.example'],
      [1, 'd.partner.example'],
    ]);
  });

  it('has no example where no query is meant', () => {
    const { out, fold } = setup();
    const down = operationalAlert('upstream-down', 'corp', { reason: 'down', atMs: T0 });
    for (let n = 0; n < 2; n++) fold.push(down, T0);
    fold.flush();
    expect(out.map(({ examples }) => examples)).toEqual([[], []]);
  });

  it('says nothing at the end of a window without repeats', () => {
    const { out, fold } = setup();
    fold.push(denied(T0), T0);
    fold.tick(T0 + WINDOW);
    expect(out).toHaveLength(1);
    expect(fold.size).toBe(0);
  });

  it('starts anew after the window, even when no tick came between', () => {
    const { out, fold } = setup();
    fold.push(denied(T0), T0);
    fold.push(denied(T0 + 1), T0 + 1);
    fold.push(denied(T0 + WINDOW), T0 + WINDOW);
    expect(out.map((one) => one.count)).toEqual([1, 1, 1]);
  });

  it('keeps workloads, registrable domains and types apart, and folds names and sources', () => {
    const { out, fold } = setup();
    const rows: Facts[] = [
      {},
      { workload: 'other' },
      { registrable: 'other.example' },
      { flags: FLAG_UNMAPPED },
      { qname: 'mail.partner.example' },
      { source: '10.20.1.9' },
    ];
    for (const facts of rows) fold.push(denied(T0, facts), T0);
    expect(out).toHaveLength(4);
  });

  it('keeps feeds and upstreams apart by their names', () => {
    const { out, fold } = setup();
    for (const name of ['corp', 'default', 'corp']) {
      fold.push(operationalAlert('upstream-down', name, { reason: 'down', atMs: T0 }), T0);
    }
    expect(out.map((one) => one.subject)).toEqual(['corp', 'default']);
  });

  it('never tells a pair as new a second time, not even after its window', () => {
    const { out, fold } = setup();
    fold.push(alert(), T0);
    fold.push(alert(), T0 + 1);
    fold.push(alert({ counts: { allowed: 1, wouldDeny: 1 } }), T0 + 2);
    fold.tick(T0 + WINDOW);
    fold.push(alert(), T0 + 2 * WINDOW);
    expect(out).toHaveLength(1);
  });

  it('tells what the oldest window held when its place is needed', () => {
    const { out, fold } = setup(2);
    fold.push(denied(T0, { registrable: 'a.example' }), T0);
    fold.push(denied(T0, { registrable: 'a.example' }), T0);
    fold.push(denied(T0, { registrable: 'b.example' }), T0);
    fold.push(denied(T0, { registrable: 'c.example' }), T0);
    expect(out.map((one) => one.registrable_domain)).toEqual([
      'a.example',
      'b.example',
      'a.example',
      'c.example',
    ]);
    expect(fold.size).toBe(2);
  });

  it('tells everything at flush', () => {
    const { out, fold } = setup();
    for (const ms of [0, 1, 2]) fold.push(denied(T0 + ms), T0 + ms);
    fold.flush();
    expect(out.map((one) => one.count)).toEqual([1, 2]);
    expect(fold.size).toBe(0);
  });

  it('does not hold a window for longer when the clock is set back', () => {
    const { out, fold } = setup();
    fold.push(denied(T0), T0);
    fold.push(denied(T0), T0);
    fold.tick(T0 - 86_400_000);
    expect(out).toHaveLength(2);
  });

  it('tells at once what is more severe than what was told, and stays as severe', () => {
    const { out, fold } = setup();
    const mild = denied(T0);
    fold.push(mild, T0);
    fold.push({ ...mild, severity: 6 }, T0);
    expect(out).toHaveLength(1);
    fold.push({ ...mild, severity: 3 }, T0);
    fold.push(mild, T0);
    fold.flush();
    expect(out.map(({ severity, count }) => [severity, count])).toEqual([
      [5, 1],
      [3, 2],
      [3, 1],
    ]);
  });

  it('loses and invents no query, whatever order and pauses they come in', () => {
    const step = fc.record({
      domain: fc.nat(5),
      pause: fc.nat(WINDOW),
      count: fc.integer({ min: 1, max: 9 }),
    });
    let folded = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const { out, fold } = setup(3);
        let now = T0;
        for (const { domain, pause, count } of steps) {
          now += pause >> 4;
          const facts = { registrable: `d${domain}.example`, counts: { denied: count } };
          fold.push(denied(now, facts), now);
        }
        fold.flush();
        folded += steps.length - out.length;
        const told = out.reduce((sum, one) => sum + one.count, 0);
        expect(told).toBe(steps.reduce((sum, one) => sum + one.count, 0));
      }),
      { seed: 20_261_123, numRuns: 200 },
    );
    expect(folded).toBeGreaterThan(100); // guard against a vacuous pass
  });
});

it('deniedAlert makes alerts that do not fold', () => {
  const { out, fold } = setup();
  for (let n = 0; n < 5; n++) fold.push(deniedAlert(n), T0);
  expect(out).toHaveLength(5);
});
