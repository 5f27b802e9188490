/**
 * generated: who asks for one name after the other that does not exist, spelled as generators spell
 * or in words that nobody registered, looks for its master (a DGA). Fast lane.
 *
 * One such name proves little: the evidence of the distinct ones is summed for each workload and
 * fades within hours. New domains that do exist raise the threshold, as who looks up thousands
 * meets odd ones; by 60 bits and no more, so that nobody buys himself out.
 */

import { REASON_GENERATED } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { NOERROR, NXDOMAIN } from '../wire/constants.ts';
import type { WireName } from '../wire/name.ts';
import {
  addExisting,
  addMissing,
  DENIED_UNTIL,
  GENERATED_TOLD,
  isExisting,
  RESOLVED,
  WORDY_TOLD,
} from './generated-rows.ts';
import { addEvidence, fade, looksGenerated, looksWordy } from './generated-sums.ts';
import { tellLive, tellSure, wasTold } from './generated-tell.ts';
import { registrableLabel } from './registrable.ts';
import { QUIET_BELOW, QUIET_SELF } from './settings.ts';
import { hashOctets } from './spelling-model.ts';

const W = 119; /* 'w' */

/** Takes in what an upstream answered to a question of the workload: `memory.clean`. */
export function noteGenerated(query: Query, tables: Tables, memory: Memory): void {
  const { name } = query;
  const { rcode, answers } = memory.clean;
  if (name.labelCount < 2 || isReverse(name)) return;
  if (rcode === NOERROR) noteExisting(query, tables, memory);
  // With a chain before it the name itself exists (RFC 6604).
  else if (rcode === NXDOMAIN && answers === 0) noteMissing(query, tables, memory);
}

/** The domain exists: its label is no longer one that can be missing. */
function noteExisting(query: Query, tables: Tables, memory: Memory): void {
  const { name } = query;
  const { generated } = memory.detectors;
  const seconds = secondsOf(query);
  if (!generated.lock(tables.workloads, query.workload, seconds)) return;
  const { rows, row } = generated;
  const { words, floats } = rows;
  generated.label = registrableLabel(name, tables.suffixes);
  const tag = tagOf(name, generated.label, tables.workloads.keyHigh[query.workload]!);
  if (!isExisting(words, row, tag)) {
    fade(rows, row, seconds);
    floats[row + RESOLVED]! += 1;
    addExisting(words, row, tag);
    const isWatched = wasTold(words, row, GENERATED_TOLD) || wasTold(words, row, WORDY_TOLD);
    if (isWatched && memory.clean.answers > 0) {
      generated.spelling.judge(name, generated.label);
      tellLive(query, tables, memory);
    }
  }
  rows.unlock();
}

/** The domain does not exist: a slip of the finger, or one of many tried. */
function noteMissing(query: Query, tables: Tables, memory: Memory): void {
  const { name } = query;
  const { generated } = memory.detectors;
  const label = registrableLabel(name, tables.suffixes);
  if (!isBare(name, label) || isRouted(name, tables) || isQuiet(name, label, tables)) return;
  // What everybody resolves and this one does not: a network that is cut off.
  if (memory.detectors.popular.has(name, label)) return;
  const seconds = secondsOf(query);
  if (!generated.lock(tables.workloads, query.workload, seconds)) return;
  const { rows, row } = generated;
  generated.label = label;
  const tag = tagOf(name, label, tables.workloads.keyHigh[query.workload]!);
  const isNew =
    !isExisting(rows.words, row, tag) && addMissing(rows.words, row, name.low[label]!, seconds);
  if (isNew) {
    fade(rows, row, seconds);
    generated.spelling.judge(name, label);
    addEvidence(rows, row, generated.spelling);
    tellSure(query, tables, memory);
  }
  rows.unlock();
}

/**
 * Denies a name that looks like those which the workload was caught with, and which it never
 * resolved.
 */
export function denyGenerated(query: Query, tables: Tables, memory: Memory): void {
  const { name, workload } = query;
  const denySeconds = tables.detect.generatedDenySeconds[workload]!;
  if (denySeconds === 0 || name.labelCount < 2) return;
  const { generated } = memory.detectors;
  const { rows, spelling } = generated;
  const label = registrableLabel(name, tables.suffixes);
  spelling.judge(name, label);
  let isDenied = looksGenerated(spelling);
  // Without its row nobody knows whether it was caught: what looks generated waits (fail closed).
  const seconds = secondsOf(query);
  if (generated.lock(tables.workloads, workload, seconds)) {
    const { row } = generated;
    const { words } = rows;
    const tag = tagOf(name, label, tables.workloads.keyHigh[workload]!);
    // A clock that was set back makes no denial longer than one that begins now.
    if (words[row + DENIED_UNTIL]! - seconds > denySeconds) {
      words[row + DENIED_UNTIL] = seconds + denySeconds;
    }
    const isHeld = words[row + DENIED_UNTIL]! > seconds && !isExisting(words, row, tag);
    isDenied = isHeld && (isDenied || looksWordy(words, row, spelling));
    rows.unlock();
  }
  if (!isDenied) return;
  query.decision.allowed = 0;
  query.decision.reason = REASON_GENERATED;
}

function secondsOf(query: Query): number {
  return Math.floor(query.wallMs / 1000);
}

/** A registrable domain's first label, by a hash that nobody outside knows. */
function tagOf({ octets, labelAt }: WireName, label: number, key: number): number {
  const at = labelAt[label]!;
  return hashOctets(octets, at, at + 1 + octets[at]!, key);
}

/**
 * The registrable domain, or `www` below it. What is missing elsewhere below says nothing: the
 * domain itself may exist, and search lists append suffixes to everything.
 */
function isBare({ octets, labelAt }: WireName, label: number): boolean {
  if (label === 0) return true;
  const at = labelAt[0]!;
  const isWww =
    octets[at] === 3 && octets[at + 1] === W && octets[at + 2] === W && octets[at + 3] === W;
  return label === 1 && isWww;
}
/** Below `arpa`. */
function isReverse({ octets, labelAt, labelCount }: WireName): boolean {
  const at = labelAt[labelCount - 1]!;
  return (
    octets[at] === 4 &&
    octets[at + 1] === 97 /* 'a' */ &&
    octets[at + 2] === 114 /* 'r' */ &&
    octets[at + 3] === 112 /* 'p' */ &&
    octets[at + 4] === 97 /* 'a' */
  );
}

/** Below a suffix that has servers of its own: internal names, which their owner answers for. */
function isRouted(name: WireName, { routes }: Tables): boolean {
  routes.find(name);
  return routes.group !== -1 && routes.label < name.labelCount;
}

/** Below what the configuration calls quiet, or that itself. */
function isQuiet(name: WireName, label: number, { quiet }: Tables): boolean {
  for (let above = label; above <= name.labelCount; above++) {
    const bits = above === label ? QUIET_SELF | QUIET_BELOW : QUIET_BELOW;
    if ((quiet.find(name.low[above]!, name.high[above]!) & bits) !== 0) return true;
  }
  return false;
}
