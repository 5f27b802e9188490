/**
 * What the detectors of one worker hold: rows that all workers share, models, and scratch. Fast
 * lane; create.ts makes the shared part.
 */

import { GeneratedNames } from './generated-names.ts';
import { Rows, type RowsMemory } from './rows.ts';

/** What crosses threads. */
export interface DetectMemory {
  /** A row per (workload, registrable domain): channels.ts. */
  readonly channels: RowsMemory;
  /** A row per workload: generated-rows.ts. */
  readonly generated: RowsMemory;
  /** Weights of spelling-model.ts. */
  readonly spelling: Uint8Array;
}

export class Detectors {
  readonly channels: Rows;
  readonly generated: GeneratedNames;

  /** @param owner number of the thread, 1 or more */
  constructor(memory: DetectMemory, owner: number) {
    this.channels = new Rows(memory.channels, owner);
    this.generated = new GeneratedNames(memory.generated, memory.spelling, owner);
  }
}
