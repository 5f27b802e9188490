import { describe, expect, it } from 'vitest';
import { renderTable, titleStyle } from '../../src/cli/table.ts';

const COLUMNS = [{ title: 'name' }, { title: 'queries', align: 'right' as const }, { title: 'x' }];

describe('renderTable', () => {
  it('aligns text left and numbers right, and leaves no blanks at the end', () => {
    expect(
      renderTable(COLUMNS, [
        ['a.example', '7', 'y'],
        ['b', '12345678', ''],
      ]),
    ).toBe('NAME        QUERIES  X\na.example         7  y\nb          12345678  -\n');
  });

  it('escapes every cell and aligns what is seen', () => {
    expect(renderTable([{ title: 'n' }, { title: 'm' }], [['\x1b[1m', 'z']])).toBe(
      'N          M\n\\u{1b}[1m  z\n',
    );
  });

  const rows = [
    { name: 'a terminal gets bold titles', isTTY: true, env: {}, want: 'bold-titles' },
    { name: 'a pipe gets plain ones', isTTY: false, env: {}, want: 'plain' },
    { name: 'NO_COLOR asks for plain ones', isTTY: true, env: { NO_COLOR: '1' }, want: 'plain' },
    {
      name: 'an empty NO_COLOR asks nothing',
      isTTY: true,
      env: { NO_COLOR: '' },
      want: 'bold-titles',
    },
  ];
  for (const { name, isTTY, env, want } of rows) {
    it(name, () => {
      const stream = { write: () => true };
      const context = { stdout: stream, stderr: stream, now: () => 0, setExitCode: () => {} };
      expect(titleStyle({ ...context, isTTY, env })).toBe(want);
    });
  }
});
