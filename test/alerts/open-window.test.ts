/** What open windows and told pairs may take, whoever chooses the names. */

import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../src/alerts/alert.ts';
import { Fold } from '../../src/alerts/fold.ts';
import { alert, T0 } from './sample.ts';

const WINDOW = 600_000;
const MB = 1024 * 1024;

function setup(octets?: number) {
  const out: Alert[] = [];
  const emit = (one: Alert): void => void out.push(one);
  const shape = octets === undefined ? {} : { octets };
  return { out, fold: new Fold({ windowMs: WINDOW, max: 100_000, ...shape, emit }) };
}

function denied(registrable: string, count = 1): Alert {
  return alert({ isNew: false, counts: { denied: count }, registrable, qname: registrable });
}

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

/** MB that are held after `work`, more than before. */
function heldBy<T>(work: () => T): { readonly mb: number; readonly made: T } {
  collect();
  const before = process.memoryUsage().heapUsed;
  const made = work();
  collect();
  return { mb: (process.memoryUsage().heapUsed - before) / MB, made };
}

describe('what windows may take', () => {
  it('holds no alert where there was no repeat, and the last one where there was', () => {
    const { fold } = setup();
    for (const name of ['a.example', 'b.example', 'b.example']) fold.push(denied(name), T0);
    const latest = [...fold.windows()].map(([, open]) => open.latest?.registrable_domain ?? null);
    expect(latest).toEqual([null, 'b.example']);
  });

  it('keeps no text that a name was cut out of, neither with a repeat nor told as new', () => {
    const { made, mb } = heldBy(() => {
      const fold = new Fold({ windowMs: WINDOW, max: 100_000, emit: () => {} });
      for (let i = 0; i < 60; i++) {
        const message = `${`domain-number-${i}.example`} ${'x'.repeat(MB)}`;
        const registrable = message.slice(0, message.indexOf(' '));
        for (let n = 0; n < 2; n++) fold.push(denied(registrable), T0);
        fold.push(alert({ registrable, qname: registrable }), T0);
      }
      return fold;
    });
    expect(made.size).toBe(120);
    expect(mb).toBeLessThan(10);
  });

  it('closes the oldest where they take too much together, and tells what they held', () => {
    const { out, fold } = setup(2000);
    for (const name of ['a.example', 'a.example']) fold.push(denied(name), T0);
    expect(fold.size).toBe(1);
    for (const name of ['b.example', 'c.example']) fold.push(denied(name), T0);
    expect(out.map((one) => [one.registrable_domain, one.count])).toEqual([
      ['a.example', 1],
      ['b.example', 1],
      ['a.example', 1],
      ['c.example', 1],
    ]);
    expect(fold.size).toBe(2);
  });

  it.each([
    ['short', 1, ''],
    ['as long as they can be', 1, 'x'.repeat(1000)],
    ['short, and each repeated', 2, ''],
    ['as long as they can be, and each repeated', 2, 'x'.repeat(1000)],
  ])('counts rightly what it takes when names are %s', (_what, times, tail) => {
    const octets = 2 * MB;
    const { mb, made } = heldBy(() => {
      const fold = new Fold({ windowMs: WINDOW, max: 20_000, octets, emit: () => {} });
      for (let i = 0; i < 8_000; i++) {
        for (let n = 0; n < times; n++) fold.push(denied(`d${i}.example${tail}`), T0);
      }
      return fold;
    });
    expect(made.size).toBeGreaterThan(300);
    expect(made.size).toBeLessThan(8_000);
    expect(mb).toBeLessThan(3.5);
  });

  it('remembers fewer of the pairs told as new where their names are long', () => {
    const { mb } = heldBy(() => {
      const fold = new Fold({ windowMs: 1, max: 100_000, octets: 1000, emit: () => {} });
      for (let i = 0; i < 40_000; i++) {
        fold.push(alert({ registrable: `d${i}.example${'x'.repeat(1000)}` }), T0 + i);
      }
      return fold;
    });
    expect(mb).toBeLessThan(24);
  });

  it('loses and invents no query where there is room for few', () => {
    const step = fc.record({ domain: fc.nat(5), count: fc.integer({ min: 1, max: 9 }) });
    let early = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const { out, fold } = setup(2500);
        for (const { domain, count } of steps) fold.push(denied(`d${domain}.example`, count), T0);
        early += new Set(steps.map(({ domain }) => domain)).size - fold.size;
        fold.flush();
        const told = out.reduce((sum, one) => sum + one.count, 0);
        expect(told).toBe(steps.reduce((sum, one) => sum + one.count, 0));
      }),
      { seed: 20_261_126, numRuns: 100 },
    );
    expect(early).toBeGreaterThan(50); // guard against a vacuous pass
  });
});
