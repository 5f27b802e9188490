/** Metrics of what is in force: the build, the policy, its feeds, its budgets. */

import { BUDGET_DENIED, BUDGET_UNAVAILABLE } from '../counters.ts';
import type { Resolver } from '../server/resolver.ts';
import { ruleCount } from '../server/snapshot.ts';
import type { Exposition, Sample } from './exposition.ts';

export function writePolicy(page: Exposition, resolver: Resolver): void {
  const { snapshot, lastReload } = resolver;
  const { config, memory } = snapshot;
  const one = (value: number): Sample[] => [[{}, value]];
  page.gauge('dnsvalve_policy_revision', 'Grows by one with every load.', one(memory.revision));
  page.gauge('dnsvalve_policy_workloads', 'Workloads of it.', one(config.workloads.length));
  page.gauge('dnsvalve_policy_rules', 'Rules of it.', one(ruleCount(snapshot)));
  page.gauge('dnsvalve_policy_prefixes', 'Prefixes of its workloads.', one(config.prefixes));
  const good =
    '1 when the last reload took effect, 0 when it was refused and the old policy stays.';
  page.gauge('dnsvalve_policy_last_reload_success', good, one(lastReload.error === null ? 1 : 0));
  const when = 'When that was; before the first reload, the start.';
  const seconds = one(lastReload.at / 1000);
  page.gauge('dnsvalve_policy_last_reload_timestamp_seconds', when, seconds);
  const took = 'How long the load took that is in force.';
  page.gauge('dnsvalve_policy_load_seconds', took, one(resolver.loadMs / 1000));
}

/** Exceptions and quarantines that are in force, and what they let through. */
export function writeOverrides(page: Exposition, resolver: Resolver): void {
  const { exceptions, quarantines } = resolver.overrides;
  page.gauge('dnsvalve_exceptions', 'Exceptions in force.', [[{}, exceptions.length]]);
  page.gauge('dnsvalve_quarantines', 'Quarantines in force, of workloads and of domains.', [
    [{ of: 'workload' }, quarantines.filter(({ workload }) => workload !== null).length],
    [{ of: 'domain' }, quarantines.filter(({ workload }) => workload === null).length],
  ]);
  const uses = resolver.overrideUse();
  const queries = uses.reduce((sum, use) => sum + use.queries, 0);
  page.counter('dnsvalve_exception_queries', 'Queries that exceptions let through.', [
    [{}, queries],
  ]);
}

/** @param nowMs wall clock */
export function writeFeeds(page: Exposition, resolver: Resolver, nowMs: number): void {
  const statuses = resolver.feedStatuses();
  const entries = statuses.map(({ name, category, action, entries }): Sample => {
    return [{ feed: name, category, action }, entries];
  });
  page.gauge('dnsvalve_feed_entries', 'Entries in force.', entries);
  const confirmed = statuses.flatMap(({ name, ageMs }): Sample[] =>
    ageMs === null ? [] : [[{ feed: name }, (nowMs - ageMs) / 1000]],
  );
  const when = 'When the list was written, or last confirmed by its server; none without a list.';
  page.gauge('dnsvalve_feed_last_success_timestamp_seconds', when, confirmed);
  const { feeds } = resolver.snapshot.config;
  // A file is as old as its author wants; only a URL can be late.
  const refresh = feeds.flatMap(({ name, source, refreshMs }): Sample[] =>
    source.kind === 'url' ? [[{ feed: name }, refreshMs / 1000]] : [],
  );
  page.gauge('dnsvalve_feed_refresh_seconds', 'How often a URL is to be asked.', refresh);
  const failing = statuses.map(({ name, lastError }): Sample => {
    return [{ feed: name }, lastError === null ? 0 : 1];
  });
  page.gauge('dnsvalve_feed_failing', '1 while its last refresh failed.', failing);
}

/** Only budgets that something was charged to. */
export function writeBudgets(page: Exposition, resolver: Resolver, counters: Float64Array): void {
  const statuses = resolver.accounts.statuses(resolver.snapshot.memory.budgets);
  // Two entries of one name and workload are one series: the fuller of them.
  const fullest = new Map<string, (typeof statuses)[number]>();
  for (const status of statuses) {
    const key = `${status.workload} ${status.name}`;
    const other = fullest.get(key);
    if (other === undefined || other.used / other.limit < status.used / status.limit) {
      fullest.set(key, status);
    }
  }
  const each = (value: (status: (typeof statuses)[number]) => number): Sample[] =>
    [...fullest.values()].map((status) => {
      return [{ workload: status.workload, entry: status.name }, value(status)];
    });
  const used = 'Charged for names within the window, by workload and allowlist entry.';
  page.gauge(
    'dnsvalve_budget_used_bytes',
    used,
    each(({ used }) => used),
  );
  page.gauge(
    'dnsvalve_budget_limit_bytes',
    'The limit of it.',
    each(({ limit }) => limit),
  );
  page.counter('dnsvalve_budget_denied', 'Queries beyond a budget.', [
    [{}, counters[BUDGET_DENIED] ?? 0],
  ]);
  page.counter('dnsvalve_budget_unavailable', 'Queries whose account was not to be had.', [
    [{}, counters[BUDGET_UNAVAILABLE] ?? 0],
  ]);
}
