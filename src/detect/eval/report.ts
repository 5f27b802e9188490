/** The report of an evaluation for people: aligned tables, each with a line above that names it. */

import { type Column, renderTable } from '../../cli/table.ts';
import type { Evaluation } from './evaluate.ts';
import type {
  CaptureFigures,
  Found,
  SourceFigures,
  ToolFigures,
  TrafficFigures,
} from './figures.ts';
import type { Spread } from './statistics.ts';

type Style = 'plain' | 'bold-titles';

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, align: 'right' });

/** The whole report. */
export function reportText(evaluation: Evaluation, style: Style): string {
  const { benign, unlabelled } = evaluation;
  const parts = [
    settingsText(evaluation),
    toolsText(evaluation, style),
    missedText(evaluation, style),
    benign === null ? '' : trafficText('Benign traffic', benign, style),
    unlabelled === null ? '' : trafficText('Traffic without labels', unlabelled, style),
    rocText(evaluation, style),
    transformsText(evaluation, style),
    costText(evaluation),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function settingsText({ settings, replayed, captures }: Evaluation): string {
  const { files, clients, queries, forwarded, seconds } = replayed;
  const lines = [
    `${count(queries)} queries of ${count(clients)} clients in ${count(files)} files, ` +
      `${count(forwarded)} went upstream; replayed in ${seconds.toFixed(1)} s`,
    `policy: ${settings.config ?? 'each client a workload that may ask for everything'}; ` +
      `tunnel threshold ${settings.tunnel_threshold} bytes, action ${settings.tunnel_action}`,
    ...captures.map(captureText),
  ];
  return `${lines.join('\n')}\n`;
}

function captureText(capture: CaptureFigures): string {
  const { file, frames, queries_udp, queries_tcp, fragments, cut, unreadable, tcp_gaps } = capture;
  return (
    `${file}: ${count(frames)} frames, ${count(queries_udp)} queries over UDP and ` +
    `${count(queries_tcp)} over TCP; left out: ${count(fragments)} fragments, ${count(cut)} cut, ` +
    `${count(unreadable)} no plain question, ${count(tcp_gaps)} gaps in TCP`
  );
}

const TOOL_COLUMNS: readonly Column[] = [
  left('tool'),
  ...['<300', '300-1000', '>=1000', 'slow', 'no zone', 'queries', 'p95', 'max'].map(right),
  ...['octets', 'p95', 'max'].map(right),
  left('first told as'),
];

function toolsText({ tools, main }: Evaluation, style: Style): string {
  if (tools.length === 0) return '';
  const rows = tools.map((tool) => [...toolCells(tool), kinds(tool)]);
  const total = ['300 or more', '', ...[share(main), '', '', '']];
  rows.push([
    ...total,
    ...spreadCells(main.queries_to_alarm),
    ...spreadCells(main.octets_to_alarm),
  ]);
  const heading =
    'Sessions found, of all, by the octets of their distinct names; queries and octets until\n' +
    'the alarm: median, p95, max (the leak bound). Slow: below 300 octets in any day.\n';
  const rates = `recall ${rate(main.recall)}, precision ${rate(main.precision)}\n`;
  return heading + renderTable(TOOL_COLUMNS, rows, style) + rates;
}

function toolCells({ tool, by_size, queries_to_alarm, octets_to_alarm }: ToolFigures): string[] {
  const { small, medium, large, slow, zoneless } = by_size;
  return [
    tool,
    ...[small, medium, large, slow, zoneless].map(share),
    ...spreadCells(queries_to_alarm),
    ...spreadCells(octets_to_alarm),
  ];
}

function kinds({ first_alarm }: ToolFigures): string {
  return Object.entries(first_alarm)
    .map(([type, sessions]) => `${type} ${sessions}`)
    .join(', ');
}

/** Lines of a list that a person reads; `--json` has all. */
const LINES_MAX = 40;

function missedText({ missed }: Evaluation, style: Style): string {
  if (missed.length === 0) return '';
  const rows = missed
    .slice(0, LINES_MAX)
    .map(({ source, session, tool, size, queries, octets }) => [
      ...[source, session, tool, size, String(queries), String(octets)],
    ]);
  const columns = [left('source'), left('session'), left('tool'), left('size')];
  const heading = `Sessions not found${more(missed.length)}\n`;
  return heading + renderTable([...columns, right('queries'), right('octets')], rows, style);
}

const TRAFFIC_COLUMNS: readonly Column[] = [
  left('source'),
  ...['queries', 'upstream', 'denied', 'clients', 'client-days', 'pairs', 'alarms'].map(right),
  ...['other', 'per 10k queries', 'per client-day', 'per 100k pairs'].map(right),
];

function trafficText(title: string, traffic: TrafficFigures, style: Style): string {
  const { sources, total, alerts } = traffic;
  const rows = [...sources, total].map(sourceCells);
  const heading = `${title}: alarms of data in names and answers, and other alerts\n`;
  const bound =
    `at most ${figure(total.at_most_per_client_day)} alarms per client-day and ` +
    `${figure(total.at_most_per_100000_pairs)} per 100,000 pairs (95 % Poisson bound)\n`;
  const table = renderTable(TRAFFIC_COLUMNS, rows, style) + unmappedText(total.unmapped);
  return heading + table + bound + alertsText(alerts, style);
}

function unmappedText(queries: number): string {
  return queries === 0 ? '' : `${count(queries)} queries of sources that no workload claims\n`;
}

function sourceCells(row: SourceFigures): string[] {
  return [
    row.source,
    ...[row.queries, row.forwarded, row.denied, row.clients].map(String),
    row.client_days.toFixed(3),
    ...[row.pairs, row.alarms, row.other_alerts].map(String),
    figure(row.alerts_per_10000_queries),
    figure(row.alarms_per_client_day),
    figure(row.alarms_per_100000_pairs),
  ];
}

function alertsText(alerts: TrafficFigures['alerts'], style: Style): string {
  if (alerts.length === 0) return '';
  const rows = alerts
    .slice(0, LINES_MAX)
    .map(({ client, type, domain, summary, count: times, seconds }) => [
      ...[client, type, domain, `${Math.round(seconds)}`, String(times), summary],
    ]);
  const columns = [left('client'), left('type'), left('domain'), right('second'), right('told')];
  const heading = `Each of them${more(alerts.length)}\n`;
  return heading + renderTable([...columns, left('why')], rows, style);
}

function rocText({ roc }: Evaluation, style: Style): string {
  if (roc.length === 0) return '';
  const columns = ['threshold', 'found', 'recall', 'false', 'per client-day', 'per 100k pairs'];
  const more = ['queries', 'p95', 'max', 'octets', 'p95', 'max'];
  const rows = roc.map((point) => [
    String(point.threshold),
    share(point),
    rate(point.recall),
    String(point.alarms),
    figure(point.alarms_per_client_day),
    figure(point.alarms_per_100000_pairs),
    ...spreadCells(point.queries_to_alarm),
    ...spreadCells(point.octets_to_alarm),
  ]);
  const heading = 'By tunnel threshold (bytes): sessions of 300 octets or more, and false alarms\n';
  return heading + renderTable([...columns, ...more].map(right), rows, style);
}

function transformsText({ transforms }: Evaluation, style: Style): string {
  if (transforms.length === 0) return '';
  const columns = ['found', '>=1000', 'queries', 'p95', 'max', 'octets', 'p95', 'max'];
  const rows = transforms.map((row) => [
    row.transform,
    share(row),
    share(row.large),
    ...spreadCells(row.queries_to_alarm),
    ...spreadCells(row.octets_to_alarm),
  ]);
  const heading = 'The same sessions changed: what a tool could do to stay unseen\n';
  return heading + renderTable([left('transform'), ...columns.map(right)], rows, style);
}

function costText({ cost }: Evaluation): string {
  if (cost === null) return '';
  return (
    `Cost: ${cost.examine_ns.toFixed(0)} ns to examine a question that goes upstream, ` +
    `${cost.examine_answer_ns.toFixed(0)} ns its answer (mean of ${count(cost.queries)}, median ` +
    `of ${cost.passes} passes); state ${count(cost.state_octets)} octets\n`
  );
}

function spreadCells({ median, p95, max }: Spread): string[] {
  return [median, p95, max].map((value) => (value === null ? '' : String(value)));
}

function share({ found, sessions }: Found): string {
  return sessions === 0 ? '' : `${found}/${sessions}`;
}

function rate(value: number | null): string {
  return value === null ? '-' : value.toFixed(4);
}

function figure(value: number | null): string {
  return value === null ? '' : String(Number(value.toPrecision(3)));
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function more(length: number): string {
  return length > LINES_MAX ? ` (the first ${LINES_MAX} of ${count(length)}; --json has all)` : '';
}
