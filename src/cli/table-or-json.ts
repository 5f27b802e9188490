/** Rows with a summary, in the form that was asked for: for commands that say what they found. */

import { DnsvalveError } from '../errors.ts';
import type { CliContext } from './context.ts';
import { csvText } from './csv.ts';
import { safeJson } from './escape.ts';
import type { OutputRow } from './reading.ts';
import { type Column, renderTable, titleStyle } from './table.ts';

export interface FormOptions {
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly csv?: boolean;
}

export interface Report {
  readonly columns: readonly Column[];
  readonly rows: readonly OutputRow[];
  /** Fields of the JSON document beside `version` and `rows`. */
  readonly head: Readonly<Record<string, unknown>>;
}

/** Version of the JSON documents: raised when a field changes its meaning or goes. */
const DOCUMENT_VERSION = 1;

export function refuseTwoForms({ json, jsonl, csv }: FormOptions): void {
  if ([json, jsonl, csv].filter((form) => form === true).length < 2) return;
  throw new DnsvalveError('USAGE', '--json, --jsonl and --csv: give one of them');
}

export function printReport(report: Report, options: FormOptions, context: CliContext): void {
  const { columns, rows, head } = report;
  const { stdout } = context;
  const documents = rows.map(({ document }) => document);
  if (options.json === true) {
    stdout.write(`${safeJson({ version: DOCUMENT_VERSION, ...head, rows: documents })}\n`);
  } else if (options.jsonl === true) {
    stdout.write(documents.map((document) => `${safeJson(document)}\n`).join(''));
  } else if (options.csv === true) {
    stdout.write(csvText(documents));
  } else if (rows.length > 0) {
    const cells = rows.map((row) => row.cells);
    stdout.write(renderTable(columns, cells, titleStyle(context)));
  }
}
