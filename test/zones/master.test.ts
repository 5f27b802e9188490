import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DnsvalveError, messageOf } from '../../src/errors.ts';
import { loadZone, parseZone } from '../../src/zones/master.ts';
import { ORIGIN, parsed, records, SOA } from './parsing.ts';

const A = 'A c0000201';

describe('what a master file may hold', () => {
  const rows: { name: string; text: string; want: string[] }[] = [
    { name: 'a relative name', text: 'a 5 A 192.0.2.1', want: [`a.z.example 5 ${A}`] },
    { name: 'an absolute name', text: 'b.z.example. 5 A 192.0.2.1', want: [`b.z.example 5 ${A}`] },
    { name: '@ as owner', text: '@ 5 A 192.0.2.1', want: [`z.example 5 ${A}`] },
    { name: 'an owner in upper case', text: 'AbC 5 A 192.0.2.1', want: [`abc.z.example 5 ${A}`] },
    {
      name: 'a blank owner',
      text: 'a 5 A 192.0.2.1\n  5 TXT x',
      want: [`a.z.example 5 ${A}`, 'a.z.example 5 TXT 0178'],
    },
    {
      name: 'a blank owner after a comment and an empty line',
      text: 'a 5 A 192.0.2.1\n\n; b\n\t5 TXT x',
      want: [`a.z.example 5 ${A}`, 'a.z.example 5 TXT 0178'],
    },
    {
      name: '$ORIGIN, relative',
      text: '$ORIGIN s\na 5 A 192.0.2.1',
      want: [`a.s.z.example 5 ${A}`],
    },
    {
      name: '$ORIGIN, absolute, and back',
      text: '$ORIGIN z.example.\n$ORIGIN s.z.example.\n@ 5 A 192.0.2.1',
      want: [`s.z.example 5 ${A}`],
    },
    { name: '$TTL', text: '$TTL 7\na A 192.0.2.1', want: [`a.z.example 7 ${A}`] },
    {
      name: '$TTL in units',
      text: '$TTL 1w2d3h4m5s\na A 192.0.2.1',
      want: [`a.z.example 788645 ${A}`],
    },
    {
      name: '$TTL before the TTL of the record above',
      text: '$TTL 7\nb 9 TXT x\na A 192.0.2.1',
      want: ['b.z.example 9 TXT 0178', `a.z.example 7 ${A}`],
    },
    {
      name: 'the TTL of the record above',
      text: 'b 9 TXT x\na A 192.0.2.1',
      want: ['b.z.example 9 TXT 0178', `a.z.example 9 ${A}`],
    },
    { name: 'TTL, then class', text: 'a 5 IN A 192.0.2.1', want: [`a.z.example 5 ${A}`] },
    { name: 'class, then TTL', text: 'a IN 1m A 192.0.2.1', want: [`a.z.example 60 ${A}`] },
    { name: 'CLASS1 and TYPE1', text: 'a CLASS1 5 TYPE1 192.0.2.1', want: [`a.z.example 5 ${A}`] },
    { name: 'lower case everywhere', text: 'a 5 in a 192.0.2.1', want: [`a.z.example 5 ${A}`] },
    {
      name: 'an owner that looks like a type',
      text: 'a 5 A 192.0.2.1\nns 5 TXT x',
      want: [`a.z.example 5 ${A}`, 'ns.z.example 5 TXT 0178'],
    },
    {
      name: 'carriage returns',
      text: 'a 5 A 192.0.2.1\r\nb 5 A 192.0.2.1\r\n',
      want: [`a.z.example 5 ${A}`, `b.z.example 5 ${A}`],
    },
    { name: 'a last line without its end', text: 'a 5 A 192.0.2.1', want: [`a.z.example 5 ${A}`] },
    { name: 'an escaped dot', text: 'a\\.b 5 A 192.0.2.1', want: [`a\\.b.z.example 5 ${A}`] },
    {
      name: 'octets by number',
      text: '\\000\\255 5 A 192.0.2.1',
      want: [`\\000\\255.z.example 5 ${A}`],
    },
    { name: 'a semicolon in quotes', text: 'a 5 TXT "x;y"', want: ['a.z.example 5 TXT 03783b79'] },
    { name: 'an escaped semicolon', text: 'a 5 TXT x\\;y', want: ['a.z.example 5 TXT 03783b79'] },
    { name: 'parentheses in quotes', text: 'a 5 TXT "(x)"', want: ['a.z.example 5 TXT 03287829'] },
    {
      name: 'any octet in quotes',
      text: 'a 5 TXT "\xe4\\228"',
      want: ['a.z.example 5 TXT 02e4e4'],
    },
    { name: 'an empty text', text: 'a 5 TXT ""', want: ['a.z.example 5 TXT 00'] },
    {
      name: 'a record twice is one',
      text: 'a 5 A 192.0.2.1\na 5 A 192.0.2.1',
      want: [`a.z.example 5 ${A}`],
    },
    {
      name: 'the same name in other case is one record',
      text: 'a 5 NS n\nA 5 NS N',
      want: ['a.z.example 5 NS 016e017a076578616d706c6500'],
    },
    {
      name: 'the lowest TTL of a set',
      text: 'a 9 A 192.0.2.1\na 5 A 192.0.2.2',
      want: [`a.z.example 5 ${A}`, 'a.z.example 5 A c0000202'],
    },
    {
      name: 'an opaque type',
      text: 'a 5 TYPE65280 \\# 3 0A0b 0C',
      want: ['a.z.example 5 TYPE65280 0a0b0c'],
    },
    { name: 'a wildcard', text: '* 5 A 192.0.2.1', want: [`*.z.example 5 ${A}`] },
    {
      name: 'a signature beside a CNAME',
      text: 'a 5 CNAME b\na 5 NSEC b CNAME',
      want: [
        'a.z.example 5 CNAME 0162017a076578616d706c6500',
        'a.z.example 5 NSEC 0162017a076578616d706c6500000104',
      ],
    },
  ];
  for (const { name, text, want } of rows) {
    it(name, () => expect(parsed(SOA + text)).toEqual(want));
  }

  it('parentheses that fold a record', () => {
    const text = 'a 5 ( ; one\n IN\n  A 192.0.2.1 ) ; two\nb 5 A (192.0.2.1)';
    expect(parsed(SOA + text)).toEqual([`a.z.example 5 ${A}`, `b.z.example 5 ${A}`]);
  });

  it('a SOA without any TTL lives as long as its minimum', () => {
    const zone = parseZone('@ SOA ns host 1 2 3 4 77', ORIGIN, 'f');
    expect(zone.nodes[0]?.sets[0]?.ttl).toBe(77);
  });
});

