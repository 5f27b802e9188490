/** What is measured, and who takes part: the words that the rest of bench/ shares. */

import type { Mode, Rcode } from './load.ts';
import {
  ALLOWED_DOMAINS,
  allowedDomain,
  deniedNames,
  feedDomain,
  feedNames,
  mixedLines,
  mixedWarmLines,
  newNames,
  tunnelNames,
  WORKLOADS,
  warmNames,
} from './names.ts';
import type { Probe } from './server.ts';

/** What a server's lists are for: see the plans below. `start` is a feed and nothing else. */
export type Scenario = 'warm' | 'denied' | 'feed' | 'new' | 'mixed' | 'start';

/** What one server is started with. Every list is given as a function, and written as it likes. */
export interface Setup {
  /** Its name, for its files. */
  readonly name: string;
  readonly scenario: Scenario;
  /** A directory of its own, empty. */
  readonly directory: string;
  readonly port: number;
  readonly upstreamPort: number;
  readonly allowed: List;
  readonly feed: List;
  /** The feed with one domain a line; shared by all, and not to be written to. */
  readonly feedFile: string;
}

export interface List {
  readonly count: number;
  of(index: number): string;
}

export interface Contestant {
  readonly name: string;
  readonly program: string;
  /** Arguments that print its version; what follows in its first line is shown. */
  readonly version: readonly string[];
  /** Whether it can do the work; all but those for TCP and policies by source when not given. */
  readonly takes?: (plan: ScenarioPlan) => boolean;
  readonly probe?: Probe;
  /** Writes its configuration into the directory. @returns its arguments */
  args(setup: Setup): Promise<string[]>;
}

/** The C program that does the same I/O and nothing else. */
export type Floor = 'floor' | 'relay' | 'floor-tcp';

export interface ScenarioPlan {
  readonly key: string;
  readonly scenario: Scenario;
  readonly title: string;
  readonly floor: Floor;
  /** Shares of all answers. */
  readonly rcodes: Readonly<Partial<Record<Rcode, number>>>;
  /** Shares of the valve's own counters: what was meant to happen to the queries. */
  readonly counters: Readonly<Record<string, number>>;
  /** Queries that reach the upstream, as a share of those answered; of every server. */
  readonly upstream: number;
  /** Lines of one run; `round` 0 is the run that warms up. */
  lines(round: number, count: number): Iterable<string>;
  /** Lines that are asked once before, to fill caches. */
  readonly warmLines?: () => Iterable<string>;
  /** Names a second, no two alike, that each run gets of its own; 0: all ask the same names. */
  readonly freshRate: number;
  readonly mode: Mode;
  readonly sockets: number;
  /** Addresses that ask; 1 is 127.0.0.1. */
  readonly sources: number;
}

export const FEED_SIZE = 1_000_000;

export const ALLOWED: List = { count: ALLOWED_DOMAINS, of: allowedDomain };

export const feedOf = (count: number): List => ({ count, of: feedDomain });

function* asked(names: Iterable<string>): Generator<string> {
  for (const name of names) yield `${name} A`;
}

const UDP = { mode: 'udp', sockets: 8, sources: 1, freshRate: 0, floor: 'floor' } as const;

const WARM = {
  scenario: 'warm',
  rcodes: { NOERROR: 1 },
  counters: { cached: 1 },
  upstream: 0,
  lines: () => asked(warmNames()),
} as const;

/** More than any server here does in a second. */
const FORWARDED_MAX = 150_000;
const MIXED_MAX = 250_000;
/** Of the measured rounds; the warm-up has number 0. */
const ROUND_STRIDE = 20_000_000;

export const PLANS: readonly ScenarioPlan[] = [
  { ...UDP, ...WARM, key: 'a', title: 'warm cache' },
  {
    ...UDP,
    key: 'b',
    scenario: 'denied',
    title: 'denied: not in an allowlist of 2,000 domains',
    rcodes: { NXDOMAIN: 1 },
    counters: { denied: 1 },
    upstream: 0,
    lines: () => asked(deniedNames()),
  },
  {
    ...UDP,
    key: 'c',
    scenario: 'feed',
    title: 'denied by a feed of 1,000,000 domains',
    rcodes: { NXDOMAIN: 1 },
    counters: { denied: 1 },
    upstream: 0,
    lines: () => asked(feedNames(FEED_SIZE)),
  },
  {
    ...UDP,
    key: 'd',
    scenario: 'new',
    floor: 'relay',
    title: 'every name new, forwarded',
    rcodes: { NOERROR: 1 },
    counters: { forwarded: 1 },
    upstream: 1,
    lines: (round, count) => asked(newNames(round * ROUND_STRIDE, count)),
    freshRate: FORWARDED_MAX,
  },
  {
    ...UDP,
    key: 'e',
    scenario: 'mixed',
    title: 'mixed: 90 % hits, 5 % denied, 5 % new; 1,000 workloads of 200 rules each',
    rcodes: { NOERROR: 0.95, NXDOMAIN: 0.05 },
    counters: { cached: 0.9, denied: 0.05, forwarded: 0.05 },
    upstream: 0.05,
    lines: (round, count) => mixedLines(round * ROUND_STRIDE, count),
    warmLines: mixedWarmLines,
    freshRate: MIXED_MAX,
    sources: WORKLOADS,
  },
  {
    ...UDP,
    ...WARM,
    key: 'f1',
    floor: 'floor-tcp',
    title: 'TCP, one query per connection, 64 connections at a time, warm cache',
    mode: 'connections',
    sockets: 64,
  },
  {
    ...UDP,
    ...WARM,
    key: 'f2',
    floor: 'floor-tcp',
    title: 'TCP, pipelined: 8 connections with 50 queries under way each, warm cache',
    mode: 'pipelined',
  },
  {
    ...UDP,
    key: 'g',
    scenario: 'new',
    floor: 'relay',
    title: 'tunnel-like: every name new, four labels of 48 hexadecimal digits, one domain',
    rcodes: { NOERROR: 1 },
    counters: { forwarded: 1 },
    upstream: 1,
    lines: (round, count) => asked(tunnelNames(round * ROUND_STRIDE, count)),
    freshRate: FORWARDED_MAX,
  },
];
