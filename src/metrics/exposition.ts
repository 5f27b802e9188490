/**
 * Exposition: metrics as text, in the form that Prometheus has always read (0.0.4) or as
 * OpenMetrics 1.0. Both have the same series under the same names.
 *
 * `_created` is left out: it would be one more series for every counter, all with the time that
 * `process_start_time_seconds` tells.
 */

import { BOUNDS_US, CELL_ABOVE, CELL_SUM } from './latency.ts';

export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** A histogram: labels, and where its cells are (metrics/latency.ts). */
export interface LatencySample {
  readonly labels: Labels;
  readonly cells: Float64Array;
  readonly at: number;
}

/** The units that OpenMetrics wants to hear of: the last word of a name. */
const UNITS = ['seconds', 'bytes'];

export class Exposition {
  readonly #format: Format;
  readonly #lines: string[] = [];

  constructor(format: Format) {
    this.#format = format;
  }

  /** @param name without `_total`, which its samples get */
  counter(name: string, help: string, samples: readonly Sample[]): void {
    const family = this.#format === 'text' ? `${name}_total` : name;
    this.#family({ family, name, type: 'counter' }, help);
    for (const [labels, value] of samples) this.#sample(`${name}_total`, labels, value);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#family({ family: name, name, type: 'gauge' }, help);
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  /** What does not change while the program runs. @param name without `_info` */
  info(name: string, help: string, labels: Labels): void {
    const isText = this.#format === 'text';
    const family = isText ? `${name}_info` : name;
    this.#family({ family, name, type: isText ? 'gauge' : 'info' }, help);
    this.#sample(`${name}_info`, labels, 1);
  }

  /** Seconds. */
  latency(name: string, help: string, samples: readonly LatencySample[]): void {
    this.#family({ family: name, name, type: 'histogram' }, help);
    for (const { labels, cells, at } of samples) {
      let count = 0;
      for (const [bucket, bound] of BOUNDS_US.entries()) {
        count += cells[at + bucket] ?? 0;
        this.#sample(`${name}_bucket`, { ...labels, le: boundText(bound) }, count);
      }
      count += cells[at + CELL_ABOVE] ?? 0;
      this.#sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count);
      this.#sample(`${name}_sum`, labels, (cells[at + CELL_SUM] ?? 0) / 1e6);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  text(): string {
    const end = this.#format === 'openmetrics' ? '# EOF\n' : '';
    return `${this.#lines.join('\n')}\n${end}`;
  }

  #family({ family, name, type }: { family: string; name: string; type: string }, help: string) {
    const unit = UNITS.find((word) => name.endsWith(`_${word}`));
    this.#lines.push(`# HELP ${family} ${escapeHelp(help)}`, `# TYPE ${family} ${type}`);
    if (this.#format === 'openmetrics' && unit !== undefined && type !== 'info') {
      this.#lines.push(`# UNIT ${family} ${unit}`);
    }
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    const inside = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
    this.#lines.push(`${name}${inside} ${numberText(value)}`);
  }
}

/** OpenMetrics writes bounds with a point, and a bound must be the same text in both forms. */
function boundText(us: number): string {
  const text = (us / 1e6).toFixed(6).replace(/0+$/, '');
  return text.endsWith('.') ? `${text}0` : text;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** Control characters never reach whoever shows the page. */
function escapeLabel(text: string): string {
  return escapeHelp(text)
    .replaceAll('"', '\\"')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}

/** The form that a scraper asks for by its Accept header. */
export function formatFor(accept: string | undefined): Format {
  const weights = new Map<string, number>();
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((part) => part.startsWith('q='))?.slice(2);
    const weight = q === undefined ? 1 : Number(q);
    weights.set(type, Math.max(weights.get(type) ?? 0, Number.isNaN(weight) ? 0 : weight));
  }
  const open = weights.get('application/openmetrics-text') ?? 0;
  return open > 0 && open >= (weights.get('text/plain') ?? 0) ? 'openmetrics' : 'text';
}
