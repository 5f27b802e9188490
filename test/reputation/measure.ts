/**
 * Measures a feed of a million names: milliseconds to load, octets an entry, nanoseconds a vet. Not
 * a test: nothing is asserted. `node test/reputation/measure.ts [plain|hosts|adblock|rpz]`; its
 * figures stand in docs/feeds.md.
 */

import type { FeedFormat } from '../../src/config/types.ts';
import { Decision } from '../../src/policy/decision.ts';
import { loadReputation } from '../../src/reputation/loader.ts';
import type { ReputationMemory } from '../../src/reputation/memory.ts';
import { Reputation, VET_DENY } from '../../src/reputation/vet.ts';
import { setHashKey } from '../../src/wire/hash.ts';
import { feedOf, wireName } from './support.ts';

const ENTRIES = 1_000_000;
const ASKED = 100_000;
/** Suffix hashes of a name of up to seven labels and the root. */
const WIDTH = 8;
const LINES: Readonly<Record<string, (name: string) => string>> = {
  plain: (name) => name,
  hosts: (name) => `0.0.0.0 ${name}`,
  adblock: (name) => `||${name}^`,
  rpz: (name) => `${name} CNAME .`,
};

let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

function randomName(number: number): string {
  const top = ['com', 'net', 'org', 'ru', 'xyz', 'top', 'info', 'co.uk'][random(8)];
  return `${random(5) < 2 ? 'www.' : ''}${random(1e9).toString(36)}${number.toString(36)}.${top}`;
}

/** Best of seven, less the cost of the loop. The names are copied from flat arrays into one. */
function nsPerVet(memory: ReputationMemory, names: readonly string[]): string {
  const reputation = new Reputation(memory);
  const decision = new Decision();
  const low = new Int32Array(names.length * WIDTH);
  const high = new Int32Array(names.length * WIDTH);
  const labels = names.map((text, index) => {
    const { low: lows, high: highs, labelCount } = wireName(text);
    low.set(lows.subarray(0, labelCount + 1), index * WIDTH);
    high.set(highs.subarray(0, labelCount + 1), index * WIDTH);
    return labelCount;
  });
  const name = wireName('a');
  let hits = 0;
  const pass = (vets: number): number => {
    hits = 0;
    const startMs = performance.now();
    for (let index = 0; index < names.length; index++) {
      name.labelCount = labels[index] ?? 0;
      for (let label = 0; label <= name.labelCount; label++) {
        name.low[label] = low[index * WIDTH + label] ?? 0;
        name.high[label] = high[index * WIDTH + label] ?? 0;
      }
      for (let i = 0; i < vets; i++) hits += reputation.vet(name, decision) === VET_DENY ? 1 : 0;
    }
    return ((performance.now() - startMs) * 1e6) / names.length;
  };
  const runs = Array.from({ length: 7 }, () => [pass(0), pass(1)] as const);
  const loop = Math.min(...runs.map(([empty]) => empty));
  const ns = Math.min(...runs.map(([, full]) => full)) - loop;
  return `${ns.toFixed(0)} ns (${((hits / names.length) * 100).toFixed(0)} % hits)`;
}

const format = process.argv[2] ?? 'plain';
const key = { k0: 1, k1: 2 };
setHashKey(key.k0, key.k1);
const names = Array.from({ length: ENTRIES }, (_, number) => randomName(number));
const octets = new TextEncoder().encode(names.map(LINES[format] ?? String).join('\n'));
const feed = feedOf({ text: '', format: format as FeedFormat });
const startMs = performance.now();
const { memory, reports } = await loadReputation([{ feed, octets }], { add: () => 1 }, key);
console.log(`${format}: ${(performance.now() - startMs).toFixed(0)} ms in all, thread included`);
console.log(`parsed in ${reports[0]?.loadMs.toFixed(0)} ms, ${reports[0]?.entries} entries`);
const bytes = memory.table.words.byteLength + memory.filter.byteLength;
console.log(`${((bytes + memory.statements.byteLength) / memory.table.count).toFixed(2)} octets`);
const sample = (prefix: string, make: () => string): string[] =>
  Array.from({ length: ASKED }, () => prefix + make());
const listed = (): string => names[random(ENTRIES)] ?? '';
const other = (): string => `${random(2 ** 32).toString(36)}x.com`;
console.log(`hit: ${nsPerVet(memory, sample('', listed))}`);
console.log(`miss, 3 labels: ${nsPerVet(memory, sample('www.', other))}`);
console.log(`miss, 5 labels: ${nsPerVet(memory, sample('a.b.www.', other))}`);
