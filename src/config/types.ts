/**
 * The validated configuration: what the rest of the program reads. The YAML document never leaves
 * this folder; everything here is normalised, resolved against its file, and frozen.
 */

import type { ResponseLimit } from '../overload/responses.ts';
import type { TrustedForwarder } from './forwarders.ts';
import type { Listener } from './listeners.ts';
import type { Dnstap, QueryLog, Sink } from './sink-types.ts';
import type { UpstreamServer } from './upstream-server.ts';

/** Where something stands in a file, for messages and for the rule of a decision. */
export interface Place {
  /** As the user would type it: relative to the working directory where possible. */
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

/** `x.com` is exact, `*.x.com` below (any depth, not the apex), `.x.com` both. */
export interface Pattern {
  readonly kind: 'exact' | 'below' | 'both';
  /** Normal form without the wildcard part: lower case, no trailing dot, A-labels. */
  readonly name: string;
  /** `name` in wire form with its root octet. */
  readonly wire: Uint8Array;
  /** The pattern as it is written in the configuration, normalised (`*.x.com`). */
  readonly text: string;
}

/** What may leave through an entry, in any window of that length. */
export interface Budget {
  readonly bytes: number;
  readonly windowMs: number;
  /** `deny` what goes beyond, or only tell. */
  readonly action: 'alert' | 'deny';
  /** The limit as written: `1kB/h`. */
  readonly text: string;
}

export interface Entry {
  readonly pattern: Pattern;
  /** RR type numbers that the entry is limited to, or null for all. */
  readonly types: readonly number[] | null;
  readonly sharedSuffix: boolean;
  /** Never on an entry that denies. */
  readonly budget: Budget | null;
  readonly reason: string | null;
  readonly ticket: string | null;
  readonly at: Place;
}

export interface Bundle {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly at: Place;
}

/**
 * An address prefix. IPv4 is held as its IPv4-mapped IPv6 form, so `length` is 96 or more for it.
 */
export interface Prefix {
  readonly bytes: Uint8Array; // 16 octets, host bits zero
  readonly length: number; // 0..128
  readonly text: string;
  readonly at: Place;
}

export type Mode = 'open' | 'report' | 'enforce';

export type DenyAnswer =
  | { readonly kind: 'nxdomain' | 'nodata' | 'refused' }
  /** Up to one address of each family; the other types get NODATA. */
  | { readonly kind: 'address'; readonly v4: Uint8Array | null; readonly v6: Uint8Array | null };

/** What a workload says about its detectors; null where the main file decides. */
export interface WorkloadDetect {
  readonly reputation: { readonly alertBelow: number | null; readonly denyBelow: number | null };
  readonly baseline: {
    readonly action: 'alert' | 'off' | null;
    readonly factor: number | null;
  };
  readonly tunnel: {
    readonly threshold: number | null;
    readonly action: 'alert' | 'deny' | null;
  };
  readonly generated: {
    readonly threshold: number | null;
    readonly burst: number | null;
    readonly action: 'alert' | 'deny' | null;
  };
}

/** Detectors, for workloads that do not say otherwise. */
export interface Detect {
  readonly memoryBytes: number; // all workers together
  readonly baseline: {
    readonly action: 'alert' | 'off';
    readonly factor: number;
    readonly learningMs: number;
    readonly burnInMs: number;
  };
  readonly tunnel: {
    /** Bytes. */
    readonly threshold: number;
    readonly action: 'alert' | 'deny';
    readonly denyForSeconds: number;
  };
  readonly generated: {
    /** Bits. */
    readonly threshold: number;
    readonly burst: number;
    readonly action: 'alert' | 'deny';
    readonly denyForSeconds: number;
  };
  readonly reputation: {
    /** Scores, 0 to 100; 0 for never. */
    readonly alertBelow: number;
    readonly denyBelow: number;
    readonly ownNames: readonly string[];
    readonly wellKnown: boolean;
    /** Days that a domain counts as new; 0 for not at all. */
    readonly newDays: number;
    /** Points by feed category, where they are not the usual ones. */
    readonly categories: ReadonlyMap<string, number>;
  };
  readonly networks: {
    readonly database: string | null; // absolute
    readonly denyAsn: readonly number[];
    readonly denyCountry: readonly string[];
    readonly at: Place;
  };
  readonly quiet: readonly Pattern[];
}

/** How much of the resolver a workload may take. */
export interface RateLimit {
  /** Queries a second, and those of them that need an upstream; 0 for no limit. */
  readonly queries: number;
  readonly misses: number;
  /** What may come at once, as time; null for a second's worth, and at most BURST_MAX. */
  readonly burstMs: number | null;
}

/** What somebody says about itself; null where the main file decides. */
export type OwnRateLimit = { readonly [K in keyof RateLimit]: RateLimit[K] | null };

export interface PolicyTest {
  readonly name: string; // normal form
  readonly wire: Uint8Array;
  readonly type: number; // RR type, A when not given
  readonly expect: 'allow' | 'deny';
  readonly at: Place;
}

export interface Workload {
  readonly name: string;
  readonly owner: string | null;
  readonly env: string | null;
  readonly sources: readonly Prefix[];
  readonly mode: Mode;
  readonly use: readonly string[];
  readonly allow: readonly Entry[];
  readonly deny: readonly Entry[];
  readonly answer: DenyAnswer;
  /** `inspect` demands that every target of an answer's chain is allowed too. */
  readonly chain: 'trust' | 'inspect';
  readonly detect: WorkloadDetect;
  /** Shares of its queries, 0 to 1; null where the main file decides. */
  readonly sample: { readonly queryLog: number | null; readonly dnstap: number | null };
  readonly failOpen: boolean;
  readonly rateLimit: OwnRateLimit;
  /** People who approve its exceptions; empty: those of `exceptions.approvers`. */
  readonly approvers: readonly string[];
  readonly tests: readonly PolicyTest[];
  readonly at: Place;
}

/** Who a user of the control socket is. */
export interface Person {
  readonly name: string;
  /** No two people have the same. */
  readonly uid: number;
  readonly at: Place;
}

export interface ExceptionSettings {
  /** Longest time by environment, and of those that are not in the map. */
  readonly maxMs: ReadonlyMap<string, number>;
  readonly defaultMaxMs: number;
  /** For workloads that name none. */
  readonly approvers: readonly string[];
  /** A request lapses then. */
  readonly approveWithinMs: number;
  readonly breakGlass: {
    readonly approveWithinMs: number;
    /** Who may; null: everybody in `people`. */
    readonly people: readonly string[] | null;
  };
}

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

export interface Upstream {
  readonly name: string;
  readonly servers: readonly UpstreamServer[];
  /** Whether a second server is asked when the first is slow. */
  readonly hedge: boolean;
  readonly at: Place;
}

export interface ForwardRule {
  /** '.' or a name in normal form. */
  readonly suffix: string;
  readonly wire: Uint8Array;
  readonly upstream: string;
  /** Names below may be answered with private addresses (internal zones). */
  readonly internal: boolean;
  readonly at: Place;
}

export interface LocalZone {
  readonly name: string;
  readonly wire: Uint8Array;
  /** Absolute path. */
  readonly file: string;
  /** A private zone is answered only to workloads whose allowlist names it. */
  readonly private: boolean;
  readonly at: Place;
}

export type FeedFormat = 'auto' | 'hosts' | 'plain' | 'adblock' | 'rpz';

export interface Feed {
  readonly name: string;
  readonly source:
    | { readonly kind: 'file'; readonly path: string } // absolute
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'inline'; readonly entries: readonly string[] };
  readonly format: FeedFormat;
  readonly category: string;
  readonly action: 'deny' | 'alert';
  readonly refreshMs: number;
  readonly at: Place;
}

