/** The ways out of a report: an aligned table, JSON, JSON lines, CSV, a page. */

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { DnsvalveError, messageOf } from '../errors.ts';
import type { Report } from '../reports/report.ts';
import type { CliContext } from './context.ts';
import { csvLine } from './csv.ts';
import { escapeText, safeJson } from './escape.ts';
import { csvLines, jsonObjects } from './report-rows.ts';
import { reportTable } from './report-table.ts';
import { titleStyle } from './table.ts';
import { formatTime, jsonTime, type Zone } from './time.ts';

/** Version of the JSON documents: raised when a field changes its meaning or goes. */
const DOCUMENT_VERSION = 1;
/** Rows that are made and written together. */
const CHUNK_ROWS = 5000;

export interface OutputOptions {
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly csv?: boolean;
  readonly patch?: boolean;
  readonly html?: string;
  readonly utc?: boolean;
}

/** @throws DnsvalveError USAGE where two forms are asked for */
export function refuseTwoForms({ json, jsonl, csv, patch, html }: OutputOptions): void {
  const forms = [json, jsonl, csv, patch, html === undefined ? undefined : true];
  if (forms.filter((form) => form === true).length < 2) return;
  throw new DnsvalveError('USAGE', '--json, --jsonl, --csv, --patch and --html: give one of them');
}

export async function printReport<Row>(
  report: Report<Row>,
  options: OutputOptions,
  context: CliContext,
): Promise<void> {
  const zone: Zone = options.utc === true ? 'utc' : 'local';
  for (const note of report.notes) context.stderr.write(`${escapeText(note)}\n`);
  if (options.html !== undefined) await writePage(report, options.html, { zone, context });
  else if (options.json === true) printJson(report, context);
  else if (options.jsonl === true) printLines(report, context);
  else if (options.csv === true) printCsv(report, context);
  else if (options.patch === true) printPatch(report, context);
  else printTable(report, zone, context);
}

interface Way {
  readonly zone: Zone;
  readonly context: CliContext;
}

async function writePage<Row>(report: Report<Row>, path: string, way: Way): Promise<void> {
  const { pageParts } = await import('../reports/html/page.ts');
  const { zone, context } = way;
  const style = { nowMs: context.now(), time: (ms: number) => formatTime(ms, zone) };
  try {
    const file = openSync(path, 'w');
    try {
      for (const part of pageParts(report, style)) writeFileSync(file, `${part}\n`);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new DnsvalveError('SYSTEM', `--html ${path}: ${messageOf(error)}`, error);
  }
  context.stderr.write(`written: ${escapeText(path)}\n`);
}

function printJson<Row>(report: Report<Row>, { stdout, now }: CliContext): void {
  const { command, facts, notes, columns, rows, patches } = report;
  const head = {
    version: DOCUMENT_VERSION,
    command,
    generated: jsonTime(now()),
    facts: Object.fromEntries(facts.map(([label, value]) => [label.replaceAll(' ', '_'), value])),
    notes,
    ...(patches === undefined ? {} : { patches }),
  };
  stdout.write(`${safeJson(head).slice(0, -1)},"rows":[`);
  const object = jsonObjects(columns);
  for (const [i, some] of chunks(rows).entries()) {
    stdout.write((i === 0 ? '' : ',') + some.map(object).join(','));
  }
  stdout.write(']}\n');
}

function printLines<Row>({ columns, rows }: Report<Row>, { stdout }: CliContext): void {
  const object = jsonObjects(columns);
  for (const some of chunks(rows)) stdout.write(some.map((row) => `${object(row)}\n`).join(''));
}

function printCsv<Row>({ columns, rows }: Report<Row>, { stdout }: CliContext): void {
  stdout.write(csvLine(columns.map(({ field }) => field)));
  const line = csvLines(columns);
  for (const some of chunks(rows)) stdout.write(some.map(line).join(''));
}

function printPatch<Row>({ whole, patches = [] }: Report<Row>, context: CliContext): void {
  context.stdout.write(whole?.text ?? '');
  for (const { subject, byHand } of patches) {
    for (const line of byHand) {
      context.stderr.write(`${escapeText(`${subject}: by hand: ${line}`)}\n`);
    }
  }
}

function printTable<Row>(report: Report<Row>, zone: Zone, context: CliContext): void {
  if (report.rows.length === 0) {
    context.stderr.write(`${report.empty}\n`);
    return;
  }
  for (const lines of reportTable(report, zone, titleStyle(context))) context.stdout.write(lines);
}

function chunks<Row>(rows: readonly Row[]): Row[][] {
  const count = Math.ceil(rows.length / CHUNK_ROWS);
  return Array.from({ length: count }, (_, i) => rows.slice(i * CHUNK_ROWS, (i + 1) * CHUNK_ROWS));
}
