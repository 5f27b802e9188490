/** Rows of a report as a table of a page. */

import { jsonTime } from '../../cli/time.ts';
import type { Look, ReportColumn, Tone, Value } from '../report.ts';
import { span, thousands } from '../words.ts';
import { breakable, html } from './escape.ts';

export interface PageStyle {
  readonly nowMs: number;
  /** Date and time with its zone, as tables have it. */
  readonly time: (ms: number) => string;
}

/** The same for all tables of a page, so that their columns stand below each other. */
export interface PageLook<Row> {
  readonly style: PageStyle;
  readonly columns: readonly ReportColumn<Row>[];
}

/** Class of a cell by what is in it, and its share of the width. */
const LOOKS = {
  text: ['', 15],
  name: ['m', 24],
  number: ['n', 9],
  time: ['t', 14.5],
  state: ['s', 14],
  place: ['l', 14],
  prose: ['p', 20],
} as const;

export function tableOf<Row>(rows: readonly Row[], caption: string, look: PageLook<Row>): string {
  const { columns, style } = look;
  const heads = columns.map(({ title, look: kind }) => {
    return `<th scope=col${kind === 'number' ? ' class=n' : ''}>${html(capital(title))}</th>`;
  });
  const cells = columns.map((column, i) => new Cells(column, { style, isHead: i === 0 }));
  const body = rows.map((row) => rowOf(row, look, cells));
  const label = `aria-label="${html(caption)}"`;
  return (
    `<div class=scroll tabindex=0 role=region ${label}><table>` +
    `<caption class=vh>${html(caption)}</caption><colgroup>${widthsOf(columns)}</colgroup>` +
    `<thead><tr>${heads.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`
  );
}

function widthsOf<Row>(columns: readonly ReportColumn<Row>[]): string {
  const whole = columns.reduce((sum, { look }) => sum + LOOKS[look][1], 0);
  const part = (look: Look): string => ((100 * LOOKS[look][1]) / whole).toFixed(1);
  return columns.map(({ look }) => `<col style="width:${part(look)}%">`).join('');
}

function rowOf<Row>(row: Row, { columns }: PageLook<Row>, cells: readonly Cells<Row>[]): string {
  const tone = columns.find((column) => column.tone !== undefined)?.tone?.(row);
  const isFine = tone === 'good' || tone === 'calm';
  let text = '';
  for (const column of cells) text += column.of(row);
  return `<tr${isFine ? ' data-ok' : ''}>${text}</tr>`;
}

interface CellWay {
  readonly style: PageStyle;
  /** The first cell names its row. */
  readonly isHead: boolean;
}

/** The cells of one column. One that is like the one above it is not made again. */
class Cells<Row> {
  readonly #column: ReportColumn<Row>;
  readonly #way: CellWay;
  #value: Value | undefined = undefined;
  #second: string | undefined = undefined;
  #tone: Tone | undefined = undefined;
  #text = '';

  constructor(column: ReportColumn<Row>, way: CellWay) {
    this.#column = column;
    this.#way = way;
  }

  of(row: Row): string {
    const { of, tone, below } = this.#column;
    const [value, second, own] = [of(row), below?.(row) ?? '', tone?.(row)];
    if (value === this.#value && second === this.#second && own === this.#tone) return this.#text;
    [this.#value, this.#second, this.#tone] = [value, second, own];
    this.#text = cellOf(this.#column.look, { value, second, tone: own }, this.#way);
    return this.#text;
  }
}

interface Said {
  readonly value: Value;
  /** '' for none. */
  readonly second: string;
  readonly tone: Tone | undefined;
}

function cellOf(look: Look, { value, second, tone }: Said, { style, isHead }: CellWay): string {
  const [name] = LOOKS[look];
  const open = isHead ? '<th scope=row' : '<td';
  const inner = innerOf(value, look, style, tone);
  const small = second === '' ? '' : `<small>${breakable(second)}</small>`;
  return `${open}${name === '' ? '' : ` class=${name}`}>${inner}${small}</${isHead ? 'th' : 'td'}>`;
}

function innerOf(value: Value, look: Look, style: PageStyle, tone: Tone = 'calm'): string {
  if (value === null || value === '') return '';
  if (look === 'time') return timeOf(Number(value), style);
  if (look === 'number') return html(grouped(Number(value)));
  if (look === 'state') return `<b class=${tone}>${html(String(value))}</b>`;
  return look === 'name' || look === 'place' ? breakable(String(value)) : html(String(value));
}

function timeOf(ms: number, { nowMs, time }: PageStyle): string {
  const age = ms > nowMs ? `in ${span(ms - nowMs)}` : `${span(nowMs - ms)} ago`;
  const shown = html(time(ms).slice(0, 16));
  return `<time datetime="${jsonTime(ms)}">${shown}</time><small>${age}</small>`;
}

function grouped(value: number): string {
  if (Number.isInteger(value)) return thousands(value);
  const [whole = '', part] = String(value).split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? text : `${text}.${part}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
