import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  copyName,
  endsWith,
  expandName,
  readName,
  skipName,
  WireName,
} from '../../src/wire/name.ts';
import { nameToText, nameToWire } from '../../src/wire/text.ts';

const LABEL63 = `3f${'61'.repeat(63)}`;

/** A header of 12 octets, so that pointers count as in a message. */
function message(hex: string): Buffer {
  return Buffer.concat([Buffer.alloc(12), Buffer.from(hex.replace(/\s/g, ''), 'hex')]);
}

function read(hex: string): string | null {
  const octets = message(hex);
  const name = new WireName();
  const after = readName(octets, 12, octets.length, name);
  return after === -1 ? null : `${nameToText(name.octets)} to ${after - 12}`;
}

/** Reads the name at `at`, counted from after the header. */
function expand(hex: string, at: number): string | null {
  const octets = message(hex);
  const name = new WireName();
  const after = expandName(octets, 0, 12 + at, octets.length, name);
  return after === -1 ? null : `${nameToText(name.octets)} to ${after - 12}`;
}

describe('a name in a question', () => {
  const rows: readonly (readonly [string, string, string | null])[] = [
    ['the root is one octet', '00', '. to 1'],
    ['letters become lower case, and nothing else', '05 41 5a 5b 60 c1 00', 'az[`\\193 to 7'],
    ['any octet is legal in a label', '04 00 20 2e ff 00', '\\000\\032\\.\\255 to 6'],
    ['a label of 63 octets is the longest', `${LABEL63} 00`, `${'a'.repeat(63)} to 65`],
    ['a label type of 0x40 is rejected', `40${'61'.repeat(64)} 00`, null],
    ['a label type of 0x80 is rejected', `80${'61'.repeat(64)} 00`, null],
    ['a pointer is rejected', 'c000', null],
    ['a pointer behind a label is rejected', '01 61 c0 0c', null],
    ['a name without its root is rejected', '01 61', null],
    ['a label past the end is rejected', '05 61 61', null],
    ['a label that takes the last octet is rejected', '02 61 61', null],
    ['nothing at all is rejected', '', null],
    ['255 octets are a name', `${LABEL63.repeat(3)} 3d${'61'.repeat(61)} 00`, 'to 255'],
    ['256 octets are none', `${LABEL63.repeat(3)} 3e${'61'.repeat(62)} 00`, null],
    ['127 labels are a name', `${'0161'.repeat(127)} 00`, 'to 255'],
    ['128 labels are none', `${'0161'.repeat(128)} 00`, null],
  ];
  for (const [rule, hex, want] of rows) {
    it(rule, () => {
      if (want === null) expect(read(hex)).toBeNull();
      else expect(read(hex)).toContain(want);
    });
  }
});

describe('a compressed name', () => {
  const rows: readonly (readonly [string, string, number, string | null])[] = [
    ['a pointer back continues there', '01 61 00 01 62 c0 0c', 3, 'b.a to 7'],
    ['a pointer alone is the name it points to', '01 61 00 c0 0c', 3, 'a to 5'],
    ['pointers to pointers are followed', '01 61 00 c0 0c c0 0f', 5, 'a to 7'],
    ['a pointer into the middle of a name is its suffix', '01 61 01 62 00 c0 0e', 5, 'b to 7'],
    ['a pointer to itself is rejected', 'c0 0c', 0, null],
    ['a pointer forward is rejected', 'c0 0e 01 61 00', 0, null],
    ['a label that leads to its own start is rejected', '01 61 c0 0c', 0, null],
    ['a pointer into the header is rejected', '01 61 c0 04', 0, null],
    ['a pointer to the start of the message is rejected', 'c0 00', 0, null],
    ['a pointer cut in half is rejected', '01 61 00 c0', 3, null],
    ['a reserved label type behind a pointer is rejected', '41 61 00 c0 0c', 3, null],
    ['ten pointers are followed', `01 61 00${pointers(10)}`, 3 + 2 * 9, 'a to 23'],
    ['eleven are not', `01 61 00${pointers(11)}`, 3 + 2 * 10, null],
    ['255 octets through a pointer are a name', long(61), 193, 'to 257'],
    ['256 octets through a pointer are none', long(62), 193, null],
  ];
  for (const [rule, hex, at, want] of rows) {
    it(rule, () => {
      if (want === null) expect(expand(hex, at)).toBeNull();
      else expect(expand(hex, at)).toContain(want);
    });
  }

  /** Each to the one before. */
  function pointers(count: number): string {
    const at = (i: number): number => (i === 0 ? 12 : 12 + 3 + 2 * (i - 1));
    return Array.from({ length: count }, (_, i) => `c0${at(i).toString(16).padStart(2, '0')}`).join(
      '',
    );
  }

  /** Three labels of 63 and the root, then a label of `size` that continues there. */
  function long(size: number): string {
    return `${LABEL63.repeat(3)}00 ${size.toString(16)}${'62'.repeat(size)} c00c`;
  }
});

