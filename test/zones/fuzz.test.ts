/** Properties of the master-file parser over generated text. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ProblemsError } from '../../src/errors.ts';
import { nameToText, nameToWire, typeToText } from '../../src/wire/text.ts';
import { loadZone, parseZone } from '../../src/zones/master.ts';
import type { Zone } from '../../src/zones/zone.ts';
import { ORIGIN, SOA } from './parsing.ts';

const SEED = 1035;
const FILE = `${import.meta.dirname}/every-type.zone`;
const TYPES_ORIGIN = nameToWire('types.example');
const everyType = loadZone(FILE, TYPES_ORIGIN);

/** Whether a text parses; anything but ProblemsError fails the test. */
function parses(text: string, origin = ORIGIN): boolean {
  try {
    parseZone(text, origin, '/nowhere/f');
    return true;
  } catch (thrown) {
    if (!(thrown instanceof ProblemsError)) throw thrown;
    expect(thrown.problems.length).toBeGreaterThan(0);
    return false;
  }
}

/** Every record in the form of RFC 3597. */
function print(zone: Zone): string {
  const lines: string[] = [];
  for (const node of zone.nodes) {
    for (const set of node.sets) {
      for (const rdata of set.rdatas) {
        const hex = Buffer.from(rdata).toString('hex');
        const owner = `${nameToText(node.owner)}.`;
        lines.push(`${owner} ${set.ttl} CLASS1 TYPE${set.type} \\# ${rdata.length} ${hex}`);
      }
    }
  }
  return lines.join('\n');
}

it('random octets never throw anything but their problems', () => {
  const octets = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 });
  fc.assert(
    fc.property(octets, (list) => void parses(String.fromCharCode(...list))),
    { seed: SEED, numRuns: 3000 },
  );
});

it('words of master files in any order never throw anything but their problems', () => {
  const types = everyType.nodes.flatMap((node) => node.sets.map((set) => typeToText(set.type)));
  const word = fc.oneof(
    fc.constantFrom(...types),
    fc.constantFrom('@', 'a', '$TTL', '$ORIGIN', '$INCLUDE', '$GENERATE', 'IN', '\\#', '(', ')'),
    fc.constantFrom('"', ';', '\\', '-', '.', '..', '1h', '0', '65536', '4294967296', '192.0.2.1'),
    fc.constantFrom('alpn=h2', 'mandatory=', 'key1="', 'N', 'E', '1m', 'ab', '::1', '=', 'a='),
    fc.string({ maxLength: 6, unit: 'binary-ascii' }),
  );
  const separator = fc.constantFrom(' ', ' ', ' ', '\t', '\n', '');
  const text = fc.array(fc.tuple(word, separator), { maxLength: 40 });
  fc.assert(
    fc.property(text, (parts) => void parses(SOA + parts.flat().join(''))),
    { seed: SEED, numRuns: 4000 },
  );
});

it('a line of a valid file with a word changed parses or says why', () => {
  const lines = print(everyType).split('\n');
  const valid = lines.filter((line) => line.includes('TYPE6 '));
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.nat(5),
      fc.constantFrom('', '0', 'x', '"', '\\', '\\#', '(', '@', '$', '999999', '0a'),
      (line, at, word) => {
        const words = line.split(' ');
        words[at] = word;
        const isGood = parses([...valid, words.join(' ')].join('\n'), TYPES_ORIGIN);
        if (isGood) accepted++;
        else refused++;
      },
    ),
    { seed: SEED, numRuns: 3000 },
  );
  // Neither outcome is rare, or the property says nothing.
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(500);
});

it('every record printed as RFC 3597 parses to the same records', () => {
  const again = parseZone(print(everyType), TYPES_ORIGIN, 'f');
  const strip = (zone: Zone): unknown =>
    zone.nodes.map((node) => [node.owner, node.sets.map(({ at: _, ...set }) => set)]);
  expect(strip(again)).toEqual(strip(everyType));
});

it('any octets of any unknown type survive RFC 3597, and any octets survive a text', () => {
  const octets = fc.uint8Array({ maxLength: 255 });
  fc.assert(
    fc.property(fc.integer({ min: 65280, max: 65534 }), octets, (type, rdata) => {
      const hex = Buffer.from(rdata).toString('hex');
      const escaped = [...rdata].map((octet) => `\\${String(octet).padStart(3, '0')}`).join('');
      const text = `${SOA}a 5 TYPE${type} \\# ${rdata.length} ${hex}\na 5 TXT "${escaped}"`;
      const [opaque, txt] = parseZone(text, ORIGIN, 'f').nodes[1]?.sets ?? [];
      expect(opaque?.rdatas).toEqual([rdata]);
      expect(txt?.rdatas).toEqual([Uint8Array.from([rdata.length, ...rdata])]);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

it('a word of a million octets is a problem, not a crash', () => {
  const long = 'x'.repeat(1_000_000);
  for (const type of [
    'A',
    'TXT',
    'CNAME',
    'URI',
    'SVCB 1 . key7=',
    'SVCB 1 . alpn=',
    'LOC',
    'CAA',
  ]) {
    expect(parses(`${SOA}a 5 ${type} ${long}`)).toBe(false);
    expect(parses(`${SOA}a 5 ${type}${long}`)).toBe(false);
  }
  expect(parses(`${SOA}${'('.repeat(100_000)}a 5 A 192.0.2.1${')'.repeat(100_000)}`)).toBe(true);
});

it('any labels survive being printed and parsed', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
      const octets = labels.flatMap((one) => [one.length, ...one]);
      const lower = Uint8Array.from([...octets, ...ORIGIN], (octet) =>
        octet >= 65 && octet <= 90 ? octet + 32 : octet,
      );
      const zone = parseZone(`${SOA}${nameToText(lower)}. 5 A 192.0.2.1`, ORIGIN, 'f');
      expect(zone.nodes[1]?.owner).toEqual(lower);
    }),
    { seed: SEED, numRuns: 500 },
  );
});