export interface Config {
  /** Main file first, as given on the command line. */
  readonly files: readonly string[];
  /** SHA-256 of each of the files, in their order. */
  readonly fileDigests: readonly string[];
  readonly listen: readonly Listener[];
  /** Who may say whose a query is; nobody else is believed. */
  readonly trustedForwarders: readonly TrustedForwarder[];
  /** Data-plane workers, 1 or more. */
  readonly workers: number;
  readonly upstreams: readonly Upstream[];
  readonly forward: readonly ForwardRule[];
  readonly zones: readonly LocalZone[];
  readonly feeds: readonly Feed[];
  readonly bundles: readonly Bundle[];
  readonly everyone: { readonly allow: readonly Entry[]; readonly deny: readonly Entry[] };
  readonly workloads: readonly Workload[];
  readonly unmapped: {
    readonly mode: Mode;
    readonly answer: DenyAnswer;
    /** All such sources together. */
    readonly rateLimit: OwnRateLimit;
  };
  readonly rateLimit: RateLimit;
  readonly responseLimit: ResponseLimit;
  readonly cache: {
    readonly sizeBytes: number; // per worker
    readonly minTtlSeconds: number;
    readonly maxTtlSeconds: number;
    readonly maxNegativeTtlSeconds: number;
    /** How long past its end an answer may serve while no upstream answers; 0 for not at all. */
    readonly staleSeconds: number;
    /** After how long such an answer is given to who waits; 0: once the upstreams have failed. */
    readonly clientResponseMs: number;
    /** Answers that are asked for often are asked for anew before their end. */
    readonly prefetch: boolean;
  };
  /** DNS cookies of clients: answered at all, and from whom a valid one is required over UDP. */
  readonly cookies: { readonly answer: boolean; readonly required: 'none' | 'offered' | 'all' };
  readonly denyTtlSeconds: number;
  readonly detect: Detect;
  /** Prefixes that answers for public names may hold although they are private. */
  readonly rebindingAllow: readonly Prefix[];
  readonly history: {
    readonly path: string; // absolute
    readonly retentionMs: number;
    /** Rows kept of addresses in answers; 0 for none. */
    readonly answers: number;
    /** Full names kept per (workload, registrable domain); the rest is folded and counted. */
    readonly namesPerDomain: number;
    /** Memory for pages of the database, octets. */
    readonly cacheBytes: number;
  };
  /** How long a policy is learnt at least. */
  readonly learn: { readonly windowMs: number };
  readonly alerts: readonly Sink[];
  /** Alerts about one (workload, registrable domain, type) fold into one per window. */
  readonly alertWindowMs: number;
  /** Bounds of the alerts kept on disk. */
  readonly alertSpool: { readonly sizeBytes: number; readonly ageMs: number };
  readonly queryLog: QueryLog | null;
  readonly dnstap: Dnstap | null;
  readonly people: readonly Person[];
  readonly exceptions: ExceptionSettings;
  readonly control: { readonly path: string }; // absolute path of the unix socket
  /** Null: no metrics are served. */
  readonly metrics: { readonly listen: SocketAddress } | null;
  /** Where downloaded feeds and alerts are kept; absolute. */
  readonly stateDirectory: string;
}
