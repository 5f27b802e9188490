/**
 * Compiles what each workload says about itself to the typed arrays of workloads.ts. Runs in the
 * control plane, once per reload; sources and rules are compiled elsewhere.
 */

import type { Config, DenyAnswer, Mode } from '../config/types.ts';
import { MODE_ENFORCE, MODE_OPEN, MODE_REPORT } from '../events/kinds.ts';
import { packTexts } from '../policy/rules.ts';
import { workloadKey } from './workload-key.ts';
import {
  ANSWER_ADDRESS,
  ANSWER_NODATA,
  ANSWER_NXDOMAIN,
  ANSWER_REFUSED,
  HAS_V4,
  HAS_V6,
  UNMAPPED,
  UNMAPPED_NAME,
  type WorkloadsMemory,
} from './workloads.ts';

const MODE_NUMBERS: Record<Mode, number> = {
  enforce: MODE_ENFORCE,
  report: MODE_REPORT,
  open: MODE_OPEN,
};
const ANSWER_NUMBERS: Record<DenyAnswer['kind'], number> = {
  nxdomain: ANSWER_NXDOMAIN,
  nodata: ANSWER_NODATA,
  refused: ANSWER_REFUSED,
  address: ANSWER_ADDRESS,
};

export function compileWorkloads(config: Config): WorkloadsMemory {
  const count = config.workloads.length + 1;
  const memory: WorkloadsMemory = {
    count,
    mode: shared(count),
    answer: shared(count),
    addressFamilies: shared(count),
    v4: shared(count * 4),
    v6: shared(count * 16),
    failOpen: shared(count),
    inspectChain: shared(count),
    keyLow: new Int32Array(new SharedArrayBuffer(count * 4)),
    keyHigh: new Int32Array(new SharedArrayBuffer(count * 4)),
    slot: new Uint16Array(new SharedArrayBuffer(count * 2)),
    names: packTexts(['', UNMAPPED_NAME, ...config.workloads.map((workload) => workload.name)]),
  };
  setKey(memory, UNMAPPED, UNMAPPED_NAME);
  setDenial(memory, UNMAPPED, config.unmapped);
  for (const [i, workload] of config.workloads.entries()) {
    setDenial(memory, i + 1, workload);
    setKey(memory, i + 1, workload.name);
    memory.failOpen[i + 1] = workload.failOpen ? 1 : 0;
    memory.inspectChain[i + 1] = workload.chain === 'inspect' ? 1 : 0;
  }
  return memory;
}

function setKey(memory: WorkloadsMemory, index: number, text: string): void {
  const { low, high } = workloadKey(text);
  memory.keyLow[index] = low;
  memory.keyHigh[index] = high;
}

function setDenial(
  memory: WorkloadsMemory,
  index: number,
  from: { readonly mode: Mode; readonly answer: DenyAnswer },
): void {
  memory.mode[index] = MODE_NUMBERS[from.mode];
  memory.answer[index] = ANSWER_NUMBERS[from.answer.kind];
  if (from.answer.kind !== 'address') return;
  const { v4, v6 } = from.answer;
  if (v4 !== null) memory.v4.set(v4, index * 4);
  if (v6 !== null) memory.v6.set(v6, index * 16);
  memory.addressFamilies[index] = (v4 === null ? 0 : HAS_V4) | (v6 === null ? 0 : HAS_V6);
}

function shared(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}
