/**
 * What a worker needs to judge names that do not exist: the rows of all workloads, the model, and
 * the row at hand. Fast lane.
 */

import type { Workloads } from '../identity/workloads.ts';
import { Rows, type RowsMemory } from './rows.ts';
import { Spelling } from './spelling.ts';
import { SpellingModel } from './spelling-model.ts';

export class GeneratedNames {
  readonly rows: Rows;
  readonly spelling: Spelling;
  /** The row that is locked, and where the registrable domain of the name at hand starts. */
  row = 0;
  label = 0;

  constructor(rows: RowsMemory, model: Uint8Array, owner: number) {
    this.rows = new Rows(rows, owner);
    this.spelling = new Spelling(new SpellingModel(model));
  }

  /** Locks the workload's row; false when that failed. Otherwise `rows.unlock` must follow. */
  lock({ keyLow, keyHigh }: Workloads, workload: number, seconds: number): boolean {
    this.row = this.rows.lock(keyLow[workload]!, keyHigh[workload]!, seconds);
    return this.row >= 0;
  }
}
