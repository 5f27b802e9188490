/**
 * The feeds of one configuration in the control plane: their texts, their downloads, their state.
 *
 * A new configuration gets a new FeedSet; what was downloaded stays on disk and is found again. It
 * swaps nothing: it says that a list changed, and its owner compiles and publishes.
 */

import { readFile, stat } from 'node:fs/promises';
import type { Feed } from '../config/types.ts';
import { DnsvalveError, messageOf, type Problem, ProblemsError } from '../errors.ts';
import {
  buildReputation,
  type Compiled,
  type FeedInput,
  type FeedReport,
  type RuleTexts,
} from './compile.ts';
import { FETCH_OCTETS_MAX, FETCH_TIMEOUT_MS, fetchFeed } from './fetch.ts';
import { type CopyMeta, LastGood } from './last-good.ts';
import { type HashKey, inspectFeed, loadReputation } from './loader.ts';
import type { Reject } from './rejects.ts';
import { delayAfterFailure, delayAfterSuccess } from './schedule.ts';

export interface FeedSetOptions {
  /** Copies are kept in its folder `feeds`. */
  readonly stateDirectory: string;
  readonly hashKey: HashKey;
  /** Compile in this thread, which has the hash key set, instead of another. */
  readonly compilesHere?: boolean;
  readonly timeoutMs?: number;
  readonly octetsMax?: number;
  readonly random?: () => number;
  readonly wallMs?: () => number;
}

/** What `status` shows of a feed. */
export interface FeedStatus {
  readonly name: string;
  readonly category: string;
  readonly action: 'deny' | 'alert';
  /** Path, URL, or `inline`. */
  readonly source: string;
  readonly entries: number;
  readonly rejects: readonly Reject[];
  /** Since the file was written, or the server last confirmed the list; null when there is none. */
  readonly ageMs: number | null;
  /** Why the last download or its use failed; null when it did not. */
  readonly lastError: string | null;
  readonly loadMs: number;
  readonly bytes: number;
}

/** What came of a feed so far; plain data, so that one thread can go on where another stopped. */
export interface FeedProgress {
  report: FeedReport | null;
  /** Wall clock of what is in use; null when nothing is. */
  sinceMs: number | null;
  lastError: string | null;
}

/** What this feed went through since the start. */
interface FeedState extends FeedProgress {
  readonly feed: Feed;
  failures: number;
  timer: NodeJS.Timeout | null;
}

