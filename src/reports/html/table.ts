/** Rows of a report as a table of a page. */

import type { ReportColumn, Tone, Value } from '../report.ts';
import { span } from '../words.ts';
import { breakable, html } from './escape.ts';

export interface PageStyle {
  readonly nowMs: number;
  /** Date and time with its zone, as tables have it. */
  readonly time: (ms: number) => string;
}

/** Class of a cell by what is in it. */
const CLASSES = {
  text: '',
  name: 'm',
  number: 'n',
  time: 't',
  state: 's',
  place: 'l',
  prose: 'p',
} as const;

export function tableOf<Row>(
  columns: readonly ReportColumn<Row>[],
  rows: readonly Row[],
  caption: string,
  style: PageStyle,
): string {
  const heads = columns.map(({ title, look }) => {
    return `<th scope=col${look === 'number' ? ' class=n' : ''}>${html(capital(title))}</th>`;
  });
  const body = rows.map((row) => rowOf(columns, row, style));
  const label = `aria-label="${html(caption)}"`;
  return (
    `<div class=scroll tabindex=0 role=region ${label}><table>` +
    `<caption class=vh>${html(caption)}</caption>` +
    `<thead><tr>${heads.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
  );
}

function rowOf<Row>(columns: readonly ReportColumn<Row>[], row: Row, style: PageStyle): string {
  const tone = columns.find((column) => column.tone !== undefined)?.tone?.(row);
  const isFine = tone === 'good' || tone === 'calm';
  const cells = columns.map((column, i) => cellOf(column, row, { style, isHead: i === 0 }));
  return `<tr${isFine ? ' data-ok' : ''}>${cells.join('')}</tr>`;
}

interface CellWay {
  readonly style: PageStyle;
  /** The first cell names its row. */
  readonly isHead: boolean;
}

function cellOf<Row>(column: ReportColumn<Row>, row: Row, { style, isHead }: CellWay): string {
  const { look, of, tone } = column;
  const name = CLASSES[look];
  const open = isHead ? '<th scope=row' : '<td';
  const inner = innerOf(of(row), look, style, tone?.(row));
  return `${open}${name === '' ? '' : ` class=${name}`}>${inner}</${isHead ? 'th' : 'td'}>`;
}

function innerOf(
  value: Value,
  look: ReportColumn<never>['look'],
  style: PageStyle,
  tone: Tone = 'calm',
): string {
  if (value === null || value === '') return '<span class=e>–</span>';
  if (look === 'time') return timeOf(Number(value), style);
  if (look === 'number') return html(grouped(Number(value)));
  if (look === 'state') return `<b class=${tone}>${html(String(value))}</b>`;
  return look === 'name' || look === 'place' ? breakable(String(value)) : html(String(value));
}

function timeOf(ms: number, { nowMs, time }: PageStyle): string {
  const age = ms > nowMs ? `in ${span(ms - nowMs)}` : `${span(nowMs - ms)} ago`;
  const shown = html(time(ms).slice(0, 16));
  return `<time datetime="${new Date(ms).toISOString()}">${shown}</time><small>${age}</small>`;
}

function grouped(value: number): string {
  const [whole = '', part] = String(value).split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? text : `${text}.${part}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
