/**
 * Rows of a report as text, for a report of hundreds of thousands of them. Rows that follow each
 * other share most of their values (workload, owner, list), so a column keeps the text of its last
 * one.
 */

import type { ReportColumn, Value } from '../reports/report.ts';
import { csvCell } from './csv.ts';
import { safeJson } from './escape.ts';
import { jsonTime } from './time.ts';

/** The text of a value of a column; the same for the same value. */
type Form<Row> = (value: Value, column: ReportColumn<Row>) => string;

/** What a column says of a row, in a form. */
export class ColumnText<Row> {
  readonly #column: ReportColumn<Row>;
  readonly #form: Form<Row>;
  #value: Value | undefined = undefined;
  #text = '';

  constructor(column: ReportColumn<Row>, form: Form<Row>) {
    this.#column = column;
    this.#form = form;
  }

  of(row: Row): string {
    const value = this.#column.of(row);
    if (value === this.#value) return this.#text;
    this.#value = value;
    this.#text = this.#form(value, this.#column);
    return this.#text;
  }
}

/** As data have it: times in RFC 3339, null for what is not said. */
function dataOf(value: Value, { look }: Pick<ReportColumn<unknown>, 'look'>): Value {
  if (value === '' || value === null) return null;
  return look === 'time' ? jsonTime(Number(value)) : value;
}

/** @returns what makes the line of a row, with its end */
export function csvLines<Row>(columns: readonly ReportColumn<Row>[]): (row: Row) => string {
  const texts = columns.map((column, i) => {
    const before = i === 0 ? '' : ',';
    return new ColumnText(column, (value, { look }) => before + csvCell(dataOf(value, { look })));
  });
  return (row) => `${joined(texts, row)}\r\n`;
}

/** @returns what makes the JSON object of a row, with every column as a member */
export function jsonObjects<Row>(columns: readonly ReportColumn<Row>[]): (row: Row) => string {
  const texts = columns.map((column, i) => {
    const member = `${i === 0 ? '' : ','}${safeJson(column.field)}:`;
    return new ColumnText(column, (value, { look }) => member + safeJson(dataOf(value, { look })));
  });
  return (row) => `{${joined(texts, row)}}`;
}

function joined<Row>(texts: readonly ColumnText<Row>[], row: Row): string {
  let line = '';
  for (const text of texts) line += text.of(row);
  return line;
}
