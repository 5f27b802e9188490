/** The text of metrics in both forms, and which of them a scraper gets. */

import { describe, expect, it } from 'vitest';
import { Exposition, type Format, formatFor } from '../../src/metrics/exposition.ts';
import { LATENCY_CELLS, observe } from '../../src/metrics/latency.ts';

function written(format: Format, write: (page: Exposition) => void): string[] {
  const page = new Exposition(format);
  write(page);
  return page.text().split('\n');
}

describe('the form follows the Accept header', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
    'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const rows: [string, string | undefined, Format][] = [
    ['none: text', undefined, 'text'],
    ['curl: text', '*/*', 'text'],
    ['Prometheus: OpenMetrics', prometheus, 'openmetrics'],
    ['OpenMetrics alone', 'application/openmetrics-text', 'openmetrics'],
    ['text before OpenMetrics', 'text/plain, application/openmetrics-text;q=0.5', 'text'],
    ['OpenMetrics refused by q=0', 'application/openmetrics-text;q=0', 'text'],
    ['a weight that is no number counts as none', 'application/openmetrics-text;q=x', 'text'],
    ['upper case', 'Application/OpenMetrics-Text', 'openmetrics'],
  ];
  it.each(rows)('%s', (_rule, accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});

describe('a counter', () => {
  const write = (page: Exposition) => page.counter('x_seconds', 'What it is.', [[{ a: 'b' }, 3]]);

  it('has _total in its family in text', () => {
    expect(written('text', write)).toEqual([
      '# HELP x_seconds_total What it is.',
      '# TYPE x_seconds_total counter',
      'x_seconds_total{a="b"} 3',
      '',
    ]);
  });

  it('has it in its samples only, a unit, and an end in OpenMetrics', () => {
    expect(written('openmetrics', write)).toEqual([
      '# HELP x_seconds What it is.',
      '# TYPE x_seconds counter',
      '# UNIT x_seconds seconds',
      'x_seconds_total{a="b"} 3',
      '# EOF',
      '',
    ]);
  });
});

describe('an info', () => {
  const write = (page: Exposition) => page.info('build', 'Which.', { version: '1' });

  it('is a gauge of 1 in text', () => {
    expect(written('text', write)).toContain('# TYPE build_info gauge');
    expect(written('text', write)).toContain('build_info{version="1"} 1');
  });

  it('is an info in OpenMetrics', () => {
    expect(written('openmetrics', write)).toContain('# TYPE build info');
    expect(written('openmetrics', write)).toContain('build_info{version="1"} 1');
  });
});

describe('labels and numbers', () => {
  const rows: [string, string, string][] = [
    ['quotes', 'a"b', 'g{l="a\\"b"} 1'],
    ['backslashes', 'a\\b', 'g{l="a\\\\b"} 1'],
    ['line ends', 'a\nb', 'g{l="a\\nb"} 1'],
    ['control characters', 'a\x1b[31mb\x00', 'g{l="a?[31mb?"} 1'],
  ];
  it.each(rows)('%s cannot leave their label', (_rule, label, line) => {
    const lines = written('text', (page) => page.gauge('g', 'h', [[{ l: label }, 1]]));
    expect(lines[2]).toBe(line);
  });

  it('writes what is no finite number as the formats want it', () => {
    const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e-7];
    const lines = written('text', (page) => {
      page.gauge(
        'g',
        'h',
        values.map((value) => [{}, value]),
      );
    });
    expect(lines.slice(2, -1)).toEqual(['g +Inf', 'g -Inf', 'g NaN', 'g 1e-7']);
  });
});

describe('a histogram', () => {
  const cells = new Float64Array(LATENCY_CELLS + 3);
  observe(cells, 3, 50, 2);
  observe(cells, 3, 60, 1);
  observe(cells, 3, 2_500_000, 1);
  observe(cells, 3, 9_000_000, 1);
  observe(cells, 3, -1, 1);
  const lines = written('text', (page) => page.latency('d', 'h', [{ labels: {}, cells, at: 3 }]));
  const rows: [string, string][] = [
    ['holds its bound and what is below, a clock that went back too', 'd_bucket{le="0.00005"} 3'],
    ['adds up', 'd_bucket{le="0.0001"} 4'],
    ['whole seconds have a point', 'd_bucket{le="1.0"} 4'],
    ['up to the last bound', 'd_bucket{le="5.0"} 5'],
    ['all', 'd_bucket{le="+Inf"} 6'],
    ['a count that is the last bucket', 'd_count 6'],
    ['a sum in seconds', 'd_sum 11.50016'],
  ];
  it.each(rows)('%s', (_rule, line) => {
    expect(lines).toContain(line);
  });
});
