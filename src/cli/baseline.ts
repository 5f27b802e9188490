/** The baseline of a workload as a row and as a document. */

import type { BaselineReport } from '../baseline/reading.ts';
import { DEFAULTS, learningText } from '../baseline/settings.ts';
import type { Bounds } from '../baseline/usual.ts';
import type { OutputRow } from './reading.ts';
import type { Column } from './table.ts';

export const BASELINE_COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'baseline' },
  { title: 'now', align: 'right' },
  { title: 'usual now', align: 'right' },
  { title: 'new usual', align: 'right' },
  { title: 'domains/h', align: 'right' },
  { title: 'domains/d', align: 'right' },
  { title: 'nxdomain', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'hour' },
  { title: '00 to 24 UTC' },
];

const BARS = ' ▁▂▃▄▅▆▇█';

export function baselineRow(workload: string, report: BaselineReport): OutputRow {
  const { usual, now, byHour, domainsPerHour, domainsPerDay } = report;
  return {
    cells: [
      workload,
      learningText(usual.learntHours, DEFAULTS.learningHours),
      String(now?.queries ?? 0),
      rangeText([usual.queries.low, usual.queries.high]),
      rangeText([usual.fresh.low, usual.fresh.high]),
      rangeText(domainsPerHour),
      rangeText(domainsPerDay),
      percent(report.nxdomainShare),
      percent(report.failedShare),
      usual.isUnusualHour === null ? '' : usual.isUnusualHour ? 'unusual' : 'usual',
      sparkline(byHour),
    ],
    document: documentOf(workload, report),
  };
}

function documentOf(workload: string, report: BaselineReport): Record<string, unknown> {
  const { usual, now } = report;
  return {
    workload,
    watched_hours: usual.learntHours,
    learning_hours: DEFAULTS.learningHours,
    unusual_hour: usual.isUnusualHour,
    this_hour: {
      queries: now?.queries ?? 0,
      new_domains: now?.fresh ?? 0,
      nxdomain: now?.nxdomain ?? 0,
      domains: now?.domains ?? 0,
    },
    usual: {
      queries: rangeOf(usual.queries),
      new_domains: rangeOf(usual.fresh),
      nxdomain: rangeOf(usual.nxdomain),
      domains_per_hour: pair(report.domainsPerHour),
      domains_per_day: pair(report.domainsPerDay),
      nxdomain_share: report.nxdomainShare,
      failed_share: report.failedShare,
    },
    queries_by_hour_of_day: report.byHour,
    active_by_hour_of_week: report.activeWeeks,
  };
}

function rangeOf({ low, high }: Bounds): { low: number; high: number } {
  return { low, high };
}

function pair([low, high]: readonly [number, number]): { low: number; high: number } {
  return { low, high };
}

function rangeText([low, high]: readonly [number, number]): string {
  return low === high ? String(low) : `${low}-${high}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A bar for each hour; what is silent has none. */
export function sparkline(shares: readonly number[]): string {
  const most = Math.max(...shares);
  if (most === 0) return '';
  return shares
    .map((share) => BARS[share === 0 ? 0 : Math.max(1, Math.round((share / most) * 8))])
    .join('');
}
