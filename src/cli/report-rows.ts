/**
 * Rows of a report as text, for a report of hundreds of thousands of them. Rows that follow each
 * other share most of their values (workload, owner, list), so a column keeps the text of its last
 * one.
 */

import type { ReportColumn, Value } from '../reports/report.ts';
import { csvCell } from './csv.ts';
import { safeJson } from './escape.ts';
import { jsonTime } from './time.ts';

/** Writes the text of a value as data have it: times in RFC 3339, null for what is not said. */
type Form = (value: string | number | boolean | null) => string;

const CSV: Form = csvCell;
const JSON_TEXT: Form = safeJson;

class ColumnText<Row> {
  readonly #column: ReportColumn<Row>;
  readonly #before: string;
  readonly #form: Form;
  #value: Value | undefined = undefined;
  #text = '';

  /** @param before stands before every value */
  constructor(column: ReportColumn<Row>, before: string, form: Form) {
    this.#column = column;
    this.#before = before;
    this.#form = form;
  }

  of(row: Row): string {
    const value = this.#column.of(row);
    if (value === this.#value) return this.#text;
    this.#value = value;
    this.#text = this.#before + this.#form(this.#dataOf(value));
    return this.#text;
  }

  #dataOf(value: Value): Value {
    if (value === '' || value === null) return null;
    return this.#column.look === 'time' ? jsonTime(Number(value)) : value;
  }
}

/** @returns what makes the line of a row, with its end */
export function csvLines<Row>(columns: readonly ReportColumn<Row>[]): (row: Row) => string {
  const texts = columns.map((column, i) => new ColumnText(column, i === 0 ? '' : ',', CSV));
  return (row) => `${joined(texts, row)}\r\n`;
}

/** @returns what makes the JSON object of a row, with every column as a member */
export function jsonObjects<Row>(columns: readonly ReportColumn<Row>[]): (row: Row) => string {
  const texts = columns.map((column, i) => {
    const member = `${i === 0 ? '' : ','}${safeJson(column.field)}:`;
    return new ColumnText(column, member, JSON_TEXT);
  });
  return (row) => `{${joined(texts, row)}}`;
}

function joined<Row>(texts: readonly ColumnText<Row>[], row: Row): string {
  let line = '';
  for (const text of texts) line += text.of(row);
  return line;
}
