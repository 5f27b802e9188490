/**
 * What a reputation score costs: nanoseconds a name, and heap octets a name, as JSON. With a file
 * of names (one a line) as argument, of those; else of names made here, each of them new. Run by
 * standing.test.ts with --expose-gc and a young generation that no round fills.
 */

import { readFileSync } from 'node:fs';
import { FingerprintsBuilder } from '../../src/fingerprints.ts';
import { Tables } from '../../src/tables.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { compileFiles } from '../support/replay-valve.ts';

const ROUNDS = 7;
const KNOWN_NAMES = 500;
const CONFIG = `
feeds: { odd: { source: [odd.example], category: spam, action: alert } }
detect: { reputation: { own_names: [northwind.example, contoso.example] } }
workloads: {}
`;

/** Parts of names, so that all ways of a score are met. */
const LABELS = ['paypa1', 'shop-login', 'xn--pypal-4ve', 'ordinary', 'mircosoft', 'a-b-c-d-e'];
const SUFFIXES = ['com', 'top', 'co.uk', 'example'];

function made(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const label = LABELS[i % LABELS.length] ?? '';
    return `www.${label}-${i.toString(36)}.${SUFFIXES[i % SUFFIXES.length]}`;
  });
}

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');
const [file] = process.argv.slice(2);
const texts = file === undefined ? made(100_000) : readFileSync(file, 'utf8').split('\n');
const wires = texts.filter((text) => text !== '').map((text) => nameToWire(text));
const { memory } = await compileFiles({ 'main.yaml': CONFIG }, 1);
const known = { domains: new FingerprintsBuilder(8).finish(), days: 7 };
const tables = new Tables({ ...memory, standing: { ...memory.standing, known } });
const { standing } = tables;
const name = new WireName();
/** A cell and no variable: a large number in one is an object. */
const sum = new Float64Array(1);

function readAll(): void {
  for (let i = 0; i < wires.length; i++) {
    const wire = wires[i]!;
    readName(wire, 0, wire.length, name);
    sum[0]! += name.low[0]!;
  }
}

function judgeAll(): void {
  for (let i = 0; i < wires.length; i++) {
    const wire = wires[i]!;
    readName(wire, 0, wire.length, name);
    sum[0]! += standing.judge(name, 0);
  }
}

/** A few hundred names in turn, of which the domains are known after the first round. */
function judgeKnown(): void {
  for (let i = 0; i < wires.length; i++) {
    const wire = wires[i % KNOWN_NAMES]!;
    readName(wire, 0, wire.length, name);
    sum[0]! += standing.judge(name, 0);
  }
}

function readKnown(): void {
  for (let i = 0; i < wires.length; i++) {
    const wire = wires[i % KNOWN_NAMES]!;
    readName(wire, 0, wire.length, name);
    sum[0]! += name.low[0]!;
  }
}

function nsOf(run: () => void): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    times.push(((performance.now() - start) * 1e6) / wires.length);
  }
  return times.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}

/** The least of some rounds: what the runtime makes for itself comes in some of them. */
function octetsOf(run: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    collect?.();
    const before = process.memoryUsage().heapUsed;
    run();
    return (process.memoryUsage().heapUsed - before) / wires.length;
  });
  return Math.min(...rounds);
}

const results = {
  names: wires.length,
  newNs: nsOf(judgeAll) - nsOf(readAll),
  knownNs: nsOf(judgeKnown) - nsOf(readKnown),
  octets: octetsOf(judgeAll),
  // So that nothing of it is left out.
  sum: sum[0],
};
process.stdout.write(JSON.stringify(results));
