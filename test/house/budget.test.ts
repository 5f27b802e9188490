/** The house's budget: lengths, comments that open files, and words that must not stay. */

import { describe, expect, it } from 'vitest';
import { codeOf, functions, type SourceFile, sources } from './sources.ts';

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;
/** Files whose length is that of a table of cases. */
const TEST_FILE_LINES_MAX = 700;

const src = sources('src', '.ts', '.c', '.h', '.js');
const test = sources('test', '.ts');

/** A link or a regular expression cannot be broken in two. */
function isTooLong(line: string): boolean {
  if (line.length <= COLUMNS_MAX) return false;
  return !/https?:\/\/\S{60}/.test(line) && !/^\s*\/\S+\/[a-z]*[;,]$/.test(line);
}

function linesOf(list: readonly SourceFile[], isWrong: (line: string) => boolean): string[] {
  return list.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (isWrong(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('budget', () => {
  it(`no file of src has more than ${FILE_LINES_MAX} lines`, () => {
    const long = src.filter(({ lines }) => lines.length - 1 > FILE_LINES_MAX);
    expect(long.map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([]);
  });

  it(`no file of test has more than ${TEST_FILE_LINES_MAX} lines`, () => {
    const long = test.filter(({ lines }) => lines.length - 1 > TEST_FILE_LINES_MAX);
    expect(long.map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([]);
  });

  it(`no function of src has more than ${FUNCTION_LINES_MAX} lines`, () => {
    const all = src.filter(({ path }) => path.endsWith('.ts'));
    const found = all.flatMap((file) =>
      functions(file).map((one) => ({ path: file.path, ...one })),
    );
    expect(found.length).toBeGreaterThan(800);
    const long = found.filter(({ lines }) => lines > FUNCTION_LINES_MAX);
    expect(long.map(({ path, name, lines }) => `${path} ${name}: ${lines}`)).toEqual([]);
  });

  it(`no line of src has more than ${COLUMNS_MAX} columns`, () => {
    expect(linesOf(src, isTooLong)).toEqual([]);
  });

  it('nothing is left for later', () => {
    const later = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|XX${'X'})\\b`);
    expect(linesOf([...src, ...test], (line) => later.test(line))).toEqual([]);
  });

  it('every file of src opens by saying what it is', () => {
    const silent = src.filter(({ text }) => !/^(#![^\n]*\n)?\s*\/(\*\*|\*|\/)/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('nothing that strangers could guess comes from Math.random', () => {
    const careful = src.filter(({ path }) => /^src\/(upstream|wire|cache|server)\//.test(path));
    const wrong = careful.filter((file) => codeOf(file).includes('Math.random'));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe('how the house measures', () => {
  const file = (text: string): SourceFile => ({ path: 'x.ts', text, lines: text.split('\n') });

  it('finds functions, methods and arrow functions with their lengths', () => {
    const text = [
      'export function one(a: number): number {',
      '  if (a) {',
      '    return 1;',
      '  }',
      '  return 2;',
      '}',
      'class C {',
      '  #two(',
      '    a: number,',
      '  ): void {',
      '    call(a);',
      '  }',
      '}',
      'const three = (a: number) => {',
      '  call(a);',
      '};',
    ].join('\n');
    expect(functions(file(text)).map(({ name, lines }) => [name, lines])).toEqual([
      ['one', 6],
      ['#two', 5],
      ['three', 3],
    ]);
  });
});
