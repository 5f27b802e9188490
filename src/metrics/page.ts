/**
 * Page: everything that is measured, in one text. Labels take their values from the configuration
 * and from lists in the code, never from a message: no client can make a series.
 */

import { type RowsUsage, usageOf } from '../detect/usage.ts';
import type { Resolver } from '../server/resolver.ts';
import { Exposition, type Format } from './exposition.ts';
import { writeAlerts, writeDetectors, writeHistory, writeRings } from './findings.ts';
import { writeOverrides } from './overrides.ts';
import { writeBudgets, writeFeeds, writePolicy } from './policy.ts';
import { writeProcess } from './process.ts';
import { type Counted, writeCache, writeQueries } from './queries.ts';
import { type UpstreamTotal, UpstreamTotals } from './upstream-totals.ts';
import { writeUpstreams } from './upstreams.ts';

/** A worker that does not say anything for so long is left out: a scrape is not held up. */
const ASK_MS = 1000;
/** Counting the rows in use reads a line of every row. */
const USAGE_MS = 60_000;

export class MetricsPage {
  readonly #resolver: Resolver;
  readonly #totals = new UpstreamTotals();
  #upstreams: readonly UpstreamTotal[] = [];
  #asking: Promise<void> | null = null;
  #usage: Readonly<Record<string, RowsUsage>> = {};
  #usageUntilMs = 0;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  async text(format: Format): Promise<string> {
    const resolver = this.#resolver;
    await this.#askUpstreams();
    const { workers, snapshot, alerts } = resolver;
    const page = new Exposition(format);
    const counters = workers.totals();
    const { meters } = workers;
    const counted: Counted = { counters, meter: meters.totals(), slots: meters.slots };
    const { config } = snapshot;
    writeProcess(page, resolver);
    writePolicy(page, resolver);
    writeQueries(page, counted);
    writeCache(page, counted, config.cache.sizeBytes * config.workers);
    writeUpstreams(page, this.#upstreams, config.workers, counters);
    writeFeeds(page, resolver, Date.now());
    writeBudgets(page, resolver, counters);
    writeOverrides(page, resolver);
    const stats = alerts.stats();
    writeAlerts(page, stats);
    writeDetectors(page, stats.findings, this.#rowsUsage());
    writeHistory(page, resolver.recorderStats);
    writeRings(page, workers.rings, counters);
    return page.text();
  }

  /** What was last said stays while a worker is silent or gone. */
  async #askUpstreams(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ASK_MS);
    this.#asking ??= this.#takeUpstreams();
    await Promise.race([this.#asking, late.promise]);
    clearTimeout(timer);
  }

  async #takeUpstreams(): Promise<void> {
    try {
      this.#upstreams = this.#totals.take(await this.#resolver.workers.upstreams());
    } catch {
      // A worker that died is told of in the log, and asked again once it is back.
    } finally {
      this.#asking = null;
    }
  }

  #rowsUsage(): Readonly<Record<string, RowsUsage>> {
    const nowMs = performance.now();
    if (nowMs >= this.#usageUntilMs) {
      this.#usage = usageOf(this.#resolver.workers.detect);
      this.#usageUntilMs = nowMs + USAGE_MS;
    }
    return this.#usage;
  }
}
