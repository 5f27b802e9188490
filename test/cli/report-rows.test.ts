/** Rows of a report as text: what a column keeps of the row before must never show. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvText } from '../../src/cli/csv.ts';
import { csvLines, jsonObjects } from '../../src/cli/report-rows.ts';
import type { ReportColumn, Value } from '../../src/reports/report.ts';

interface Row {
  readonly text: string | null;
  readonly number: number;
  readonly atMs: number | null;
  readonly isSo: boolean;
}

const COLUMNS: readonly ReportColumn<Row>[] = [
  { title: 'text', field: 'text', look: 'text', of: ({ text }) => text },
  { title: 'number', field: 'number', look: 'number', of: ({ number }) => number },
  { title: 'at', field: 'at', look: 'time', of: ({ atMs }) => atMs },
  { title: 'so', field: 'is_so', look: 'text', of: ({ isSo }) => isSo },
];

/** Few values, so that many rows have the one of the row before. */
const ROWS = fc.array(
  fc.record({
    text: fc.constantFrom(null, '', 'a', 'a,"b"', '=1+1', 'x\u202ey', '0', 'null'),
    number: fc.constantFrom(0, -1, 1),
    atMs: fc.constantFrom(null, 0, 1_700_000_000_123),
    isSo: fc.boolean(),
  }),
);

function expected({ text, number, atMs, isSo }: Row): Record<string, Value> {
  const at = atMs === null ? null : new Date(atMs).toISOString();
  return { text: text === '' ? null : text, number, at, is_so: isSo };
}

describe('rows of a report', () => {
  it('are JSON objects with the values of their own row and no other', () => {
    fc.assert(
      fc.property(ROWS, (rows) => {
        const object = jsonObjects(COLUMNS);
        expect(rows.map((row) => JSON.parse(object(row)))).toEqual(rows.map(expected));
      }),
    );
  });

  it('are lines of CSV with the values of their own row and no other', () => {
    fc.assert(
      fc.property(ROWS, (rows) => {
        fc.pre(rows.length > 0);
        const line = csvLines(COLUMNS);
        const title = 'text,number,at,is_so\r\n';
        expect(title + rows.map(line).join('')).toBe(csvText(rows.map(expected)));
      }),
    );
  });

  it('let no character through that turns a terminal around', () => {
    const row = { text: 'x\u202ey', number: 1, atMs: null, isSo: true };
    expect(jsonObjects(COLUMNS)(row)).toContain('x\\u202ey');
    expect(csvLines(COLUMNS)(row)).toContain('x\\u{202e}y');
  });
});