describe('$INCLUDE and files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dnsvalve-zones-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, 'latin1');
    return file;
  };

  it('is relative to the file, takes an origin, and leaves owner and origin as they were', () => {
    write('part', 'x 5 A 192.0.2.1\n$ORIGIN deep\ny 5 TXT y\n');
    const text = `${SOA}a 5 TXT a\n$INCLUDE part sub\n  5 TXT b\nc 5 TXT c\n`;
    expect(records(loadZone(write('main', text), ORIGIN))).toEqual([
      'a.z.example 5 TXT 0161',
      'a.z.example 5 TXT 0162',
      `x.sub.z.example 5 ${A}`,
      'y.deep.sub.z.example 5 TXT 0179',
      'c.z.example 5 TXT 0163',
    ]);
  });

  it('names the included file in its problems', () => {
    const part = write('bad', 'x 5 A 1\n');
    const main = write('main2', `${SOA}$INCLUDE bad\n`);
    expect(() => loadZone(main, ORIGIN)).toThrow(`${part}:1:7: address "1"`);
  });

  it('refuses a file that includes itself', () => {
    const main = write('loop', `${SOA}$INCLUDE loop2\n`);
    write('loop2', '$INCLUDE loop\n');
    expect(() => loadZone(main, ORIGIN)).toThrow(/loop2:1:10: ".*loop" includes itself/);
  });

  it('refuses to go too deep', () => {
    for (let i = 0; i < 12; i++) write(`d${i}`, `$INCLUDE d${i + 1}\n`);
    write('d12', '');
    const main = write('deep', `${SOA}$INCLUDE d0\n`);
    expect(() => loadZone(main, ORIGIN)).toThrow('$INCLUDE is 9 deep; at most 8');
  });

  it('names a file that is not there, or is no file', () => {
    const main = write('main3', `${SOA}$INCLUDE nowhere\n$INCLUDE .\n`);
    expect(() => loadZone(main, ORIGIN)).toThrow(/main3:2:10: including .*nowhere: ENOENT/);
    expect(() => loadZone(main, ORIGIN)).toThrow(/main3:3:10: including .*: not a regular file/);
    expect(() => loadZone(join(folder, 'nowhere'), ORIGIN)).toThrow(DnsvalveError);
    try {
      loadZone(join(folder, 'nowhere'), ORIGIN);
    } catch (thrown) {
      expect(messageOf(thrown)).toContain('reading zone file');
    }
  });
});
