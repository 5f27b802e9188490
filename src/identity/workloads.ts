/**
 * Workloads: the settings of each workload by its number, in typed arrays that workers share.
 *
 * Fast lane. Number 0 is the unmapped source, the others follow in the order of the configuration.
 * Who belongs to a workload is prefixes.ts; what it may resolve is policy/; settings.ts compiles.
 */

import { Texts, type TextsMemory } from '../policy/texts.ts';

/** The workload of a source that no workload claims. */
export const UNMAPPED = 0;
export const UNMAPPED_NAME = '(unmapped)';

/** What a denied query gets. */
export const ANSWER_NXDOMAIN = 0;
export const ANSWER_NODATA = 1;
export const ANSWER_REFUSED = 2;
/** Own addresses, per family where there is one; every other type gets NODATA. */
export const ANSWER_ADDRESS = 3;

/** Bits of `addressFamilies`. */
export const HAS_V4 = 1;
export const HAS_V6 = 2;

/** What crosses threads; every array is indexed by the workload number. */
export interface WorkloadsMemory {
  readonly count: number;
  /** MODE_* of events/kinds.ts. */
  readonly mode: Uint8Array;
  /** ANSWER_* above. */
  readonly answer: Uint8Array;
  /** For ANSWER_ADDRESS: HAS_V4, HAS_V6 or both. */
  readonly addressFamilies: Uint8Array;
  /** 4 and 16 octets per workload; zero where the family has no address. */
  readonly v4: Uint8Array;
  readonly v6: Uint8Array;
  /** 1 when the workload is let through while nothing can be decided; never for UNMAPPED. */
  readonly failOpen: Uint8Array;
  /** 1 when every target of an answer's chain must be allowed too (`chain: inspect`). */
  readonly inspectChain: Uint8Array;
  /** Keyed hash of the name, which stays the same when a reload gives the workload a new number. */
  readonly keyLow: Int32Array;
  readonly keyHigh: Int32Array;
  /** Row of each in every worker's meter; main gives it before the tables are published. */
  readonly slot: Uint16Array;
  /** Name of workload `w` is text `w + 1`; text 0 is ''. */
  readonly names: TextsMemory;
}

export class Workloads {
  readonly count: number;
  readonly mode: Uint8Array;
  readonly answer: Uint8Array;
  readonly addressFamilies: Uint8Array;
  readonly v4: Uint8Array;
  readonly v6: Uint8Array;
  readonly failOpen: Uint8Array;
  readonly inspectChain: Uint8Array;
  readonly keyLow: Int32Array;
  readonly keyHigh: Int32Array;
  readonly slot: Uint16Array;
  readonly names: Texts;

  constructor(memory: WorkloadsMemory) {
    this.count = memory.count;
    this.mode = memory.mode;
    this.answer = memory.answer;
    this.addressFamilies = memory.addressFamilies;
    this.v4 = memory.v4;
    this.v6 = memory.v6;
    this.failOpen = memory.failOpen;
    this.inspectChain = memory.inspectChain;
    this.keyLow = memory.keyLow;
    this.keyHigh = memory.keyHigh;
    this.slot = memory.slot;
    this.names = new Texts(memory.names);
  }

  /** Name of a workload, for people; '' when there is none with this number. */
  nameOf(workload: number): string {
    return this.names.text(workload + 1);
  }
}
