/** What is measured, and who takes part: the words that the rest of bench/ shares. */

import type { Rcode } from './load.ts';
import {
  ALLOWED_DOMAINS,
  allowedDomain,
  deniedNames,
  feedDomain,
  feedNames,
  newNames,
  warmNames,
} from './names.ts';

export type Scenario = 'warm' | 'denied' | 'feed' | 'new';

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
  /** Writes its configuration into the directory. @returns its arguments */
  args(setup: Setup): Promise<string[]>;
}

export interface ScenarioPlan {
  readonly key: string;
  readonly scenario: Scenario;
  readonly title: string;
  readonly expect: Rcode;
  /** Domains in the feed: what it denies, or for the valve also what it looks through in vain. */
  readonly feedSize: number;
  /** The names of one run; `round` 0 is the run that warms up. */
  names(round: number): Iterable<string>;
  /** Whether each run gets names of its own, so many that none comes twice. */
  readonly isFresh: boolean;
}

const SMALL_FEED = 10_000;
const LARGE_FEED = 1_000_000;
/** More than any server here forwards in ten seconds. */
const FRESH_NAMES = 2_000_000;

export const ALLOWED: List = { count: ALLOWED_DOMAINS, of: allowedDomain };

export const feedOf = (count: number): List => ({ count, of: feedDomain });

export const SCENARIOS: readonly ScenarioPlan[] = [
  {
    key: 'a',
    scenario: 'warm',
    title: 'warm cache',
    expect: 'NOERROR',
    feedSize: SMALL_FEED,
    names: warmNames,
    isFresh: false,
  },
  {
    key: 'b',
    scenario: 'denied',
    title: 'denied: not in an allowlist of 2,000 domains',
    expect: 'NXDOMAIN',
    feedSize: SMALL_FEED,
    names: deniedNames,
    isFresh: false,
  },
  {
    key: 'c',
    scenario: 'feed',
    title: 'denied by a feed of 1,000,000 domains',
    expect: 'NXDOMAIN',
    feedSize: LARGE_FEED,
    names: () => feedNames(LARGE_FEED),
    isFresh: false,
  },
  {
    key: 'd',
    scenario: 'new',
    title: 'every name new, forwarded',
    expect: 'NOERROR',
    feedSize: SMALL_FEED,
    names: (round) => newNames(round * FRESH_NAMES, FRESH_NAMES),
    isFresh: true,
  },
];