describe('skipName', () => {
  const rows: readonly (readonly [string, string, number])[] = [
    ['ends after the root', '01 61 00', 3],
    ['ends after a pointer, wherever it leads', '01 61 ff ff', 4],
    ['is -1 for half a pointer', '01 61 c0', -1],
    ['is -1 for a reserved label type', '41 61 00', -1],
    ['is -1 past the end', '09 61', -1],
  ];
  for (const [rule, hex, want] of rows) {
    it(rule, () => {
      const octets = Buffer.from(hex.replace(/\s/g, ''), 'hex');
      expect(skipName(octets, 0, octets.length)).toBe(want);
    });
  }
});

function wireName(text: string): WireName {
  const name = new WireName();
  const wire = nameToWire(text);
  expect(readName(wire, 0, wire.length, name)).toBe(wire.length);
  return name;
}

function hashes(name: WireName): string[] {
  return Array.from({ length: name.labelCount + 1 }, (_, i) => `${name.low[i]}:${name.high[i]}`);
}

describe('endsWith', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['www.example.com', 'example.com', true],
    ['example.com', 'example.com', true],
    ['example.com', 'www.example.com', false],
    ['notexample.com', 'example.com', false],
    ['a\\007example.com', 'example.com', false],
    ['www.example.com', '.', true],
  ];
  for (const [name, suffix, want] of rows) {
    it(`${name} ${want ? 'ends' : 'does not end'} with ${suffix}`, () => {
      const wire = nameToWire(suffix);
      expect(endsWith(wireName(name), wire, wire.length)).toBe(want);
    });
  }
});

const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
const labels = fc
  .array(label, { maxLength: 20 })
  .filter((list) => list.reduce((sum, one) => sum + one.length + 1, 1) <= 255);

function wireOf(list: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    ...list.flatMap((one) => [Buffer.from([one.length]), one]),
    Buffer.alloc(1),
  ]);
}

describe('properties of names', () => {
  it('suffix hashes are equal for equal suffixes, plain, compressed or copied', () => {
    fc.assert(
      fc.property(labels, fc.nat(20), (list, cut) => {
        const whole = wireOf(list);
        const at = Math.min(cut, list.length);
        const suffix = wireOf(list.slice(at));
        const plain = new WireName();
        readName(whole, 0, whole.length, plain);
        const head = wireOf(list.slice(0, at)).subarray(0, -1);
        const packet = Buffer.concat([Buffer.alloc(12), suffix, head, Buffer.from([0xc0, 12])]);
        const expanded = new WireName();
        const start = 12 + suffix.length;
        expect(expandName(packet, 0, start, packet.length, expanded)).toBe(packet.length);
        expect(hashes(expanded)).toEqual(hashes(plain));
        const alone = new WireName();
        readName(suffix, 0, suffix.length, alone);
        expect(hashes(plain).slice(at)).toEqual(hashes(alone));
        const copy = new WireName();
        copyName(plain, copy);
        expect(hashes(copy)).toEqual(hashes(plain));
        expect(copy.octets.subarray(0, copy.length)).toEqual(
          plain.octets.subarray(0, plain.length),
        );
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('a name that differs in one octet, but for case, has another hash', () => {
    fc.assert(
      fc.property(
        labels.filter((list) => list.length > 0),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (list, where, change) => {
          const wire = wireOf(list);
          const one = new WireName();
          readName(wire, 0, wire.length, one);
          const index = where % list.length;
          const changed = list.map((octets) => Uint8Array.from(octets));
          const target = changed[index];
          if (target === undefined) return;
          target[where % target.length]! ^= change;
          const other = new WireName();
          const otherWire = wireOf(changed);
          readName(otherWire, 0, otherWire.length, other);
          const isSame = Buffer.compare(
            one.octets.subarray(0, one.length),
            other.octets.subarray(0, other.length),
          );
          expect(hashes(one)[0] === hashes(other)[0]).toBe(isSame === 0);
        },
      ),
      { numRuns: 5000, seed: 2 },
    );
  });

  it('moving the boundary of two labels changes the hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 40 }), fc.nat(), (octets, where) => {
        const cut = 1 + (where % (octets.length - 2));
        const [a, b] = [cut, cut + 1].map((at) => {
          const name = new WireName();
          const wire = wireOf([octets.subarray(0, at), octets.subarray(at)]);
          readName(wire, 0, wire.length, name);
          return hashes(name)[0];
        });
        expect(a).not.toBe(b);
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  it('text and wire form are each other, whatever octets the labels hold', () => {
    fc.assert(
      fc.property(labels, (list) => {
        const wire = wireOf(list);
        const text = nameToText(wire);
        expect(Buffer.from(nameToWire(text))).toEqual(wire);
        expect(text).toMatch(/^[\x21-\x7e]+$/);
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});
