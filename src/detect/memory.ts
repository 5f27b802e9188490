/**
 * What the detectors of one worker hold: rows that all workers share, models, and scratch. Fast
 * lane; create.ts makes the shared part.
 */

import { Accounts, type AccountsMemory } from './accounts.ts';
import { NameCode } from './code.ts';
import { Rows, type RowsMemory } from './rows.ts';

/** What crosses threads. */
export interface DetectMemory {
  /** A row per (workload, registrable domain): channels.ts. */
  readonly channels: RowsMemory;
  /** A row per (workload, rule) with a budget: account-row.ts. */
  readonly accounts: AccountsMemory;
  /** Lengths of model.ts. */
  readonly names: Uint8Array;
}

export class Detectors {
  readonly channels: Rows;
  readonly accounts: Accounts;
  readonly code: NameCode;

  /** @param owner number of the thread, 1 or more */
  constructor(memory: DetectMemory, owner: number) {
    this.channels = new Rows(memory.channels, owner);
    this.accounts = new Accounts(memory.accounts, owner);
    this.code = new NameCode(this.accounts.rows, memory.names);
  }
}
