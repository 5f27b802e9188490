/** Metrics of exceptions and quarantines. Counts only: their names are for the store. */

import type { Resolver } from '../server/resolver.ts';
import type { Exposition } from './exposition.ts';

export function writeOverrides(page: Exposition, resolver: Resolver): void {
  const { exceptions, quarantines } = resolver.overrides;
  page.gauge('dnsvalve_exceptions', 'Exceptions that are open.', [[{}, exceptions.length]]);
  page.gauge('dnsvalve_quarantines', 'Workloads and domains that are contained.', [
    [{}, quarantines.length],
  ]);
  const queries = resolver.overrideUse().reduce((sum, use) => sum + use.queries, 0);
  page.counter('dnsvalve_exception_queries', 'Queries that an exception let through.', [
    [{}, queries],
  ]);
}
