/**
 * Tunnel: the ledgers of novel information that leaves in names. Fast lane, for questions that go
 * upstream only: what the store answers leaves nothing behind it.
 *
 * What a name can carry is added to the ledger of its (workload, domain), which fades over a day;
 * beyond the threshold the domain is told, and where the settings say so denied. A payload dealt
 * over many domains, and data in the names of tenants, are the business of spread.ts.
 */

import { REASON_TUNNEL } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import {
  CHANNEL_DENIED_UNTIL,
  CHANNEL_DOMAIN,
  CHANNEL_FLAGS,
  CHANNEL_KEPT,
  CHANNEL_LONGEST,
  CHANNEL_NAMES,
  CHANNEL_ODD,
  CHANNEL_ODD_TYPE,
  CHANNEL_OLDEST,
  CHANNEL_QUERIES,
  CHANNEL_RECENTS,
  CHANNEL_SINCE,
  CHANNEL_TOLD,
  CHANNEL_TOLD_SECONDS,
  CHANNEL_WORKLOAD,
  IS_POPULAR,
  IS_QUIET,
  IS_READY,
} from './channels.ts';
import { BEFORE, COST, type Detectors, WORTH } from './memory.ts';
import { keepRecent, noveltyOf, PARTS_OF_BYTE, RECENT_OCTETS, RECENTS } from './price.ts';
import { isReverse } from './registrable.ts';
import { NONE, ROW_WORTH } from './rows.ts';
import { QUIET_BELOW, QUIET_SELF } from './settings.ts';
import { spread } from './spread.ts';
import { tellTunnel } from './tell.ts';
import { FULL_WEIGHT, isOdd, weightOf } from './types.ts';

/** A popular domain has more names of its own, and is not a stranger's to receive at. */
export const POPULAR_FACTOR = 3;
/**
 * A name asked for again says which one it was of those known; 0.4 bit at most, since it had to
 * outlive its answer in the store.
 */
const REPEAT_BYTES = 0.05;
/** A finding is told again when its ledger has grown by this, or after this time. */
const TELL_FACTOR = 2;
const TELL_SECONDS = 3600;

/**
 * Charges the question to its ledgers. Denies it when its domain is denied, or when the ledger
 * reached the threshold and the workload's settings say so.
 *
 * @param label where the domain starts in the name (ledgerLabel)
 */
export function chargeName(query: Query, label: number, tables: Tables, memory: Memory): void {
  const { detectors } = memory;
  const { charge, channels } = detectors;
  charge.label = label;
  charge.seconds = Math.floor(query.wallMs / 1000);
  charge.keyLow = tables.workloads.keyLow[query.workload]!;
  charge.keyHigh = tables.workloads.keyHigh[query.workload]!;
  if (!lockChannel(query, tables, detectors)) {
    // Who only wants to be told need not be refused for a ledger that was not to be had.
    if (tables.detect.tunnelDenySeconds[query.workload]! > 0) denyFor(query);
    return;
  }
  const { row } = charge;
  const { words, floats } = channels;
  const { bytes } = charge;
  channels.fade(row, charge.seconds);
  price(query, detectors);
  bytes[BEFORE] = floats[row + ROW_WORTH]!;
  bytes[WORTH] = bytes[BEFORE]! + bytes[COST]!;
  floats[row + ROW_WORTH] = bytes[WORTH]!;
  const flags = words[row + CHANNEL_FLAGS]!;
  if ((flags & IS_QUIET) === 0) judge(query, tables, memory);
  channels.unlock();
  if ((flags & (IS_QUIET | IS_POPULAR)) === 0) spread(query, tables, memory);
}

/** Locks the row of (workload, domain); fills it in when it is new. */
function lockChannel(query: Query, tables: Tables, detectors: Detectors): boolean {
  const { charge, channels } = detectors;
  const { label, keyLow, keyHigh } = charge;
  const low = query.name.low[label]!;
  const high = query.name.high[label]!;
  const row = channels.lock(keyLow ^ low, keyHigh ^ high, charge.seconds);
  charge.row = row;
  if (row === NONE) return false;
  const { words } = channels;
  charge.isNew = false;
  if (words[row + CHANNEL_FLAGS] !== 0) return true;
  words[row + CHANNEL_FLAGS] = IS_READY | kindOf(query, label, tables, detectors);
  // A row that was carried over from an earlier run has a past already (carry.ts).
  charge.isNew = words[row + CHANNEL_SINCE] === 0;
  if (!charge.isNew) return true;
  words[row + CHANNEL_SINCE] = charge.seconds;
  words[row + CHANNEL_WORKLOAD] = keyLow;
  words[row + CHANNEL_WORKLOAD + 1] = keyHigh;
  words[row + CHANNEL_DOMAIN] = low;
  words[row + CHANNEL_DOMAIN + 1] = high;
  return true;
}

