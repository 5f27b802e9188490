import { describe, expect, it } from 'vitest';
import { csvText } from '../../src/cli/csv.ts';

describe('CSV', () => {
  const rows: { name: string; value: unknown; want: string }[] = [
    { name: 'leaves plain text as it is', value: 'a.example', want: 'a.example' },
    { name: 'quotes a comma', value: 'a,b', want: '"a,b"' },
    { name: 'doubles a quote within', value: 'say "no"', want: '"say ""no"""' },
    { name: 'makes text of a formula', value: '=1+1', want: "'=1+1" },
    { name: 'makes text of a sum', value: '+1', want: "'+1" },
    { name: 'makes text of a difference', value: '-x.example', want: "'-x.example" },
    { name: 'makes text of a reference', value: '@SUM(A1)', want: "'@SUM(A1)" },
    { name: 'makes text of a formula in full-width signs', value: '＝1', want: "'＝1" },
    {
      name: 'quotes a formula that has a quote, too',
      value: '=HYPERLINK("x")',
      want: `"'=HYPERLINK(""x"")"`,
    },
    {
      name: 'lets no line break and no tab through',
      value: '\t=1\r\n',
      want: '\\u{9}=1\\u{d}\\u{a}',
    },
    { name: 'leaves a negative number a number', value: -4, want: '-4' },
    { name: 'has nothing for null', value: null, want: '' },
    {
      name: 'has words for a list',
      value: ['192.0.2.1', '192.0.2.2'],
      want: '192.0.2.1 192.0.2.2',
    },
    { name: 'makes text of a list that begins as a formula', value: ['=1'], want: "'=1" },
    { name: 'has JSON for a list that nests', value: [{ a: 1 }], want: '"[{""a"":1}]"' },
  ];
  for (const { name, value, want } of rows) {
    it(name, () => expect(csvText([{ value }])).toBe(`value\r\n${want}\r\n`));
  }

  it('has every field of every document once, and those of an object within by its name', () => {
    const text = csvText([
      { a: 1, usual: { low: 2, high: 3 } },
      { a: 4, b: 5 },
    ]);
    expect(text).toBe('a,usual.low,usual.high,b\r\n1,2,3,\r\n4,,,5\r\n');
  });

  it('is empty without documents', () => expect(csvText([])).toBe(''));
});
