/** Flows as a drawing for a page: workloads on the left, domains on the right, bands between. */

import type { Flow, Rhythm } from '../flows.ts';
import { lineWidth } from '../graph.ts';
import { counted, thousands } from '../words.ts';
import { html } from './escape.ts';

/** More would be a thicket: the table below has them all. */
const FLOWS_MAX = 60;
const WIDTH = 1120;
const ROW = 27;
const TOP = 34;
const LEFT = 250;
const RIGHT = WIDTH - 290;

interface Column {
  readonly names: readonly string[];
  yOf(name: string): number;
}

/** '' where there is nothing to draw. */
export function flowMap(flows: readonly Flow[]): string {
  if (flows.length === 0) return '';
  const drawn = flows.toSorted((a, b) => b.queries - a.queries).slice(0, FLOWS_MAX);
  const rows = Math.max(distinct(drawn, 'workload').length, distinct(drawn, 'domain').length);
  const height = TOP + rows * ROW + 10;
  const left = columnOf(distinct(drawn, 'workload'), height);
  const right = columnOf(byPartner(drawn, left), height);
  const bands = drawn.toReversed().map((flow) => bandOf(flow, left, right));
  const rest = drawn.length < flows.length ? `, the ${drawn.length} largest` : '';
  const label = `Map of ${counted(flows.length, 'flow')}${rest}; the tables below say the same`;
  return (
    `<figure class=drawing><svg viewBox="0 0 ${WIDTH} ${height}" role=img ` +
    `aria-label="${html(label)}">` +
    `<g class=head><text x=${LEFT} y=16 text-anchor=end>Workload</text>` +
    `<text x=${RIGHT} y=16>Registrable domain</text></g>` +
    `${bands.join('')}${nodesOf(left, 'left')}${nodesOf(right, 'right')}</svg>` +
    `<figcaption>${html(label)}. The wider a band, the more queries, by orders of magnitude. ` +
    `${keyOf('steady')}${keyOf('now and then')}${keyOf('new')}${keyOf('stopped')}` +
    '</figcaption></figure>'
  );
}

function keyOf(rhythm: Rhythm): string {
  return `<span class=key><i class=${classOf(rhythm)}></i>${rhythm}</span>`;
}

function classOf(rhythm: Rhythm): string {
  return rhythm === 'now and then' ? 'other' : rhythm;
}

function distinct(flows: readonly Flow[], field: 'workload' | 'domain'): string[] {
  return [...new Set(flows.map((flow) => flow[field]))];
}

function columnOf(names: readonly string[], height: number): Column {
  const step = (height - TOP - 10) / names.length;
  const places = new Map(names.map((name, i) => [name, TOP + step * (i + 0.5)]));
  return { names, yOf: (name) => places.get(name) ?? TOP };
}

/** Domains in the order of those who ask for them, so that few bands cross. */
function byPartner(flows: readonly Flow[], left: Column): string[] {
  const sums = new Map<string, { y: number; count: number }>();
  for (const { workload, domain } of flows) {
    const sum = sums.get(domain) ?? { y: 0, count: 0 };
    sums.set(domain, { y: sum.y + left.yOf(workload), count: sum.count + 1 });
  }
  const mean = ([, { y, count }]: [string, { y: number; count: number }]): number => y / count;
  return [...sums].sort((a, b) => mean(a) - mean(b)).map(([name]) => name);
}

function bandOf({ workload, domain, queries, rhythm }: Flow, left: Column, right: Column): string {
  const [x0, y0, x1, y1] = [LEFT + 14, left.yOf(workload), RIGHT - 14, right.yOf(domain)];
  const bend = (x0 + x1) / 2;
  const [from, to] = [y0.toFixed(1), y1.toFixed(1)];
  const path = `M${x0} ${from}C${bend} ${from} ${bend} ${to} ${x1} ${to}`;
  const title = html(`${workload} to ${domain}: ${thousands(queries)} queries, ${rhythm}`);
  const width = (lineWidth(queries) * 1.9).toFixed(1);
  const look = `class=${classOf(rhythm)} stroke-width=${width}`;
  return `<path ${look} d="${path}"><title>${title}</title></path>`;
}

function nodesOf(column: Column, side: 'left' | 'right'): string {
  const isLeft = side === 'left';
  const x = isLeft ? LEFT : RIGHT;
  return column.names
    .map((name) => {
      const y = column.yOf(name);
      const shown = name.length > 34 ? `${name.slice(0, 33)}…` : name;
      const anchor = isLeft ? ' text-anchor=end' : '';
      return (
        `<circle cx=${isLeft ? x + 9 : x - 9} cy=${y.toFixed(1)} r=4 />` +
        `<text x=${x} y=${(y + 4.5).toFixed(1)}${anchor}>${html(shown)}</text>`
      );
    })
    .join('');
}
