/** What main and the data-plane workers say to each other. Plain data; tables are shared memory. */

import type { Listener } from '../config/listeners.ts';
import type { DetectMemory } from '../detect/memory.ts';
import type { ByteRingMemory } from '../events/byte-ring.ts';
import type { RingMemory } from '../events/ring.ts';
import type { Backend } from '../native/udp.ts';
import type { HashKey } from '../reputation/loader.ts';
import type { TablesMemory } from '../tables.ts';
import type { ServerStats, UpstreamPlan } from '../upstream/upstreams.ts';
import type { Pair } from './certificates.ts';

/** What a worker is born with. */
export interface WorkerSettings {
  readonly index: number;
  readonly backend: Backend;
  readonly hashKey: HashKey;
  readonly tables: TablesMemory;
  readonly plan: UpstreamPlan;
  readonly ring: RingMemory;
  readonly counters: Float64Array;
  readonly meter: Float64Array;
  readonly storeOctets: number;
  readonly namesPerPair: number;
  readonly detect: DetectMemory;
  readonly tapRing: ByteRingMemory;
  readonly cookieSecrets: Int32Array;
}

export type ToWorker =
  /** Opens the listeners; answered by `listening`. */
  | {
      readonly kind: 'listen';
      readonly addresses: readonly Listener[];
      /** One for each encrypted listener, in their order; null for the others. */
      readonly certificates: readonly (Pair | null)[];
    }
  /** Other certificates for the same listeners; answered by `certified`. */
  | { readonly kind: 'certify'; readonly certificates: readonly (Pair | null)[] }
  /** A new snapshot; answered by `swapped` once the next query will see it. */
  | {
      readonly kind: 'tables';
      readonly tables: TablesMemory;
      /** Null when it is the one before: only overrides changed. */
      readonly plan: UpstreamPlan | null;
      /** The answers kept so far may come from other servers: forget them. */
      readonly forgetAnswers: boolean;
    }
  | { readonly kind: 'stats'; readonly id: number }
  /** Stops listening, waits for what is under way, hands over the ledger; answered by exit. */
  | { readonly kind: 'stop'; readonly graceMs: number };

export type FromWorker =
  | { readonly kind: 'listening'; readonly addresses: readonly Listener[] }
  | { readonly kind: 'certified' }
  /**
   * Unasked: a decision failed by a defect; `isOpen` when the query was let through all the same.
   */
  | { readonly kind: 'fault'; readonly message: string; readonly isOpen: boolean }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'swapped'; readonly revision: number }
  | { readonly kind: 'stats'; readonly id: number; readonly upstreams: readonly ServerStats[] };
