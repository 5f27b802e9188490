/** What a pattern holds: label boundaries, the apex, depth, and octets that only look like others. */

import { describe, expect, it } from 'vitest';
import { authorize, ZONE_NONE } from '../../src/policy/authorize.ts';
import { Decision } from '../../src/policy/decision.ts';
import { TYPE_A } from '../../src/wire/constants.ts';
import type { WireName } from '../../src/wire/name.ts';
import { fromWire, snapshot, wireName } from './support.ts';

function allows(pattern: string, name: WireName): boolean {
  const decision = new Decision();
  authorize(name, TYPE_A, 1, snapshot({ workloads: [{ allow: [pattern] }] }), ZONE_NONE, decision);
  return decision.allowed === 1;
}

const deep = Array.from({ length: 60 }, () => 'd').join('.');
const rows: [name: string, pattern: string, yes: string[], no: string[]][] = [
  [
    'an exact name holds itself only',
    'x.com',
    ['x.com'],
    ['a.x.com', 'com', '.', 'x.com.org', 'ax.com', 'x.co', 'xx.com'],
  ],
  [
    '*.name holds every name below it at any depth and not itself',
    '*.x.com',
    ['a.x.com', 'b.a.x.com', `${deep}.x.com`],
    ['x.com', 'ax.com', 'com', '.', 'a.x.com.org'],
  ],
  [
    '.name holds itself and everything below',
    '.x.com',
    ['x.com', 'a.x.com', `${deep}.x.com`],
    ['ax.com', 'com', '.', 'x.com.org'],
  ],
  [
    'a rule for a label does not hold a longer label that ends in it',
    '.example.com',
    ['example.com', 'www.example.com'],
    ['notexample.com', 'www.notexample.com', 'example.com.evil.org'],
  ],
  ['case does not matter', '.x.com', ['X.COM', 'a.X.cOm'], ['y.com']],
  ['a dot inside a label is an octet', '.a.allowed.test', ['a.allowed.test'], ['a\\.allowed.test']],
  ['a name in one label is one label', 'a.example.com', ['a.example.com'], ['a\\.example\\.com']],
  ['a NUL is an octet, not an end', 'x.com', ['x.com'], ['x.com\\000', 'x\\000.com', '\\000x.com']],
  [
    'a literal asterisk label is a name like others',
    '*.x.com',
    ['*.x.com', 'a.*.x.com'],
    ['*.com', '*'],
  ],
  ['a literal asterisk label does not stand for others', 'x.com', ['x.com'], ['*.com', '*.*']],
  [
    'names of object members are names',
    '__proto__.constructor',
    ['__proto__.constructor'],
    ['constructor', '__proto__', 'tostring.constructor'],
  ],
  ['octets above ASCII do not fold', 'x.com', ['x.com'], ['\\216.com', '\\120\\128.com']],
  ['a TLD rule holds the TLD', 'com', ['com'], ['x.com', '.', 'comx']],
  ['a TLD can be opened whole when the configuration says so', '*.com', ['x.com'], ['com', '.']],
  [
    'rules of many labels keep their exact depth',
    `*.${deep}.x.com`,
    [`a.${deep}.x.com`, `b.a.${deep}.x.com`],
    [`${deep}.x.com`, `d.${deep}.y.com`],
  ],
];

describe('patterns', () => {
  it.each(rows)('%s (%s)', (_name, pattern, yes, no) => {
    for (const name of yes) expect([name, allows(pattern, wireName(name))]).toEqual([name, true]);
    for (const name of no) expect([name, allows(pattern, wireName(name))]).toEqual([name, false]);
  });

  it('the longest possible name is decided like any other', () => {
    const wire = new Uint8Array(255);
    for (let at = 0; at < 254; at += 2) wire.set([1, 100 /* 'd' */], at);
    const name = fromWire(wire);
    expect(name.labelCount).toBe(127);
    expect(allows('*.d.d', name)).toBe(true);
    expect(allows('*.d.x', name)).toBe(false);
    expect(allows(Array.from({ length: 127 }, () => 'd').join('.'), name)).toBe(true);
  });

  it('a rule does not hold the same label sequence cut elsewhere', () => {
    // 1 'a' 3 'b' 1 'c' 0 and 5 octets that spell the same, as one label.
    expect(allows('a.b.c', fromWire(Uint8Array.of(5, 97, 1, 98, 1, 99, 0)))).toBe(false);
    expect(allows('a.b.c', fromWire(Uint8Array.of(1, 97, 1, 98, 1, 99, 0)))).toBe(true);
  });
});
