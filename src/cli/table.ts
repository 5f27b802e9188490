/**
 * Aligned tables, the same on a terminal and in a pipe. Every cell is escaped here, so no command
 * can forget it.
 */

import type { CliContext } from './context.ts';
import { escapeText } from './escape.ts';

export interface Column {
  readonly title: string;
  /** Numbers are right-aligned. */
  readonly align?: 'left' | 'right';
}

/** Between two columns. */
export const GAP = '  ';
const BOLD = '\x1b[1m';
const PLAIN = '\x1b[0m';

/** Lines of the table, title line first, each with its line feed. Empty cells print as `-`. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: 'plain' | 'bold-titles' = 'plain',
): string {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const cells = rows.map((row) => row.map((cell) => (cell === '' ? '-' : escapeText(cell))));
  const widths = titles.map((title, i) =>
    cells.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), title.length),
  );
  const head = titlesOf(columns, widths, style);
  return head + cells.map((row) => lineOf(columns, widths, row)).join('');
}

/** The line of titles. */
export function titlesOf(
  columns: readonly Column[],
  widths: readonly number[],
  style: 'plain' | 'bold-titles',
): string {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const heading = lineOf(columns, widths, titles);
  return style === 'plain' ? heading : `${BOLD}${heading.trimEnd()}${PLAIN}\n`;
}

/** One line of cells that are escaped, with its line feed. */
export function lineOf(
  columns: readonly Column[],
  widths: readonly number[],
  row: readonly string[],
): string {
  const cells = row.map((cell, i) => pad(cell, widths[i] ?? 0, columns[i]?.align ?? 'left'));
  return `${cells.join(GAP).trimEnd()}\n`;
}

/** Titles are bold on a terminal, unless NO_COLOR (no-color.org) asks for none. */
export function titleStyle({ isTTY, env }: CliContext): 'plain' | 'bold-titles' {
  return isTTY && (env['NO_COLOR'] ?? '') === '' ? 'bold-titles' : 'plain';
}

export function pad(text: string, width: number, align: 'left' | 'right'): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width);
}
