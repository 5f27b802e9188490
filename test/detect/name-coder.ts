/**
 * Encoder and decoder of the code of names, which src/detect/code.ts only measures. Written apart
 * from it: the decoder's memory is its own, and of the measuring it takes over nothing but how the
 * encoder chose to say a query.
 */

import {
  CLOSING,
  EVENT_DELTA,
  EVENT_LITERAL,
  EVENT_REPEAT,
  FLAGS_SAME,
  unitsOf,
} from '../../src/detect/code-lengths.ts';
import { Decoder, Encoder, even, sharesOf } from './arithmetic.ts';

/** A query below a rule: labels as latin1 text, which may hold any octet. */
export interface Asked {
  readonly labels: readonly string[];
  readonly qtype: number;
  readonly flags: number;
}

/** How a query is said: IS_* of code.ts and what goes with it. */
export interface Saying {
  readonly event: number;
  readonly coder: number;
  readonly against: number;
  readonly prefix: number;
  readonly suffix: number;
}

const SYMBOLS = 'abcdefghijklmnopqrstuvwxyz0123456789-_.';
const OTHER = 39;
const END = 40;
const COUNT = 41;
const KNOWN_MAX = 256;
const LAST_MAX = 4;

const EVENTS = sharesOf([EVENT_REPEAT, EVENT_LITERAL, EVENT_DELTA, CLOSING]);
const CODERS = sharesOf([unitsOf(1 / 2), unitsOf(1 / 4), unitsOf(1 / 4)]);
const FLAGS = sharesOf([FLAGS_SAME, unitsOf(1 / 16)]);
const TYPES = [1, 28, 65, 2, 5, 6, 12, 15, 16, 33, 64];
const TYPE_SHARES = sharesOf([
  ...[unitsOf(3 / 8), unitsOf(3 / 8), unitsOf(1 / 8)],
  ...TYPES.slice(3).map(() => unitsOf(1 / 128)),
  unitsOf(1 / 16),
]);

/** What both sides know of the queries before. */
class State {
  readonly known: string[] = [];
  readonly last: string[] = [];
  flags = 0;
  #knownNext = 0;
  #lastNext = 0;

