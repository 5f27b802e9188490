import { describe, expect, it } from 'vitest';
import { readIndicators } from '../../src/cli/indicators.ts';

describe('a list of indicators', () => {
  const rows: { name: string; line: string; want: string[] }[] = [
    { name: 'takes a name in any case', line: 'EVIL.Example.', want: ['example.evil.'] },
    { name: 'takes brackets around dots away', line: 'evil[.]example', want: ['example.evil.'] },
    { name: 'knows a written dot', line: 'evil(dot)example', want: ['example.evil.'] },
    {
      name: 'takes the host of a URL that is not to be clicked on',
      line: 'hxxps://user@evil[.]example:8443/a?b#c',
      want: ['example.evil.'],
    },
    { name: 'takes a pattern for its domain', line: '*.evil.example', want: ['example.evil.'] },
    {
      name: 'takes an adblock rule for its domain',
      line: '||evil.example^',
      want: ['example.evil.'],
    },
    {
      name: 'takes the name of a hosts line',
      line: '0.0.0.0 evil.example',
      want: ['example.evil.'],
    },
    { name: 'takes the first cell of a CSV', line: '"evil.example",bad', want: ['example.evil.'] },
    {
      name: 'takes U-labels as A-labels',
      line: 'bücher.example',
      want: ['example.xn--bcher-kva.'],
    },
    { name: 'leaves out a remark', line: 'evil.example # seen by us', want: ['example.evil.'] },
    { name: 'leaves out a line of remarks', line: '# evil.example', want: [] },
    { name: 'leaves out an empty line', line: '   ', want: [] },
  ];
  for (const { name, line, want } of rows) {
    it(name, () => {
      expect(readIndicators(line)).toEqual({ names: want, addresses: 0, problems: [] });
    });
  }

  it('has each name once, counts addresses and says which lines hold neither', () => {
    const text = 'a.example\r\nA.example\n192.0.2.1\n2001:db8::1\na..b\n.\n';
    const { names, addresses, problems } = readIndicators(text);
    expect({ names, addresses }).toEqual({ names: ['example.a.'], addresses: 2 });
    expect(problems).toEqual([
      '5: "a..b": not a domain name',
      '6: ".": every name is below the root',
    ]);
  });
});
