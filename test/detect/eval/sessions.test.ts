import { describe, expect, it } from 'vitest';
import type { Sample, Truth } from '../../../src/detect/eval/sample.ts';
import { Session } from '../../../src/detect/eval/sessions.ts';
import { TRANSFORMS } from '../../../src/detect/eval/transforms.ts';
import { nameToText, nameToWire } from '../../../src/wire/text.ts';

const TRUTH: Truth = { session: 's', tool: 'tool', zone: nameToWire('t.example') };
const DAY = 86_400;

function sample(at: number, name: string, truth: Truth | null = TRUTH): Sample {
  return { at, client: 'c', name: nameToWire(name), qtype: 16, reply: null, truth };
}

/** A name of so many octets below the zone, each another one. */
function carrying(octets: number, i: number): string {
  const text = `${i}-${'x'.repeat(octets)}`.slice(0, octets);
  return `${text.replace(/(.{60})(?=.{2})/g, (part) => `${part.slice(0, 59)}.`)}.t.example`;
}

function sessionOf(samples: readonly Sample[]): Session {
  const [first] = samples;
  if (first === undefined) throw new Error('no samples');
  const session = new Session(TRUTH, 'file', first);
  for (const one of samples) session.add(one);
  return session;
}

describe('a session', () => {
  it('counts octets of distinct names below the zone, whatever the letter case', () => {
    const names = ['ab.t.example', 'AB.T.example', 'c.d.t.example', 't.example'];
    const session = sessionOf(names.map((name, i) => sample(i, name)));
    expect([session.queries, session.octets]).toEqual([4, 5]);
  });

  const of = (count: number, octets: number, gap: number): Sample[] =>
    Array.from({ length: count }, (_, i) => sample(i * gap, carrying(octets, i)));
  const rows: readonly (readonly [string, readonly Sample[], string])[] = [
    ['small', of(5, 50, 1), 'small'],
    ['medium', of(10, 50, 1), 'medium'],
    ['large', of(20, 50, 1), 'large'],
    ['slow: much, and little in any day', of(20, 50, DAY / 5), 'slow'],
    ['large where one day has it all', of(20, 50, DAY / 6), 'large'],
    ['zoneless: names that are under no zone of the tool', [sample(0, 'x.example')], 'zoneless'],
  ];
  it.each(rows)('%s', (_rule, samples, want) => {
    expect(sessionOf(samples).sizeClass).toBe(want);
  });

  it('has its first alarm only, with what had been asked by then', () => {
    const session = new Session(TRUTH, 'file', sample(10, 'a.t.example'));
    for (const [at, name] of [
      [10, 'a.t.example'],
      [12, 'bc.t.example'],
      [15, 'def.t.example'],
    ] as const) {
      session.add(sample(at, name));
      if (at > 10) session.raise(1, sample(at, name));
    }
    expect(session.alarm).toEqual({ type: 1, queries: 2, octets: 3, seconds: 2 });
  });
});

describe('a session that is changed', () => {
  const session = [sample(0, 'abcdefgh.ij.t.example'), sample(1, 'klmnopqr.t.example')];
  const change = (name: string): Sample[] => {
    const transform = TRANSFORMS.find((one) => one.name === name);
    return transform?.change(session, [sample(0.5, 'benign.example', null)]) ?? [];
  };
  const names = (samples: readonly Sample[]): string[] =>
    samples.map(({ name }) => nameToText(name));

  const rows: readonly (readonly [string, string[]])[] = [
    ['time x10', ['abcdefgh.ij.t.example', 'klmnopqr.t.example']],
    ['dealt over 5 domains', ['abcdefgh.ij.t-1.example', 'klmnopqr.t-2.example']],
    ['8 octets a query, type A', ['abcdefgh.t.example', 'ijklmnop.t.example', 'qr.t.example']],
    ['all of type A', ['abcdefgh.ij.t.example', 'klmnopqr.t.example']],
    ['within a benign client', ['abcdefgh.ij.t.example', 'benign.example', 'klmnopqr.t.example']],
  ];
  it.each(rows)('%s', (name, want) => {
    expect(names(change(name))).toEqual(want);
  });

  it('asks later, for another type, in other letters', () => {
    expect(change('time x10').map(({ at }) => at)).toEqual([0, 10]);
    expect(change('all of type A').map(({ qtype }) => qtype)).toEqual([1, 1]);
    const mixed = names(change('letter case at random'));
    expect(mixed.map((name) => name.toLowerCase())).toEqual(names(session));
    expect(mixed).not.toEqual(names(session));
  });

  it('is still the same session, whatever the zone of a query', () => {
    const dealt = change('dealt over 5 domains');
    expect(sessionOf(dealt).octets).toBe(19);
  });
});
