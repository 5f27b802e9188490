/**
 * Feeds to one ReputationMemory: parse each, hash each entry, intern what the feeds say about it.
 *
 * Runs for about a second per million entries; `loader.ts` does it in a thread of its own. Tables
 * are read with the hash key they were built with (`setHashKey`).
 */

import type { Feed } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { FEEDS_MAX, type FeedTable, type ReputationMemory } from './memory.ts';
import { type KnownFormat, type ParsedFeed, parseFeed } from './parse.ts';
import type { Reject } from './rejects.ts';
import { Statements } from './statements.ts';

/** A feed and its content as it was read. */
export interface FeedInput {
  readonly feed: Feed;
  readonly octets: Uint8Array;
}

/** Registers the text of a rule. @returns its id, 1 or more */
export interface RuleTexts {
  add(text: string): number;
}

export interface FeedReport {
  readonly name: string;
  /** The format that was found, where it is `auto`. */
  readonly format: KnownFormat;
  /** Names that the feed gave, repeats included. */
  readonly entries: number;
  /** Names in other scripts that became A-labels. */
  readonly converted: number;
  readonly rejects: readonly Reject[];
  readonly loadMs: number;
  /** Octets of the feed's text. */
  readonly bytes: number;
}

export interface Compiled {
  readonly memory: ReputationMemory;
  /** In the order of the feeds. */
  readonly reports: readonly FeedReport[];
}

/** The category that turns a match into a `resolver-bypass` alert. */
export const CATEGORY_BYPASS = 'resolver-bypass';

/** 7 bits an entry keep 13 of 100 misses from being recognised, and an entry below 16 octets. */
const FILTER_BITS_PER_ENTRY = 7;
const SLOT_WORDS = 3;

/** Parses and compiles in this thread. @throws DnsvalveError FEED with more than 255 feeds */
export function buildReputation(inputs: readonly FeedInput[], rules: RuleTexts): Compiled {
  const table = feedTable(
    inputs.map(({ feed }) => feed),
    rules,
  );
  return compileFeeds(inputs, table);
}

/**
 * The part of the memory that holds names, actions and rules of the feeds. On a reload that changes
 * no list, `{ ...memory, feeds: feedTable(feeds, rules) }` is the whole work.
 *
 * @throws DnsvalveError FEED with more than 255 feeds
 */
export function feedTable(feeds: readonly Feed[], rules: RuleTexts): FeedTable {
  if (feeds.length > FEEDS_MAX) {
    throw new DnsvalveError('FEED', `${feeds.length} feeds; at most ${FEEDS_MAX}`);
  }
  const size = feeds.length + 1;
  const denies = new Uint8Array(new SharedArrayBuffer(size));
  const bypass = new Uint8Array(new SharedArrayBuffer(size));
  const ruleIds = new Int32Array(new SharedArrayBuffer(size * 4));
  for (const [index, feed] of feeds.entries()) {
    denies[index + 1] = feed.action === 'deny' ? 1 : 0;
    bypass[index + 1] = feed.category === CATEGORY_BYPASS ? 1 : 0;
    ruleIds[index + 1] = rules.add(`feed ${feed.name} (category ${feed.category})`);
  }
  return {
    names: feeds.map(({ name }) => name),
    categories: feeds.map(({ category }) => category),
    denies,
    bypass,
    rules: ruleIds,
  };
}

/** Parses and compiles with a feed table made elsewhere. */
export function compileFeeds(inputs: readonly FeedInput[], feeds: FeedTable): Compiled {
  const parsed = inputs.map(parseTimed);
  const reports = parsed.map(({ report }) => report);
  const statements = new Statements();
  const table = fillTable(
    parsed.map(({ result }) => result),
    statements,
  );
  const filterBits = Math.max(32, table.count * FILTER_BITS_PER_ENTRY);
  const filter = fillFilter(table, filterBits);
  return { memory: { table, filter, filterBits, ...statements.finish(), feeds }, reports };
}

/** Parses a feed only for its report. */
export function inspect(input: FeedInput): FeedReport {
  return parseTimed(input).report;
}

function parseTimed(input: FeedInput): { result: ParsedFeed; report: FeedReport } {
  const startMs = performance.now();
  const result = parseFeed(input.octets, input.feed.format);
  const { entries, reader, rejects } = result.text;
  const report = {
    name: input.feed.name,
    format: result.format,
    entries: entries.count,
    converted: reader.converted,
    rejects: rejects.list(),
    loadMs: performance.now() - startMs,
    bytes: input.octets.length,
  };
  return { result, report };
}

function fillTable(parsed: readonly ParsedFeed[], statements: Statements): FingerprintsMemory {
  const atMost = parsed.reduce((sum, { text }) => sum + text.entries.count, 0);
  const builder = new FingerprintsBuilder(atMost);
  for (const [index, { text }] of parsed.entries()) {
    statements.startFeed(index + 1, text.records);
    const { low, high, items, count } = text.entries;
    for (let i = 0; i < count; i++) {
      const known = builder.get(low[i]!, high[i]!);
      const statement = statements.add(known, items[i]!);
      if (statement !== known) builder.set(low[i]!, high[i]!, statement);
    }
  }
  const table = builder.finish();
  return table.count < atMost ? fitted(table) : table;
}

/** The table again at its true size: repeats and overlapping feeds would else stay paid for. */
function fitted(table: FingerprintsMemory): FingerprintsMemory {
  const builder = new FingerprintsBuilder(table.count);
  const { words } = table;
  for (let at = 0; at < words.length; at += SLOT_WORDS) {
    if (words[at + 2] !== 0) builder.set(words[at]!, words[at + 1]!, words[at + 2]!);
  }
  return builder.finish();
}

function fillFilter(table: FingerprintsMemory, bits: number): Int32Array {
  const filter = new Int32Array(new SharedArrayBuffer(Math.ceil(bits / 32) * 4));
  const { words } = table;
  for (let at = 0; at < words.length; at += SLOT_WORDS) {
    if (words[at + 2] === 0) continue;
    const bit = ((words[at + 1]! >>> 0) * bits * 2 ** -32) | 0;
    filter[bit >>> 5]! |= 1 << (bit & 31);
  }
  return filter;
}
