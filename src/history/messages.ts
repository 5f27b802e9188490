/**
 * What main and the recorder thread say to each other. Plain data for `postMessage`.
 *
 * The observations themselves travel in the rings of `src/events`; these are the settings, the
 * meaning of the numbers in the records, and what comes back.
 */

import type { BaselineSettings } from '../baseline/settings.ts';
import type { BaselineStats, BurnInEnd, Unusual } from '../baseline/unusual.ts';
import type { LedgerMemory } from '../detect/carry.ts';
import type { RingMemory } from '../events/ring.ts';
import type { TextsMemory } from '../policy/texts.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { BindingsMemory } from './bindings.ts';
import type { Observation } from './observation.ts';
import type { PackedObservations } from './packed.ts';

export interface RecorderSettings {
  /** Database file; its directory is made when it is missing. */
  readonly path: string;
  /** One per data-plane worker; the index is the slot that `addRing` names. */
  readonly rings: readonly RingMemory[];
  /** Data is committed at least this often, ms, 50..1000. */
  readonly flushMs: number;
  /** Full names kept per (workload, registrable domain), 0 or more. */
  readonly namesPerDomain: number;
  /** Age at which name detail is purged, ms. First-seen rows are never purged. */
  readonly retentionMs: number;
  /** (workload, domain) rows held in memory while the database cannot be written. */
  readonly pendingMax?: number;
  /** Rows kept of addresses in answers, 0 for none; 1,000,000 where it is left out. */
  readonly answers?: number;
  /** Memory for pages of the database, octets; 64 MB where it is left out. */
  readonly cacheOctets?: number;
  /** When the daemon started, ms since the epoch; now where it is left out. */
  readonly startedAt?: number;
  /** Where the detectors hold their ledgers; without it none is kept. */
  readonly detect?: DetectSource;
  /** Where it is left out, hours are counted and nothing is told of them. */
  readonly baseline?: BaselineSettings;
}

export interface DetectSource {
  readonly memory: LedgerMemory;
  /** Of this run: the rows are keyed by it. */
  readonly hashKey: HashKey;
  /** The rows are empty still: ledgers of earlier runs are put back. */
  readonly isFirst: boolean;
}

/** The meaning of `workload`, `rule` and `feed` in records of one snapshot. */
export interface RevisionNames {
  readonly revision: number;
  /** Index is the workload id of the snapshot; [0] is `(unmapped)`. */
  readonly workloads: readonly string[];
  /** By the rule ids of the snapshot, in shared memory: there can be 200,000, few of them read. */
  readonly rules: TextsMemory;
  /** When the snapshot was made, ms since the epoch. */
  readonly at: number;
  /** By workload id; where they are left out, those of `RecorderSettings`. */
  readonly baselines?: readonly BaselineSettings[];
  /** Sources of the workloads; without them the identity of addresses is not kept. */
  readonly bindings?: BindingsMemory;
}

export type ToRecorder =
  | ({ readonly kind: 'revision' } & RevisionNames)
  /** A worker was started in `slot`; what its predecessor left in its ring is read first. */
  | { readonly kind: 'addRing'; readonly slot: number; readonly ring: RingMemory }
  | { readonly kind: 'flush'; readonly id: number }
  | { readonly kind: 'stop'; readonly id: number };

export interface RecorderStats {
  /** Rows inserted or updated since the start. */
  readonly rowsWritten: number;
  /** (workload, domain) pairs stored for the first time ever, since the start. */
  readonly firstSeen: number;
  /** (workload, domain) rows waiting for the next commit. */
  readonly queueDepth: number;
  /** Records that workers had no room for, plus rows given up while the database was in trouble. */
  readonly shed: number;
  /** How long the last commit took, ms; 0 before the first. */
  readonly lastCommitMs: number;
  /** Wall clock of the last commit, ms since the epoch; 0 before the first. */
  readonly lastCommitAt: number;
  /** Octets of the database and its write-ahead log. */
  readonly dbBytes: number;
  /** Why nothing is written now, or null. */
  readonly error: string | null;
  readonly baseline: BaselineStats;
}

export type FromRecorder =
  /** Said once: ledgers of earlier runs are where the workers look, if there are any. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'observations'; readonly list: readonly Observation[] }
  /** The same between threads. */
  | ({ readonly kind: 'packed' } & PackedObservations)
  | { readonly kind: 'unusual'; readonly unusual: Unusual }
  | { readonly kind: 'burnInEnd'; readonly end: BurnInEnd }
  | ({ readonly kind: 'stats' } & RecorderStats)
  /** Said once per change of state: trouble began, ended, a corrupt file was set aside. */
  | { readonly kind: 'notice'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  /** `stored` false: rows remain in memory because the database cannot be written. */
  | { readonly kind: 'done'; readonly id: number; readonly stored: boolean };
