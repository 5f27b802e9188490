/** The status document as tables for people. */

import { renderTable } from './table.ts';

/** The parts of the status document that are shown. */
interface Status {
  readonly pid: number;
  readonly uptime_seconds: number;
  readonly io: string;
  readonly workers: number;
  readonly listen: readonly { address: string; port: number; transport: string }[];
  readonly policy: Readonly<Record<string, unknown>>;
  readonly memory: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly feeds: readonly FeedRow[];
  readonly upstreams: readonly (readonly ServerRow[])[];
  readonly history: Readonly<Record<string, unknown>> | null;
  readonly rate_limited: readonly LimitedRow[];
  readonly budgets: readonly BudgetRow[];
  readonly detection: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly alerts: {
    readonly emitted: number;
    readonly findings: Readonly<Record<string, { told: number; denied: number }>>;
    readonly sinks: readonly SinkRow[];
    readonly spool: Readonly<Record<string, unknown>>;
  };
  readonly storage: readonly StoreRow[];
  readonly baseline: Readonly<Record<string, unknown>> | null;
  readonly query_log: QueryLogPart | null;
}

interface StoreRow {
  readonly name: string;
  readonly waiting: number;
  readonly lost: number;
  readonly error: string | null;
}

interface QueryLogPart {
  readonly shed: number;
  readonly query_log: { written: number; lost: number; last_error: string | null } | null;
  readonly dnstap: { sent: number; lost: number; last_error: string | null } | null;
}

interface BudgetRow {
  readonly workload: string;
  readonly name: string;
  readonly limit: number;
  readonly seconds: number;
  readonly action: string;
  readonly used: number;
  readonly answers: number;
}

interface LimitedRow {
  readonly workload: string;
  readonly queries: number;
  readonly limit: string;
}

interface FeedRow {
  readonly name: string;
  readonly action: string;
  readonly entries: number;
  readonly age_ms: number | null;
  readonly load_ms: number;
  readonly last_error: string | null;
}

interface ServerRow {
  readonly group: string;
  readonly server: string;
  readonly state: string;
  readonly srtt_ms: number;
  readonly sent: number;
  readonly tcp: number;
  readonly last_error: string | null;
  readonly timeouts: number;
}

interface SinkRow {
  readonly name: string;
  readonly sent: number;
  readonly dropped: number;
  readonly queued: number;
  readonly suppressed: number;
  readonly last_error: string | null;
}

export function statusText(status: Status): string {
  return [
    pairs('resolver', {
      pid: status.pid,
      uptime_seconds: status.uptime_seconds,
      io: status.io,
      workers: status.workers,
      listen: status.listen
        .map(({ address, port, transport }) => `${address} port ${port} (${transport})`)
        .join(', '),
    }),
    pairs('policy', { ...status.policy, files: undefined }),
    pairs('memory', status.memory),
    pairs('counters', nonZero(status.counters)),
    feedTable(status.feeds),
    serverTable(status.upstreams.flat()),
    status.history === null ? '' : pairs('history', status.history),
    rowsTable(status.detection),
    findingTable(status.alerts.findings),
    status.baseline === null ? '' : pairs('baseline', status.baseline),
    sinkTable(status.alerts.sinks),
    queryLogTable(status.query_log),
    pairs('alert spool', status.alerts.spool),
    storageTable(status.storage),
    limitedTable(status.rate_limited),
    budgetTable(status.budgets),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function pairs(title: string, values: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => [key.replaceAll('_', ' '), String(value)]);
  return rows.length === 0 ? '' : renderTable([{ title }, { title: '' }], rows);
}

function nonZero(counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).filter(([name, count]) => count !== 0 && name !== 'progress'),
  );
}

function feedTable(feeds: readonly FeedRow[]): string {
  if (feeds.length === 0) return '';
  const columns = ['feed', 'action', 'entries', 'age', 'load ms', 'problem'];
  return renderTable(
    columns.map((title) => ({ title })),
    feeds.map(({ name, action, entries, age_ms, load_ms, last_error }) => [
      name,
      action,
      String(entries),
      age_ms === null ? 'never' : `${Math.round(age_ms / 1000)} s`,
      String(Math.round(load_ms)),
      last_error ?? '',
    ]),
  );
}

function serverTable(servers: readonly ServerRow[]): string {
  if (servers.length === 0) return '';
  const columns = ['upstream', 'server', 'state', 'srtt ms', 'sent', 'timeouts', 'error'];
  return renderTable(
    columns.map((title) => ({ title })),
    servers.map(({ group, server, state, srtt_ms, sent, tcp, timeouts, last_error }) => [
      group,
      server,
      state,
      srtt_ms.toFixed(1),
      String(sent + tcp),
      String(timeouts),
      last_error ?? '',
    ]),
  );
}

function rowsTable(detection: Status['detection']): string {
  const columns = ['ledgers', 'rows', 'used', 'evicted', 'contended'];
  return renderTable(
    columns.map((title) => ({ title })),
    Object.entries(detection).map(([name, { rows, used, evicted, contended }]) =>
      [name, rows, used, evicted, contended].map(String),
    ),
  );
}

function findingTable(findings: Status['alerts']['findings']): string {
  const rows = Object.entries(findings).map(([name, { told, denied }]) =>
    [name, told, denied].map(String),
  );
  if (rows.length === 0) return '';
  return renderTable(
    ['found by', 'queries', 'denied'].map((title) => ({ title })),
    rows,
  );
}

function sinkTable(sinks: readonly SinkRow[]): string {
  if (sinks.length === 0) return '';
  const columns = ['sink', 'sent', 'dropped', 'queued', 'suppressed', 'problem'];
  return renderTable(
    columns.map((title) => ({ title })),
    sinks.map(({ name, sent, dropped, queued, suppressed, last_error }) => [
      name,
      ...[sent, dropped, queued, suppressed].map(String),
      last_error ?? '',
    ]),
  );
}

function queryLogTable(part: QueryLogPart | null): string {
  if (part === null) return '';
  const { shed, query_log: file, dnstap } = part;
  const rows = [
    ...(file === null ? [] : [['query log', file.written, file] as const]),
    ...(dnstap === null ? [] : [['dnstap', dnstap.sent, dnstap] as const]),
  ];
  return renderTable(
    ['every query', 'written', 'lost', 'problem'].map((title) => ({ title })),
    [
      ['before both', '', String(shed), ''],
      ...rows.map(([name, done, { lost, last_error }]) => [
        ...[name, String(done), String(lost), last_error ?? ''],
      ]),
    ],
  );
}

function storageTable(stores: readonly StoreRow[]): string {
  return renderTable(
    ['on the disk', 'waiting', 'lost', 'problem'].map((title) => ({ title })),
    stores.map(({ name, waiting, lost, error }) => [
      ...[name, String(waiting), String(lost), error ?? ''],
    ]),
  );
}

function limitedTable(limited: readonly LimitedRow[]): string {
  if (limited.length === 0) return '';
  const columns = ['asked too much', 'queries refused or dropped', 'limit'];
  return renderTable(
    columns.map((title) => ({ title })),
    limited.map(({ workload, queries, limit }) => [workload, String(queries), limit]),
  );
}

function budgetTable(budgets: readonly BudgetRow[]): string {
  if (budgets.length === 0) return '';
  const columns = ['workload', 'budget of', 'beyond', 'limit', 'window', 'used', 'answers'];
  return renderTable(
    columns.map((title) => ({ title })),
    budgets.map(({ workload, name, action, limit, seconds, used, answers }) => [
      ...[workload, name, action, `${limit} B`, `${seconds} s`, `${used} B`, `${answers} B`],
    ]),
  );
}