function kindOf({ name }: Query, label: number, tables: Tables, detectors: Detectors): number {
  const isPopular = detectors.popular.has(name, label) || isReverse(name);
  let kind = isPopular ? IS_POPULAR : 0;
  for (let above = label; above <= name.labelCount; above++) {
    const quiet = tables.quiet.find(name.low[above]!, name.high[above]!);
    const bits = above === label ? QUIET_SELF | QUIET_BELOW : QUIET_BELOW;
    if ((quiet & bits) !== 0) kind |= IS_QUIET;
  }
  return kind;
}

/** Finds what the name can carry; keeps what the next one is compared with. */
function price(query: Query, detectors: Detectors): void {
  const { name, qtype } = query;
  const { channels, charge, part, seen } = detectors;
  const { row } = charge;
  const { words, octets } = channels;
  charge.bytes[COST] = 0;
  words[row + CHANNEL_QUERIES]!++;
  if (isOdd(qtype)) {
    words[row + CHANNEL_ODD]!++;
    words[row + CHANNEL_ODD_TYPE] = qtype;
  }
  if (seen.add(charge.keyLow ^ name.low[0]!, charge.keyHigh ^ name.high[0]!)) {
    const names = words[row + CHANNEL_NAMES]!;
    if (names > 1) charge.bytes[COST] = REPEAT_BYTES * Math.min(1, Math.log2(names) / 8);
    return;
  }
  if (seen.isCommon(name.low[0]!, name.high[0]!)) return;
  words[row + CHANNEL_NAMES]!++;
  part.read(name, charge.label);
  if (part.length === 0) return;
  const kept = (row + CHANNEL_KEPT) * 4;
  const recents = (row + CHANNEL_RECENTS) * 4;
  const novelty = noveltyOf(part, detectors.nameModel, octets, kept, recents);
  const oldest = words[row + CHANNEL_OLDEST]!;
  keepRecent(part, octets, recents + oldest * RECENT_OCTETS);
  octets[kept + oldest] = part.length;
  words[row + CHANNEL_OLDEST] = (oldest + 1) % RECENTS;
  if (part.length > words[row + CHANNEL_LONGEST]!) words[row + CHANNEL_LONGEST] = part.length;
  charge.bytes[COST] = (novelty * weightOf(qtype)) / (PARTS_OF_BYTE * FULL_WEIGHT);
}

/** Denies and tells what has reached its threshold. The row is locked. */
function judge(query: Query, tables: Tables, memory: Memory): void {
  const { charge, channels } = memory.detectors;
  const { row, seconds } = charge;
  const worth = charge.bytes[WORTH]!;
  const { words, floats } = channels;
  const isPopular = (words[row + CHANNEL_FLAGS]! & IS_POPULAR) !== 0;
  const factor = isPopular ? POPULAR_FACTOR : 1;
  const threshold = tables.detect.tunnelThreshold[query.workload]! * factor;
  const denySeconds = tables.detect.tunnelDenySeconds[query.workload]!;
  if (worth >= threshold && denySeconds > 0) {
    words[row + CHANNEL_DENIED_UNTIL] = seconds + denySeconds;
  }
  // A clock that was set back makes no denial longer than one that begins now.
  if (words[row + CHANNEL_DENIED_UNTIL]! - seconds > denySeconds) {
    words[row + CHANNEL_DENIED_UNTIL] = seconds + denySeconds;
  }
  if (words[row + CHANNEL_DENIED_UNTIL]! > seconds) denyFor(query);
  if (worth < threshold) return;
  const told = floats[row + CHANNEL_TOLD]!;
  const isDue = Math.abs(seconds - words[row + CHANNEL_TOLD_SECONDS]!) >= TELL_SECONDS;
  if (told !== 0 && worth < told * TELL_FACTOR && !isDue) return;
  if (!tellTunnel(query, threshold, memory)) return;
  floats[row + CHANNEL_TOLD] = worth;
  words[row + CHANNEL_TOLD_SECONDS] = seconds;
}

function denyFor({ decision }: Query): void {
  decision.allowed = 0;
  decision.wouldDeny = 0;
  decision.reason = REASON_TUNNEL;
}
