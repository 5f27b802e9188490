/** Telling that a workload asks for generated names, once an hour each way. Fast lane. */

import { FINDING_BURST, FINDING_GENERATED } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import {
  DENIED_UNTIL,
  GENERATED_COUNT,
  GENERATED_SINCE,
  GENERATED_TOLD,
  HOUR,
  RESOLVED,
  SUM_GENERATED,
  SUM_WORDY,
  WORDY_COUNT,
  WORDY_SINCE,
  WORDY_TOLD,
} from './generated-rows.ts';
import {
  isBurst,
  isGenerated,
  looksGenerated,
  looksWordy,
  raiseOf,
  sharingSuffix,
} from './generated-sums.ts';
import {
  GENERATED_LIVE,
  GENERATED_NAME_BITS,
  GENERATED_NAMES,
  GENERATED_RESOLVED,
  GENERATED_SAME_SUFFIX,
  GENERATED_SECONDS,
} from './parts.ts';
import { ROW_SECONDS } from './rows.ts';

/** Whether the workload was told of within the hour. */
export function wasTold(words: Int32Array, row: number, at: number): boolean {
  return words[row + at] !== 0 && words[row + ROW_SECONDS]! - words[row + at]! < HOUR;
}

/** After a domain that does not exist: tells what passed its threshold, and denies the like. */
export function tellSure(query: Query, tables: Tables, memory: Memory): void {
  const { rows, row } = memory.detectors.generated;
  const { words } = rows;
  const { detect } = tables;
  const raise = raiseOf(rows, row);
  const generatedFrom = detect.generatedThreshold[query.workload]! + raise;
  const wordyFrom = detect.burstThreshold[query.workload]! + raise;
  const generated = isGenerated(rows, row, generatedFrom);
  const burst = isBurst(rows, row, wordyFrom);
  if (!generated && !burst) return;
  const denySeconds = detect.generatedDenySeconds[query.workload]!;
  if (denySeconds > 0) words[row + DENIED_UNTIL] = words[row + ROW_SECONDS]! + denySeconds;
  if (generated && !wasTold(words, row, GENERATED_TOLD)) {
    tell(query, memory, FINDING_GENERATED, generatedFrom);
  }
  if (burst && !wasTold(words, row, WORDY_TOLD)) {
    tell(query, memory, FINDING_BURST, wordyFrom);
  }
}

/** After one that exists and looks like those that the workload was told of for. */
export function tellLive(query: Query, tables: Tables, memory: Memory): void {
  const { rows, row, spelling } = memory.detectors.generated;
  const { detect } = tables;
  memory.findings.parts[GENERATED_LIVE] = 1;
  if (wasTold(rows.words, row, GENERATED_TOLD) && looksGenerated(spelling)) {
    tell(query, memory, FINDING_GENERATED, detect.generatedThreshold[query.workload]!);
  } else if (wasTold(rows.words, row, WORDY_TOLD) && looksWordy(rows.words, row, spelling)) {
    tell(query, memory, FINDING_BURST, detect.burstThreshold[query.workload]!);
  }
  memory.findings.parts[GENERATED_LIVE] = 0;
}

/** GENERATED_LIVE is set by the caller. When the ring is full, the next name tells again. */
function tell(query: Query, memory: Memory, type: number, threshold: number): void {
  const { rows, row, spelling, label } = memory.detectors.generated;
  const { words, floats } = rows;
  const isWordy = type === FINDING_BURST;
  const { findings } = memory;
  const { parts } = findings;
  const isLive = parts[GENERATED_LIVE]!;
  parts.fill(0);
  const first = words[row + (isWordy ? WORDY_SINCE : GENERATED_SINCE)]!;
  parts[GENERATED_LIVE] = isLive;
  parts[GENERATED_NAMES] = words[row + (isWordy ? WORDY_COUNT : GENERATED_COUNT)]!;
  parts[GENERATED_SECONDS] = Math.max(words[row + ROW_SECONDS]! - first, 0);
  parts[GENERATED_NAME_BITS] = isWordy ? spelling.wordy : spelling.generated;
  parts[GENERATED_SAME_SUFFIX] = sharingSuffix(words, row, spelling);
  parts[GENERATED_RESOLVED] = floats[row + RESOLVED]!;
  findings.score = floats[row + (isWordy ? SUM_WORDY : SUM_GENERATED)]!;
  findings.threshold = threshold;
  if (!findings.tell(query, label, type, first * 1000)) return;
  words[row + (isWordy ? WORDY_TOLD : GENERATED_TOLD)] = words[row + ROW_SECONDS]!;
}
