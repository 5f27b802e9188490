/** The charge of a query is the length of a code from which the query can be had back. */

import { describe, expect, it } from 'vitest';
import { AccountRows, ROW_WORDS } from '../../src/detect/account-row.ts';
import { NameCode } from '../../src/detect/code.ts';
import {
  CLOSING,
  choiceUnits,
  EVENT_DELTA,
  EVENT_LITERAL,
  EVENT_REPEAT,
  FLAGS_OTHER,
  FLAGS_SAME,
  gammaUnits,
  typeUnits,
  UNITS_PER_BIT,
} from '../../src/detect/code-lengths.ts';
import { textUnits } from '../../src/detect/code-text.ts';
import { checkCode, loadNameModel } from '../../src/detect/load-models.ts';
import { SYMBOLS } from '../../src/detect/symbols.ts';
import { fromWire } from '../policy/support.ts';
import { type Asked, NameDecoder, NameEncoder } from './name-coder.ts';
import { Random } from './random.ts';

const APEX = [7, ...Buffer.from('partner'), 7, ...Buffer.from('example'), 0];
const A = 1;
const TXT = 16;

function wire(labels: readonly string[]): Uint8Array {
  const below = labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]);
  return Uint8Array.from([...below, ...APEX]);
}

/** All symbols alike in every context: 86/16 bits are the least that 41 of them can have. */
function uniformModel(): Uint8Array {
  return new Uint8Array(SYMBOLS ** 3).fill(86);
}

/** A model that is far from even: each context prefers a few symbols of its own. */
function unevenModel(seed: number): Uint8Array {
  const random = new Random(seed);
  const model = new Uint8Array(SYMBOLS ** 3);
  for (let context = 0; context < SYMBOLS ** 2; context++) {
    const weights = Array.from({ length: SYMBOLS }, () => 2 ** -(random.below(8) + 1));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [symbol, weight] of weights.entries()) {
      model[context * SYMBOLS + symbol] = Math.ceil(-16 * Math.log2(weight / sum));
    }
  }
  return model;
}