export class FeedSet {
  readonly #states: readonly FeedState[];
  readonly #options: Required<FeedSetOptions>;
  readonly #copies: LastGood;
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** @param progress of a set of the same feeds in another thread, to go on with */
  constructor(
    feeds: readonly Feed[],
    options: FeedSetOptions,
    progress: readonly FeedProgress[] = [],
  ) {
    this.#options = {
      compilesHere: false,
      timeoutMs: FETCH_TIMEOUT_MS,
      octetsMax: FETCH_OCTETS_MAX,
      random: Math.random,
      wallMs: Date.now,
      ...options,
    };
    this.#copies = new LastGood(options.stateDirectory);
    this.#states = feeds.map((feed, index) => ({
      feed,
      ...(progress[index] ?? { report: null, sinceMs: null, lastError: null }),
      failures: 0,
      timer: null,
    }));
  }

  /**
   * Reads every list as it is now (files again from disk, URLs from their last good copy) and
   * compiles them, in another thread unless told otherwise. A URL without a copy is an empty list.
   *
   * @throws ProblemsError FEED with every file that is missing or holds no entry, at `feed.at`
   */
  async compile(rules: RuleTexts): Promise<Compiled> {
    const problems: Problem[] = [];
    const inputs: FeedInput[] = [];
    for (const state of this.#states) {
      const octets = await this.#read(state, problems);
      inputs.push({ feed: state.feed, octets });
    }
    if (problems.length > 0) throw new ProblemsError('FEED', problems);
    const { compilesHere, hashKey } = this.#options;
    const compiled = compilesHere
      ? buildReputation(inputs, rules)
      : await loadReputation(inputs, rules, hashKey);
    for (const [index, report] of compiled.reports.entries()) {
      const state = this.#states[index];
      if (state === undefined) continue;
      state.report = report;
      if (isUnusable(state.feed, report)) problems.push(unusable(state.feed, report));
    }
    if (problems.length > 0) throw new ProblemsError('FEED', problems);
    return compiled;
  }

  /**
   * Starts the clocks of the URL feeds; call it after the first `compile`.
   *
   * @param changed a list was replaced; what it throws is the feed's `lastError`
   */
  async start(changed: (feed: string) => Promise<void>): Promise<void> {
    for (const state of this.#states) {
      const url = urlOf(state.feed);
      if (url === null) continue;
      const meta = await this.#copies.meta(state.feed.name, url);
      const due = meta === null ? 0 : meta.fetchedMs + state.feed.refreshMs - this.#now();
      // A clock that was set back must not put the next download years away.
      this.#arm(state, changed, Math.min(Math.max(due, 0), state.feed.refreshMs));
    }
  }

  /** Fetches one URL feed now. @returns whether its list changed @throws DnsvalveError FEED */
  async refresh(name: string): Promise<boolean> {
    const state = this.#states.find(({ feed }) => feed.name === name);
    const url = state === undefined ? null : urlOf(state.feed);
    if (state === undefined || url === null) {
      throw new DnsvalveError('FEED', `feed ${name}: there is no feed of that name with a URL`);
    }
    try {
      const changed = await this.#fetch(state.feed, url);
      state.failures = 0;
      state.lastError = null;
      state.sinceMs = this.#now();
      return changed;
    } catch (error) {
      state.failures++;
      state.lastError = messageOf(error);
      throw error;
    }
  }

  progress(): FeedProgress[] {
    return this.#states.map(({ report, sinceMs, lastError }) => ({ report, sinceMs, lastError }));
  }

  statuses(): FeedStatus[] {
    return this.#states.map(({ feed, report, sinceMs, lastError }) => ({
      name: feed.name,
      category: feed.category,
      action: feed.action,
      source: sourceText(feed),
      entries: report?.entries ?? 0,
      rejects: report?.rejects ?? [],
      ageMs: sinceMs === null ? null : Math.max(0, this.#now() - sinceMs),
      lastError,
      loadMs: report?.loadMs ?? 0,
      bytes: report?.bytes ?? 0,
    }));
  }

  /**
   * Stops the clocks, ends downloads, and waits for what they still write. It does not wait for
   * `changed`, which may itself wait for whoever stops this set.
   */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const state of this.#states) if (state.timer !== null) clearTimeout(state.timer);
    await Promise.allSettled(this.#running);
  }

  async #read(state: FeedState, problems: Problem[]): Promise<Uint8Array> {
    const { feed } = state;
    const { source } = feed;
    if (source.kind === 'inline') {
      state.sinceMs = this.#now();
      return new TextEncoder().encode(source.entries.join('\n'));
    }
    if (source.kind === 'url') {
      const copy = await this.#copies.read(feed.name, source.url);
      const meta = copy === null ? null : await this.#copies.meta(feed.name, source.url);
      state.sinceMs = meta?.fetchedMs ?? null;
      if (copy === null) state.lastError ??= 'not fetched yet, and no earlier copy is kept';
      return copy ?? new Uint8Array(0);
    }
    try {
      state.sinceMs = (await stat(source.path)).mtimeMs;
      return await readFile(source.path);
    } catch (error) {
      problems.push(problemAt(feed, `cannot be read: ${messageOf(error)}`));
      return new Uint8Array(0);
    }
  }

  /** Downloads, checks and keeps a list. @returns whether it is a new one */
  async #fetch(feed: Feed, url: string): Promise<boolean> {
    const { timeoutMs, octetsMax } = this.#options;
    const last = await this.#copies.meta(feed.name, url);
    const fetched = await fetchFeed({
      url,
      etag: last?.etag ?? '',
      lastModified: last?.lastModified ?? '',
      timeoutMs,
      octetsMax,
      signal: this.#stopped.signal,
    });
    if (fetched.kind === 'unchanged') {
      if (last !== null) {
        await this.#copies.confirm(feed.name, { ...last, fetchedMs: this.#now() });
      }
      return false;
    }
    const { entries } = await inspectFeed({ feed, octets: fetched.octets });
    checkSize(url, entries, last);
    const { etag, lastModified } = fetched;
    const meta = { url, etag, lastModified, entries, fetchedMs: this.#now() };
    await this.#copies.write(feed.name, fetched.octets, meta);
    return true;
  }

  #arm(state: FeedState, changed: (feed: string) => Promise<void>, delayMs: number): void {
    if (this.#stopped.signal.aborted) return;
    state.timer = setTimeout(() => void this.#tick(state, changed), delayMs);
    state.timer.unref();
  }

  async #tick(state: FeedState, changed: (feed: string) => Promise<void>): Promise<void> {
    try {
      const isNew = await this.#tracked(this.refresh(state.feed.name));
      if (isNew && !this.#stopped.signal.aborted) await changed(state.feed.name);
    } catch (error) {
      state.lastError = messageOf(error);
    }
    const random = this.#options.random();
    const { refreshMs } = state.feed;
    const delay =
      state.failures > 0
        ? delayAfterFailure(state.failures, refreshMs, random)
        : delayAfterSuccess(refreshMs, random);
    this.#arm(state, changed, delay);
  }

  /** The same promise, known to `stop` until it is settled. */
  async #tracked<Result>(run: Promise<Result>): Promise<Result> {
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  #now(): number {
    return this.#options.wallMs();
  }
}

/** A list that lost half of its entries is more often broken at its source than clean. */
function checkSize(url: string, entries: number, last: CopyMeta | null): void {
  if (entries === 0) throw new DnsvalveError('FEED', `fetching ${url}: no line of it is an entry`);
  if (last === null || entries * 2 >= last.entries) return;
  throw new DnsvalveError(
    'FEED',
    `fetching ${url}: ${entries} entries, under half of the last good ${last.entries}; kept those`,
  );
}

function isUnusable(feed: Feed, report: FeedReport): boolean {
  return feed.source.kind !== 'url' && report.entries === 0 && report.rejects.length > 0;
}

function unusable(feed: Feed, report: FeedReport): Problem {
  const [first] = report.rejects;
  const example = first === undefined ? '' : `; line ${first.firstLine}: "${first.sample}"`;
  return problemAt(feed, `no line is an entry of a list in ${report.format} format${example}`);
}

function problemAt(feed: Feed, message: string): Problem {
  const { file, line, col } = feed.at;
  const path = `feeds.${feed.name}.source`;
  return { file, line, col, path, message: `${sourceText(feed)}: ${message}` };
}

function urlOf(feed: Feed): string | null {
  return feed.source.kind === 'url' ? feed.source.url : null;
}

function sourceText(feed: Feed): string {
  if (feed.source.kind === 'inline') return 'inline';
  return feed.source.kind === 'url' ? feed.source.url : feed.source.path;
}
