/** What main and the thread of the query log say to each other. Plain data. */

import type { Dnstap, QueryLog } from '../config/sink-types.ts';
import type { SocketAddress } from '../config/types.ts';
import type { ByteRingMemory } from '../events/byte-ring.ts';
import type { RevisionNames } from '../history/messages.ts';
import type { DnstapStats } from './dnstap-client.ts';
import type { LogFileStats } from './log-file.ts';

/** Where records go; null for nowhere. */
export interface Outputs {
  readonly queryLog: QueryLog | null;
  readonly dnstap: Dnstap | null;
  /** Where clients ask: dnstap tells it where a family has one address only. */
  readonly listen: readonly SocketAddress[];
}

export interface LoggerSettings {
  /** One per worker; the index is the slot that `addRing` names. */
  readonly rings: readonly ByteRingMemory[];
}

export type ToLogger =
  /** Comes before a worker writes records of the revision. */
  | ({ readonly kind: 'revision' } & RevisionNames)
  | ({ readonly kind: 'outputs' } & Outputs)
  /** A worker was started in `slot`; what its predecessor left in its ring is read first. */
  | { readonly kind: 'addRing'; readonly slot: number; readonly ring: ByteRingMemory }
  | { readonly kind: 'reopen' }
  /** Reads what the rings hold, then ends; answered by exit. */
  | { readonly kind: 'stop'; readonly graceMs: number };

export interface LoggerStats {
  readonly queryLog: LogFileStats | null;
  readonly dnstap: DnstapStats | null;
}

export type FromLogger = { readonly kind: 'stats' } & LoggerStats;