  learn(text: string): void {
    this.known[this.#knownNext] = text;
    this.#knownNext = (this.#knownNext + 1) % KNOWN_MAX;
    this.last[this.#lastNext] = text;
    this.#lastNext = (this.#lastNext + 1) % LAST_MAX;
  }
}

/** Labels and text tell each other: a dot inside a label is an `A`, which no name holds. */
export function textOf(labels: readonly string[]): string {
  return labels.map((label) => label.replaceAll('.', 'A')).join('.');
}

function labelsOf(text: string): string[] {
  return text === '' ? [] : text.split('.').map((label) => label.replaceAll('A', '.'));
}

function symbolOf(character: string): number {
  const symbol = SYMBOLS.indexOf(character);
  return symbol === -1 ? OTHER : symbol;
}

/** The lengths after two characters, in 1/256 bit. */
function contextOf(model: Uint8Array, before: string): number[] {
  const [c2, c1] = [before.at(-2), before.at(-1)].map((character) =>
    character === undefined ? END : symbolOf(character),
  );
  const at = ((c2 ?? END) * COUNT + (c1 ?? END)) * COUNT;
  return Array.from(model.subarray(at, at + COUNT), (length) => length * 16);
}

const shareCache = new Map<string, ReturnType<typeof sharesOf>>();

function modelShares(model: Uint8Array, before: string): ReturnType<typeof sharesOf> {
  const lengths = contextOf(model, before);
  const key = lengths.join(' ');
  const shares = shareCache.get(key) ?? sharesOf(lengths);
  shareCache.set(key, shares);
  return shares;
}

export class NameEncoder {
  readonly #state = new State();
  readonly #out = new Encoder();
  readonly #model: Uint8Array;

  constructor(model: Uint8Array) {
    this.#model = model;
  }

  put({ labels, qtype, flags }: Asked, saying: Saying): void {
    const text = textOf(labels);
    const out = this.#out;
    const state = this.#state;
    out.put(EVENTS[saying.event]!);
    if (saying.event === 0) out.put(even(state.known.indexOf(text), state.known.length));
    else {
      if (saying.event === 1) this.#putText(text, '', saying.coder, true);
      else this.#putDelta(text, saying);
      state.learn(text);
    }
    const type = TYPES.indexOf(qtype);
    out.put(TYPE_SHARES.at(type)!);
    if (type === -1) out.put(even(qtype, 65_536));
    out.put(FLAGS[flags === state.flags ? 0 : 1]!);
    if (flags !== state.flags) out.put(even(flags < state.flags ? flags : flags - 1, 7));
    state.flags = flags;
  }

  finish(): { readonly code: bigint; readonly bits: number } {
    this.#out.put(EVENTS[3]!);
    return this.#out.finish();
  }

  #putDelta(text: string, { against, prefix, suffix, coder }: Saying): void {
    const out = this.#out;
    const other = this.#state.last[against]!;
    out.put(even(against, this.#state.last.length));
    out.put(even(prefix, other.length + 1));
    out.put(even(suffix, other.length - prefix + 1));
    const middle = text.slice(prefix, text.length - suffix);
    const bits = (middle.length + 1).toString(2);
    for (const bit of '0'.repeat(bits.length - 1) + bits) out.put(even(Number(bit), 2));
    this.#putText(middle, text.slice(0, prefix), coder, false);
  }

  #putText(text: string, before: string, coder: number, isWhole: boolean): void {
    const out = this.#out;
    out.put(CODERS[coder]!);
    if (coder === 2 && isWhole) out.put(even(text.length, 256));
    for (const [i, character] of [...text].entries()) {
      if (coder < 2) {
        const symbol = symbolOf(character);
        if (coder === 1) out.put(even(symbol, COUNT));
        else out.put(modelShares(this.#model, before + text.slice(0, i))[symbol]!);
        if (symbol !== OTHER) continue;
      }
      out.put(even(character.charCodeAt(0), 256));
    }
    if (!isWhole) return;
    if (coder === 1) out.put(even(END, COUNT));
    if (coder === 0) out.put(modelShares(this.#model, before + text)[END]!);
  }
}

export class NameDecoder {
  readonly #state = new State();
  readonly #in: Decoder;
  readonly #model: Uint8Array;

  constructor(model: Uint8Array, { code, bits }: { code: bigint; bits: number }) {
    this.#model = model;
    this.#in = new Decoder(code, bits);
  }

  /** The queries in their order, as many as there were. */
  all(): Asked[] {
    const found: Asked[] = [];
    for (let event = this.#in.take(EVENTS); event !== 3; event = this.#in.take(EVENTS)) {
      found.push(this.#query(event));
    }
    return found;
  }

  #query(event: number): Asked {
    const state = this.#state;
    let text = '';
    if (event === 0) text = state.known[this.#in.takeEven(state.known.length)]!;
    else {
      text = event === 1 ? this.#text('', null) : this.#delta();
      state.learn(text);
    }
    const type = TYPES[this.#in.take(TYPE_SHARES)];
    const qtype = type ?? this.#in.takeEven(65_536);
    if (this.#in.take(FLAGS) === 1) {
      const flags = this.#in.takeEven(7);
      state.flags = flags < state.flags ? flags : flags + 1;
    }
    return { labels: labelsOf(text), qtype, flags: state.flags };
  }

  #delta(): string {
    const { last } = this.#state;
    const other = last[this.#in.takeEven(last.length)]!;
    const prefix = this.#in.takeEven(other.length + 1);
    const suffix = this.#in.takeEven(other.length - prefix + 1);
    let zeros = 0;
    while (this.#in.takeEven(2) === 0) zeros++;
    let count = 1;
    for (let i = 0; i < zeros; i++) count = 2 * count + this.#in.takeEven(2);
    const start = other.slice(0, prefix);
    return start + this.#text(start, count - 1) + other.slice(other.length - suffix);
  }

  /** @param length null when the end is told */
  #text(before: string, length: number | null): string {
    const coder = this.#in.take(CODERS);
    const most = coder === 2 && length === null ? this.#in.takeEven(256) : length;
    let text = '';
    while (most === null || text.length < most) {
      let symbol = OTHER;
      if (coder === 1) symbol = this.#in.takeEven(COUNT);
      else if (coder === 0) symbol = this.#in.take(modelShares(this.#model, before + text));
      if (symbol === END) return text;
      const isSpelled = symbol === OTHER;
      text += isSpelled ? String.fromCharCode(this.#in.takeEven(256)) : SYMBOLS[symbol];
    }
    return text;
  }
}
