/** The tables of the demo, within 100 columns. */

import { escapeText } from '../../src/cli/escape.ts';
import type { Response } from '../../src/cli/query-message.ts';
import { type Column, renderTable } from '../../src/cli/table.ts';
import type { Asking } from './workloads.ts';

const WIDTH = 100;

export interface Answered {
  readonly asking: Asking;
  readonly response: Response;
}

/** A row of `first-seen` and `who`, as far as it is shown. */
export interface PairRow {
  readonly workload: string;
  readonly name: string;
  readonly domain: string;
  readonly first_seen: string;
  readonly first_source: string | null;
  readonly first_verdict: string;
  readonly queries: number;
  readonly denied: number;
  readonly names: number;
  readonly folded: number;
  readonly answers: readonly string[];
}

export interface WorkloadRow {
  readonly workload: string;
  readonly domains: number;
  readonly queries: number;
  readonly allowed: number;
  readonly denied: number;
  readonly cached: number;
  readonly last_seen: string;
}

export interface AlertRow {
  readonly type: string;
  readonly severity: number;
  readonly workload: string | null;
  readonly qname: string | null;
  readonly registrable_domain: string | null;
  readonly source: string | null;
  readonly verdict: string | null;
  readonly count: number;
  readonly reason: string;
}

export function heading(text: string): string {
  return `\n== ${text} ${'='.repeat(Math.max(3, WIDTH - text.length - 4))}\n`;
}

export function verdictTable(rows: readonly Answered[]): string {
  return table(
    ['source', 'workload', 'name', 'type', 'verdict', 'rcode', 'because'],
    rows.map(({ asking, response }) => [
      asking.source,
      asking.workload,
      asking.name,
      asking.type,
      response.denied ? 'denied' : 'allowed',
      response.rcode,
      asking.why,
    ]),
  );
}

/** What a denied client reads in its response, per name. */
export function deniedLines(rows: readonly Answered[]): string {
  return rows
    .map(({ asking, response }) => {
      const errors = response.errors.map(({ code, name, text }) => `EDE ${code} (${name}) ${text}`);
      return `${cut(`${asking.name} ${asking.type}`)}  ${wrap(errors.join(' '))}`;
    })
    .join('');
}

export function firstSeenTable(rows: readonly PairRow[]): string {
  return table(
    ['first seen', 'workload', 'domain', 'first verdict', 'source', 'answers'],
    rows.map((row) => [
      clock(row.first_seen),
      row.workload,
      row.domain,
      row.first_verdict,
      row.first_source ?? '',
      row.answers.join(' '),
    ]),
  );
}

export function whoTable(rows: readonly PairRow[]): string {
  return table(
    ['workload', 'name', 'first seen', 'source', 'queries', 'denied', 'names kept', 'folded'],
    rows.map((row) => [
      row.workload,
      row.name,
      clock(row.first_seen),
      row.first_source ?? '',
      String(row.queries),
      String(row.denied),
      String(row.names),
      String(row.folded),
    ]),
  );
}

export function workloadTable(rows: readonly WorkloadRow[]): string {
  return table(
    ['workload', 'domains', 'queries', 'allowed', 'denied', 'cached', 'last seen'],
    rows.map((row) => [
      row.workload,
      ...[row.domains, row.queries, row.allowed, row.denied, row.cached].map(String),
      clock(row.last_seen),
    ]),
  );
}

export function alertTable(rows: readonly AlertRow[]): string {
  return table(
    ['severity', 'alert', 'workload', 'source', 'domain', 'verdict', 'count'],
    rows.map((row) => [
      SEVERITIES[row.severity] ?? String(row.severity),
      row.type,
      row.workload ?? '',
      row.source ?? '',
      row.registrable_domain ?? '',
      row.verdict ?? '',
      String(row.count),
    ]),
  );
}

/** RFC 5424 table 2. */
const SEVERITIES = ['emerg', 'alert', 'crit', 'error', 'warning', 'notice', 'info', 'debug'];

/** Numbers to the right, like the columns that hold nothing else. */
const NUMBERS = ['domains', 'queries', 'allowed', 'denied', 'cached', 'count', 'folded'];

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns: Column[] = titles.map((title) => ({
    title,
    align: NUMBERS.includes(title) || title === 'names kept' ? 'right' : 'left',
  }));
  return renderTable(columns, rows)
    .split('\n')
    .slice(0, -1)
    .map((line) => cut(line))
    .join('');
}

/** One line of at most WIDTH columns. */
export function cut(line: string): string {
  const text = escapeText(line);
  return `${text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text}\n`;
}

/** A long line over several ones, the further ones indented; broken at spaces where there are any. */
export function wrap(line: string): string {
  const parts = escapeText(line).match(
    new RegExp(`.{1,${WIDTH - 4}}(?: |$)|.{1,${WIDTH - 4}}`, 'g'),
  );
  return `${(parts ?? []).map((part) => part.trimEnd()).join('\n    ')}\n`;
}

function clock(time: string): string {
  return `${time.slice(11, 19)}Z`;
}
