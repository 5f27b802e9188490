/**
 * A report of hundreds of thousands of rows as an aligned table. Its cells are kept column by
 * column, and one that repeats is made and padded once: of 200,000 rows a table took 0.7 s, a third
 * of it to collect the lists of every row.
 */

import type { Report, ReportColumn, Value } from '../reports/report.ts';
import { columnsFor } from '../reports/report.ts';
import { escapeText } from './escape.ts';
import { ColumnText } from './report-rows.ts';
import { type Column, GAP, pad, titlesOf } from './table.ts';
import { formatTime, type Zone } from './time.ts';

/** Rows that are made and written together. */
const CHUNK_ROWS = 5000;

interface Cells {
  readonly column: Column;
  readonly width: number;
  /** One for each row, escaped; `-` for what is not said. */
  readonly texts: readonly string[];
}

/** Columns in which every cell is empty are left out. @returns the lines, some at a time */
export function* reportTable<Row>(
  report: Report<Row>,
  zone: Zone,
  style: 'plain' | 'bold-titles',
): Generator<string> {
  const all = columnsFor(report, 'table').map((column) => cellsOf(column, report.rows, zone));
  const columns = all.map(({ column }) => column);
  yield titlesOf(
    columns,
    all.map(({ width }) => width),
    style,
  );
  const padded = all.map((cells) => padder(cells));
  for (let from = 0; from < report.rows.length; from += CHUNK_ROWS) {
    const end = Math.min(from + CHUNK_ROWS, report.rows.length);
    let lines = '';
    for (let i = from; i < end; i++) lines += lineOf(padded, i);
    yield lines;
  }
}

function cellsOf<Row>(column: ReportColumn<Row>, rows: readonly Row[], zone: Zone): Cells {
  const { title, look } = column;
  const text = new ColumnText(column, (value) => cellOf(value, look, zone));
  const texts = rows.map((row) => text.of(row));
  let width = title.length;
  for (const { length } of texts) width = Math.max(width, length);
  return { column: { title, align: look === 'number' ? 'right' : 'left' }, width, texts };
}

function cellOf(value: Value, look: ReportColumn<unknown>['look'], zone: Zone): string {
  if (value === null || value === '') return '-';
  return escapeText(look === 'time' ? formatTime(Number(value), zone) : String(value));
}

/** @returns the cell of a row, as wide as its column */
function padder({ column, width, texts }: Cells): (row: number) => string {
  let last = '';
  let cell = '';
  return (row) => {
    const text = texts[row] ?? '';
    if (text !== last) [last, cell] = [text, pad(text, width, column.align ?? 'left')];
    return cell;
  };
}

function lineOf(cells: readonly ((row: number) => string)[], row: number): string {
  return `${cells
    .map((cell) => cell(row))
    .join(GAP)
    .trimEnd()}\n`;
}
