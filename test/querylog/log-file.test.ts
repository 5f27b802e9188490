/** The file of the query log: rotation by size and count, torn lines, a disk that takes nothing. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogFile } from '../../src/querylog/log-file.ts';
import { makeFolder } from '../support/processes.ts';

const LINE = `${'x'.repeat(9)}\n`;

function read(folder: string): Record<string, string> {
  const names = readdirSync(folder).toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

describe('the file of the query log', () => {
  it('is put aside when it has grown to its size, and the oldest goes', () => {
    const folder = makeFolder();
    const file = new LogFile({ path: join(folder, 'q'), maxBytes: 20, maxFiles: 2 });
    for (const letter of 'abcdefghi') file.append([LINE.replaceAll('x', letter)]);
    const line = (letter: string): string => LINE.replaceAll('x', letter);
    expect(read(folder)).toEqual({
      q: line('i'),
      'q.1': line('g') + line('h'),
      'q.2': line('e') + line('f'),
    });
    expect(file.stats()).toEqual({ written: 9, lost: 0, rotations: 4, lastError: null });
    file.close();
  });

  it('starts anew where no files are kept beside it', () => {
    const folder = makeFolder();
    const file = new LogFile({ path: join(folder, 'q'), maxBytes: 10, maxFiles: 0 });
    for (const letter of 'ab') file.append([LINE.replaceAll('x', letter)]);
    expect(read(folder)).toEqual({ q: LINE.replaceAll('x', 'b') });
    file.close();
  });

  it('counts what was in the file before, and ends a line that a crash left open', () => {
    const folder = makeFolder();
    const path = join(folder, 'q');
    writeFileSync(path, `${LINE}half`);
    const file = new LogFile({ path, maxBytes: 100, maxFiles: 1 });
    file.append([LINE]);
    expect(read(folder)).toEqual({ q: `${LINE}half\n${LINE}` });
    file.close();
  });

  it('counts lines that cannot be written, says why, and goes on when they can', () => {
    const folder = makeFolder();
    const path = join(folder, 'q');
    mkdirSync(path);
    const file = new LogFile({ path, maxBytes: 100, maxFiles: 1 });
    file.append([LINE, LINE]);
    expect(file.stats()).toMatchObject({ written: 0, lost: 2 });
    expect(file.stats().lastError).toContain('EISDIR');
  });

  it('counts exactly what a full disk did not take', () => {
    const file = new LogFile({ path: '/dev/full', maxBytes: 1e9, maxFiles: 1 });
    file.append([LINE, LINE, LINE]);
    expect(file.stats()).toMatchObject({ written: 0, lost: 3 });
    expect(file.stats().lastError).toContain('ENOSPC');
    file.close();
  });
});
