import { describe, expect, it } from 'vitest';
import { ResponseBuilder } from '../../../src/detect/eval/response.ts';
import { buildQuery, type Message, readMessage } from '../../support/message.ts';

interface Row {
  readonly records: string;
  readonly qtype?: string;
  readonly name?: string;
  readonly rcode?: number;
  readonly length?: number;
}

function build({ records, qtype = 'A', name = 'a.example', rcode = 0, length = 0 }: Row): Message {
  const builder = new ResponseBuilder();
  const query = buildQuery({ name, type: qtype });
  builder.build(query, query.length, { kind: 'row', rcode, ttl: 60, records, length });
  return readMessage(Buffer.from(builder.octets.subarray(0, builder.length)));
}

function answers(row: Row): string[] {
  return build(row).answers.map(
    ({ owner, type, ttl, rdata }) => `${owner} ${ttl} ${type} ${rdata}`,
  );
}

describe('the answer that a row tells of', () => {
  const rows: readonly (readonly [string, Row, string[]])[] = [
    ['nothing', { records: '' }, []],
    ['an address', { records: 'A:192.0.2.1' }, ['a.example 60 A c0000201']],
    [
      'a chain: what follows an alias is its target’s',
      { records: 'CNAME:b.example A:192.0.2.1' },
      ['a.example 60 CNAME 0162076578616d706c6500', 'b.example 60 A c0000201'],
    ],
    [
      'aliases asked for as such are all of the name',
      { records: 'CNAME:b.example CNAME:c.example', qtype: 'CNAME' },
      ['a.example 60 CNAME 0162076578616d706c6500', 'a.example 60 CNAME 0163076578616d706c6500'],
    ],
    [
      'a log without types: a name, and addresses',
      { records: 'b.example 2001:db8::1', qtype: 'AAAA' },
      [
        'a.example 60 CNAME 0162076578616d706c6500',
        'b.example 60 AAAA 20010db8000000000000000000000001',
      ],
    ],
    [
      'a text with blanks is one',
      { records: 'TXT:v=spf1 -all', qtype: 'TXT' },
      ['a.example 60 TXT 0b763d73706631202d616c6c'],
    ],
    [
      'a mail server has a preference before its name',
      { records: 'MX:m.example', qtype: 'MX' },
      ['a.example 60 MX 0000016d076578616d706c6500'],
    ],
    [
      'a name that was cut within an escape',
      { records: 'CNAME:b.c\\2', qtype: 'CNAME' },
      ['a.example 60 CNAME 0162016300'],
    ],
    [
      'what cannot be read is left out',
      { records: 'A:none A:192.0.2.1' },
      ['a.example 60 A c0000201'],
    ],
  ];
  it.each(rows)('%s', (_rule, row, want) => {
    expect(answers(row)).toEqual(want);
  });

  it('has the rcode', () => {
    expect(build({ records: '', rcode: 3 }).rcode).toBe(3);
  });

  it('opaque data has its size, differs by name, and is the same again', () => {
    const row: Row = { records: 'NULL:#40', qtype: 'NULL' };
    const [one] = answers(row);
    expect(one).toMatch(/ NULL [0-9a-f]{80}$/);
    expect(answers(row)).toEqual([one]);
    expect(answers({ ...row, name: 'b.example' })[0]?.slice(-80)).not.toBe(one?.slice(-80));
  });

  it('a text that the column cut is made up to the recorded size', () => {
    const records = `TXT:${'x'.repeat(156)}`;
    expect(build({ records, qtype: 'TXT', length: 500 }).octets.length).toBeCloseTo(500, -1);
  });
});
