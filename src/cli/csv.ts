/**
 * Rows as CSV (RFC 4180): a line of titles, CRLF, and nothing in a cell that a spreadsheet would
 * run. Names come from whoever asks for them, so `=cmd(...)` as a label is only a matter of time.
 */

import { escapeText } from './escape.ts';

type Document = Readonly<Record<string, unknown>>;

const LINE_END = '\r\n';
/** What a spreadsheet takes for the begin of a formula; an apostrophe before it makes it text. */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;
/** Neither a formula nor anything to escape: most cells, told by one look in place of three. */
const SAFE = /^[A-Za-z0-9*(][A-Za-z0-9*() ./:_-]*$/;

/** Titles and rows; '' without rows, because titles are those of the rows. */
export function csvText(documents: readonly Document[]): string {
  const titles = csvTitles(documents);
  return titles.length === 0 ? '' : csvLine(titles) + csvRows(titles, documents);
}

/** Every field that a document has, in the order of their first use. */
export function csvTitles(documents: readonly Document[]): string[] {
  return [...new Set(documents.flatMap((document) => Object.keys(flat(document))))];
}

export function csvRows(titles: readonly string[], documents: readonly Document[]): string {
  return documents
    .map((document) => flat(document))
    .map((cells) => csvLine(titles.map((title) => cells[title] ?? '')))
    .join('');
}

export function csvLine(cells: readonly string[]): string {
  return cells.map(quoted).join(',') + LINE_END;
}

/** Fields of an object within are named `outer.inner`; lists are words, or JSON where they nest. */
function flat(document: Document, prefix = ''): Record<string, string> {
  const cells: Record<string, string> = {};
  for (const [key, value] of Object.entries(document)) {
    if (isPlainObject(value)) Object.assign(cells, flat(value, `${prefix}${key}.`));
    else cells[prefix + key] = cellOf(value);
  }
  return cells;
}

function isPlainObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Not quoted yet. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return harmless(String(value));
  const nests = value.some((item) => typeof item === 'object' && item !== null);
  return harmless(nests ? JSON.stringify(value) : value.join(' '));
}

/** Applied to text only: a negative number is no formula. */
function harmless(text: string): string {
  if (SAFE.test(text)) return text;
  const safe = escapeText(text);
  return FORMULA.test(safe) ? `'${safe}` : safe;
}

/** One value as it stands in a line. */
export function csvCell(value: unknown): string {
  return quoted(cellOf(value));
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
