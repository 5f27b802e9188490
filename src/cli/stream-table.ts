/**
 * A table without an end: lines come while those before them are printed already, so a column is as
 * wide as the widest cell so far.
 */

import type { CliContext } from './context.ts';
import { escapeText } from './escape.ts';
import { type Column, lineOf, titleStyle, titlesOf } from './table.ts';

export class StreamTable {
  readonly #columns: readonly Column[];
  readonly #context: CliContext;
  #widths: number[] | null = null;

  constructor(columns: readonly Column[], context: CliContext) {
    this.#columns = columns;
    this.#context = context;
  }

  /** The lines of some rows, after the titles where they are the first. */
  lines(rows: readonly (readonly string[])[]): string {
    const cells = rows.map((row) => row.map((cell) => (cell === '' ? '-' : escapeText(cell))));
    const titles = this.#columns.map(({ title }) => title.toUpperCase());
    const before = this.#widths ?? titles.map(({ length }) => length);
    const widths = before.map((width, i) =>
      cells.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), width),
    );
    const head =
      this.#widths === null ? titlesOf(this.#columns, widths, titleStyle(this.#context)) : '';
    this.#widths = widths;
    return head + cells.map((row) => lineOf(this.#columns, widths, row)).join('');
  }
}
