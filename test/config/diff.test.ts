/** The unified diff, applied by the tools that people apply it with. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../src/config/diff.ts';
import { temporaryDirectory } from '../history/support/fixture.ts';

const TEN = Array.from({ length: 10 }, (_, i) => `line ${i}\n`).join('');

const rows: readonly { name: string; before: string; after: string }[] = [
  { name: 'a line that goes', before: TEN, after: TEN.replace('line 5\n', '') },
  { name: 'the first line', before: TEN, after: TEN.replace('line 0\n', '') },
  { name: 'the last line', before: TEN, after: TEN.replace('line 9\n', '') },
  { name: 'lines that come at the end', before: TEN, after: `${TEN}x\ny\n` },
  { name: 'a line that is another', before: TEN, after: TEN.replace('line 5', 'line five') },
  {
    name: 'changes far apart',
    before: TEN + TEN,
    after: `${TEN.replace('line 1\n', '')}${TEN.replace('line 8\n', 'a\nb\n')}`,
  },
  { name: 'no line feed at the end', before: 'a\nb', after: 'a\nb\nc' },
  { name: 'a file of which nothing is left', before: 'a\n', after: '' },
  { name: 'the same line many times', before: 'a\na\na\nb\na\n', after: 'a\na\nb\na\na\n' },
];

describe('a unified diff', () => {
  for (const { name, before, after } of rows) {
    for (const [tool, ...args] of [
      ['patch', '-p1', '-s', '-i', 'diff'],
      ['git', 'apply', 'diff'],
    ] as const) {
      it(`${name}: \`${tool}\` makes the new file of the old one`, () => {
        const folder = temporaryDirectory();
        writeFileSync(join(folder, 'file'), before);
        writeFileSync(join(folder, 'diff'), unifiedDiff('file', before, after));
        execFileSync(tool, args, { cwd: folder });
        expect(readFileSync(join(folder, 'file'), 'utf8')).toBe(after);
      });
    }
  }

  it('of two equal texts is empty', () => {
    expect(unifiedDiff('file', TEN, TEN)).toBe('');
  });
});