/** Charges a sequence, and encodes it beside. */
function send(model: Uint8Array, sequence: readonly Asked[]) {
  const rows = new AccountRows(new Int32Array(ROW_WORDS));
  const code = new NameCode(rows, model);
  const encoder = new NameEncoder(model);
  let charged = CLOSING;
  for (const asked of sequence) {
    const name = fromWire(wire(asked.labels));
    charged += code.units(name, asked.labels.length, asked, 0);
    encoder.put(asked, code);
    code.learn(name, asked.flags, 0);
  }
  return { charged: charged / UNITS_PER_BIT, ...encoder.finish() };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_';

function label(random: Random, length: number): string {
  return Array.from({ length }, () => LETTERS[random.below(LETTERS.length)]).join('');
}

/** Any octets but capitals, which a name in lower case does not hold. */
function octets(random: Random, length: number): string {
  const any = Array.from({ length }, () => random.below(256));
  return String.fromCharCode(...any.map((octet) => (octet > 64 && octet < 91 ? 46 : octet)));
}

type Source = (random: Random, index: number, before: readonly Asked[]) => Asked;

const ask = (labels: readonly string[], qtype = A, flags = 0): Asked => ({ labels, qtype, flags });

/** One way each of putting data into queries. */
const SOURCES: Readonly<Record<string, Source>> = {
  'random labels': (random) => ask([label(random, 1 + random.below(30))]),
  hex: (random) => ask([random.below(2 ** 31).toString(16), 'x']),
  'any octets, dots inside labels too': (random) =>
    ask([octets(random, 1 + random.below(63)), octets(random, 1 + random.below(20))]),
  'names as long as they may be': (random) =>
    ask(random.below(9) > 0 ? ['a'] : [63, 63, 63, 44].map((length) => label(random, length))),
  'many short labels': (random) =>
    ask(Array.from({ length: random.below(100) }, () => label(random, 1))),
  counters: (_, index) => ask([`host-${index}`, 'eu']),
  'one name, the type tells': (random) => ask(['www'], random.below(65_536)),
  'one name, the flags tell': (random) => ask(['www'], A, random.below(8)),
  'a codebook of repeats, more than are remembered': (random) =>
    ask([`w${random.below(300)}`], random.below(2) === 0 ? A : 28),
  'permutations of the same few': (random) => ask([['a', 'b', 'c', 'd'][random.below(4)]!]),
  'a name, then one of the last with a piece put in or left out': (random, index, before) => {
    const last = before[Math.max(0, index - 1 - random.below(5))]?.labels[0] ?? 'start';
    const cut = random.below(last.length);
    const piece = label(random, random.below(4));
    return ask([`${last.slice(0, cut)}${piece}${last.slice(cut + random.below(3))}x`.slice(-60)]);
  },
  "the rule's own name and empty parts": (random) => ask(random.below(2) === 0 ? [] : ['a']),
  'a type and flags for every name': (random) =>
    ask([label(random, 3)], [A, 28, 65, TXT, 255, 65_280][random.below(6)], random.below(8)),
  'a bit of everything': (random, index, before) => {
    const names = Object.values(SOURCES).slice(0, -1);
    return names[random.below(names.length)]!(random, index, before);
  },
};

describe('a decoder gives back every query from a code no longer than the charge', () => {
  const models = { 'our model': loadNameModel(), 'a model far from even': unevenModel(7) };
  for (const [kind, model] of Object.entries(models)) {
    for (const [how, source] of Object.entries(SOURCES)) {
      it(`${how}, ${kind}`, () => {
        for (let seed = 1; seed <= 2; seed++) {
          const random = new Random(seed);
          const sequence: Asked[] = [];
          const count = how.startsWith('a codebook') ? 400 : 40;
          for (let i = 0; i < count; i++) sequence.push(source(random, i, sequence));
          const { code, bits, charged } = send(model, sequence);
          expect(bits).toBeLessThanOrEqual(charged + 2);
          // Not much shorter either: a charge far above its code would deny for nothing.
          expect(bits).toBeGreaterThan(charged * 0.99 - 1);
          expect(new NameDecoder(model, { code, bits }).all()).toEqual(sequence);
        }
      });
    }
  }

  it('a sequence of no query is told too', () => {
    const { code, bits } = send(uniformModel(), []);
    expect(new NameDecoder(uniformModel(), { code, bits }).all()).toEqual([]);
  });
});

/** Sum of 2^-length. */
const kraft = (lengths: Iterable<number>): number => {
  let sum = 0;
  for (const length of lengths) sum += 2 ** (-length / UNITS_PER_BIT);
  return sum;
};

describe('Kraft sums', () => {
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

  it('of all types, of all flags, of all events: at most 1, and little less', () => {
    const types = kraft(range(65_536).map(typeUnits));
    // A type of its own code has one by the escape as well, which nobody uses: 11 / 2^20.
    expect(types).toBeLessThanOrEqual(1);
    expect(types).toBeGreaterThan(0.98);
    expect(kraft([FLAGS_SAME, ...range(7).map(() => FLAGS_OTHER)])).toBeLessThanOrEqual(1);
    const events = kraft([EVENT_REPEAT, EVENT_LITERAL, EVENT_DELTA, CLOSING]);
    expect(events).toBeLessThanOrEqual(1);
    expect(events).toBeGreaterThan(0.99);
  });

  it('of even choices, exactly: 2^length >= choices', () => {
    for (const choices of range(257).slice(1)) {
      expect(2n ** BigInt(choiceUnits(choices)) >= BigInt(choices) ** 256n).toBe(true);
    }
  });

  it('of counts: at most 1 however many', () => {
    expect(kraft(range(100_000).map(gammaUnits))).toBeLessThanOrEqual(1);
  });

  /** All texts of at most 2 octets, each by the cheapest of three codes. */
  function* shortTexts(model: Uint8Array): Generator<number> {
    const text = new Uint8Array(2);
    yield textUnits(model, text, 0, 0, 1);
    for (let first = 0; first < 256; first++) {
      text[0] = first;
      yield textUnits(model, text, 0, 1, 1);
      for (let second = 0; second < 256; second++) {
        text[1] = second;
        yield textUnits(model, text, 0, 2, 1);
      }
    }
  }

  it('of all texts of up to two octets: at most 1', () => {
    for (const model of [uniformModel(), unevenModel(1), loadNameModel()]) {
      expect(kraft(shortTexts(model))).toBeLessThanOrEqual(1);
    }
  });

  /** All queries for names of up to 2 octets, given what the row remembers. */
  function queriesAfter(before: readonly Asked[], model: Uint8Array): number {
    const rows = new AccountRows(new Int32Array(ROW_WORDS));
    const code = new NameCode(rows, model);
    for (const asked of before) {
      const name = fromWire(wire(asked.labels));
      code.units(name, asked.labels.length, asked, 0);
      code.learn(name, asked.flags, 0);
    }
    const alphabet = range(256).filter((octet) => octet > 31 && (octet < 65 || octet > 90));
    const parts = [[], ...alphabet.map((octet) => [octet])];
    for (const first of alphabet) for (const second of alphabet) parts.push([first, second]);
    const lengths = parts.map((part) => {
      const labels = part.length === 0 ? [] : [String.fromCharCode(...part)];
      return code.units(fromWire(wire(labels)), labels.length, ask([]), 0);
    });
    // The type and the flags are the same in all: their share is taken out.
    return kraft(lengths.map((length) => length - typeUnits(A) - FLAGS_SAME)) + kraft([CLOSING]);
  }

  it('of all queries for parts of up to two octets, after any queries: at most 1', () => {
    const random = new Random(3);
    const histories = [
      [],
      ['a', 'b', 'ab', 'ba'].map((part) => ask([part])),
      Array.from({ length: 300 }, () => ask([label(random, 1 + random.below(2))])),
    ];
    const sums = histories.map((before) => queriesAfter(before, uniformModel()));
    for (const sum of sums) expect(sum).toBeLessThanOrEqual(1);
    // Where nearly all of the likely ones are in what is summed, the sum is near its limit.
    expect(sums[2]).toBeGreaterThan(0.75);
  });
});

describe('the check of the model', () => {
  it('takes those whose contexts are a code each', () => {
    for (const model of [uniformModel(), unevenModel(2), loadNameModel()]) checkCode(model);
  });

  it('refuses one with a single length that is too short, which has no decoder either', () => {
    // A context whose lengths use up all that there is: 40 symbols of 6 bits and one of 1.4.
    const model = uniformModel();
    const context = (40 * SYMBOLS + 40) * SYMBOLS;
    model.fill(96, context, context + SYMBOLS);
    model[context] = 23;
    checkCode(model);
    const shorter = model.slice();
    shorter[context]!--;
    expect(() => checkCode(shorter)).toThrow('is no code');
    const sequence = [ask(['a'])];
    expect(() => send(shorter, sequence)).toThrow('no code');
    // What all short texts cost shows it, too.
    const sums = [model, shorter].map((one) => {
      const lengths = Array.from(one.subarray(context, context + SYMBOLS), (l) => l * 16);
      return kraft(lengths);
    });
    expect(sums[0]).toBeLessThanOrEqual(1);
    expect(sums[1]).toBeGreaterThan(1);
  });
});
