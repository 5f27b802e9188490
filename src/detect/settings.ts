/**
 * What the detectors are set to, by workload number, in typed arrays that workers share. Fast lane;
 * compile.ts writes them.
 */

import type { FingerprintsMemory } from '../fingerprints.ts';

export interface DetectSettings {
  /** Bytes of novel information under one domain. */
  readonly tunnelThreshold: Int32Array;
  /** How long the domain is denied to the workload, s; 0: it is only told. */
  readonly tunnelDenySeconds: Int32Array;
  /** Bits of evidence for generated names, and for words in a row. */
  readonly generatedThreshold: Int32Array;
  readonly burstThreshold: Int32Array;
  /** How long names like those are denied to the workload, s; 0: they are only told. */
  readonly generatedDenySeconds: Int32Array;
  /** Suffixes that carry much by their nature, with QUIET_* bits. */
  readonly quiet: FingerprintsMemory;
}

/** The name itself, and names below it. */
export const QUIET_SELF = 1;
export const QUIET_BELOW = 2;
