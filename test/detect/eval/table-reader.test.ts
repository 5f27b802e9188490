import { describe, expect, it } from 'vitest';
import type { Timeline } from '../../../src/detect/eval/sample.ts';
import { TableReader } from '../../../src/detect/eval/table-reader.ts';
import { nameToText, typeToText } from '../../../src/wire/text.ts';

const COLUMNS = ['t', 'client', 'qname', 'qtype', 'rcode', 'resp_len', 'ttl', 'ans'];
const HEADER = [...COLUMNS, 'label', 'tool', 'zone', 'sess'].join('\t');

function read(text: string, chunkSize = 1 << 20): Timeline[] {
  const reader = new TableReader('a/b.tsv', 'b');
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += chunkSize) {
    reader.feed(octets.subarray(at, at + chunkSize));
  }
  return reader.finish();
}

function shown({ session, samples }: Timeline): string[] {
  return samples.map(
    ({ at, client, name, qtype, truth }) =>
      `${session} ${at} ${client} ${nameToText(name)} ${typeToText(qtype)} ${truth?.tool ?? '-'}`,
  );
}

describe('a table of queries', () => {
  const one = '0.5\tsite/10.0.0.1\tWWW.example.com\tTXT\tNOERROR\t90\t60\tTXT:x\tbenign\t-\t\ts1';
  const two = '1\tc\tab.t.example\tNULL\t\t\t\t\ttunnel\tiodine\tt.example\ts2';

  it('gives the queries of each session in the order of time', () => {
    const late = one.replace('0.5', '9').replace('WWW', 'late');
    const timelines = read([HEADER, late, two, one, ''].join('\n'));
    expect(timelines.flatMap(shown)).toEqual([
      's1 0.5 site/10.0.0.1 WWW.example.com TXT -',
      's1 9 site/10.0.0.1 late.example.com TXT -',
      's2 1 c ab.t.example NULL iodine',
    ]);
    expect(timelines[0]?.isLabelled).toBe(true);
    expect(timelines[0]?.samples[0]?.reply).toEqual({
      ...{ kind: 'row', rcode: 0, ttl: 60, records: 'TXT:x', length: 90 },
    });
    expect(timelines[1]?.samples[0]?.reply).toBe(null);
  });

  it('is the same in pieces of three octets, with carriage returns, without a last line feed', () => {
    const want = read([HEADER, one, two, ''].join('\n'));
    expect(read([HEADER, one, two].join('\r\n'), 3)).toEqual(want);
  });

  it('needs names only: one client, type A, a query a second, nothing known', () => {
    const [timeline] = read('qname\na.example\nb.example\n');
    expect(timeline === undefined ? [] : shown(timeline)).toEqual([
      ' 0 client a.example A -',
      ' 1 client b.example A -',
    ]);
    expect(timeline?.isLabelled).toBe(false);
  });

  it('has every octet of a name', () => {
    const [timeline] = read('qname\na\\.b.\\000\\255\xe4.example\n.\n');
    const names = timeline?.samples.map(({ name }) => Buffer.from(name).toString('hex'));
    expect(names).toEqual(['03612e620300ffe4076578616d706c6500', '00']);
  });

  const rows: readonly (readonly [string, string, string])[] = [
    ['an empty file', '', 'a/b.tsv:1: empty; the first line names the columns'],
    ['no header', 'a.example\tA\n', 'a/b.tsv:1: no column "qname" in the header'],
    ['a column twice', 'qname\tqname\n', 'a/b.tsv:1: a column stands twice in the header'],
    ['too few columns', 'qname\tt\na.example\n', 'a/b.tsv:2: 1 columns; the header has 2'],
    ['a label too long', `qname\n${'a'.repeat(64)}.example\n`, 'a/b.tsv:2: name "aaaa'],
    ['an empty label', 'qname\na.example\na..b\n', 'a/b.tsv:3: name "a..b" cannot be read'],
    ['a name too long', `qname\n${'abc.'.repeat(64)}\n`, 'a/b.tsv:2: name "abc.abc'],
    ['an escape over 255', 'qname\na\\256\n', 'a/b.tsv:2: name "a\\256" cannot be read'],
    ['an escape that ends', 'qname\na\\\n', 'a/b.tsv:2: name "a\\" cannot be read'],
    ['a time that is none', 'qname\tt\na\tsoon\n', 'a/b.tsv:2: t "soon" is no number'],
    ['a time before the first', 'qname\tt\na\t-1\n', 'a/b.tsv:2: t "-1" is no number of 0 or more'],
    ['a type that is none', 'qname\tqtype\na\tTXTT\n', 'a/b.tsv:2: type "TXTT"'],
    ['an rcode that is none', 'qname\trcode\na\tOK\n', 'a/b.tsv:2: rcode "OK"'],
    ['a label that is none', 'qname\tlabel\na\tbad\n', 'a/b.tsv:2: label "bad": benign or tunnel'],
    ['a line without end', `qname\n${'a'.repeat(70_000)}`, 'a/b.tsv:1: a line of more than'],
  ];
  it.each(rows)('%s is refused with its line', (_rule, text, want) => {
    expect(() => read(text)).toThrow(want);
  });
});
