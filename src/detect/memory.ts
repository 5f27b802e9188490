/**
 * What the detectors of one worker hold: rows that all workers share, models, and the charge that
 * is being made. Fast lane; create.ts makes the shared part.
 */

import { Accounts, type AccountsMemory } from './accounts.ts';
import { NameCode } from './code.ts';
import { Flux } from './flux.ts';
import { GeneratedNames } from './generated-names.ts';
import { Popular } from './popular.ts';
import { Part } from './price.ts';
import { ToldNames } from './reputation.ts';
import { Rows, type RowsMemory } from './rows.ts';
import { Seen } from './seen.ts';

/** What crosses threads. */
export interface DetectMemory {
  /** A row per (workload, registrable domain): channels.ts. */
  readonly channels: RowsMemory;
  /** A row per (workload, rule) with a budget: account-row.ts. */
  readonly accounts: AccountsMemory;
  /** A row per workload: spread.ts. */
  readonly spreads: RowsMemory;
  /** A row per workload: generated-rows.ts. */
  readonly generated: RowsMemory;
  /** Tags of the names that were charged: seen.ts. */
  readonly seen: Int32Array;
  /** Lengths of model.ts. */
  readonly nameModel: Uint8Array;
  /** Fingerprints of popular.ts. */
  readonly popular: Int32Array;
  /** Weights of spelling-model.ts. */
  readonly spelling: Uint8Array;
}

/** The ledger of (workload, domain) before the question and after, and what the name costs. */
export const BEFORE = 0;
export const WORTH = 1;
export const COST = 2;

/** One question on its way to the ledgers. */
export class Charge {
  /** Where the domain starts in the name. */
  label = 0;
  /** Wall clock, s. */
  seconds = 0;
  /** Hash of the workload's name. */
  keyLow = 0;
  keyHigh = 0;
  /** Row of (workload, domain), locked; and whether it was made for this question. */
  row = 0;
  isNew = false;
  /** Bytes, by the indexes below: a field or a result would be an object each. */
  readonly bytes = new Float64Array(3);
}

export class Detectors {
  readonly channels: Rows;
  readonly flux = new Flux();
  readonly told = new ToldNames();
  readonly accounts: Accounts;
  readonly code: NameCode;
  readonly spreads: Rows;
  readonly generated: GeneratedNames;
  readonly seen: Seen;
  readonly nameModel: Uint8Array;
  readonly popular: Popular;
  readonly part = new Part();
  readonly charge = new Charge();

  /** @param owner number of the thread, 1 or more */
  constructor(memory: DetectMemory, owner: number) {
    this.channels = new Rows(memory.channels, owner);
    this.accounts = new Accounts(memory.accounts, owner);
    this.code = new NameCode(this.accounts.rows, memory.nameModel);
    this.spreads = new Rows(memory.spreads, owner);
    this.generated = new GeneratedNames(memory.generated, memory.spelling, owner);
    this.seen = new Seen(memory.seen);
    this.nameModel = memory.nameModel;
    this.popular = new Popular(memory.popular);
  }
}
