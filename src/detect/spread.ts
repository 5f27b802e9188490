/**
 * Spread: what one workload said over all domains together. Fast lane.
 *
 * Two ledgers of a row per workload that fade over a day: the sum of what each domain's ledger
 * holds beyond the usual, and the bytes in the names of tenants below public suffixes
 * (`DATA.cloudfront.net`), where every name is a domain of its own and no domain's ledger fills.
 */

import { FINDING_SPREAD, FINDING_TENANT } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { BEFORE, COST, WORTH } from './memory.ts';
import { SPREAD_DOMAINS, SPREAD_SECONDS, TENANT_NAMES, TENANT_SECONDS } from './parts.ts';
import { lengthOf, PARTS_OF_BYTE } from './price.ts';
import { isTenant } from './registrable.ts';
import { FADE_SECONDS, NONE, ROW_FIRST, ROW_WORTH } from './rows.ts';

/** Words of a row after those of rows.ts; its worth is the sum over domains. */
export const ADDED = ROW_FIRST; // domains that began to add to it
export const ADDED_SINCE = ROW_FIRST + 1; // s
const ADDED_TOLD = ROW_FIRST + 2; // f32: the sum when it was last told
export const TENANT = ROW_FIRST + 3; // f32
export const TENANT_AT = ROW_FIRST + 4; // s: when that was true
export const TENANTS = ROW_FIRST + 5; // names
export const TENANT_SINCE = ROW_FIRST + 6; // s
const TENANT_TOLD = ROW_FIRST + 7; // f32
export const SPREAD_WORDS = 16;

/** Bytes that a domain may hold without adding to the sum. */
const USUAL_BYTES = 16;
/** Of the threshold of one domain: that of the sum, and that of tenants' names. */
export const SPREAD_FACTOR = 4;
export const TENANT_FACTOR = 8;
/** What was told is told again when it has doubled. */
const TELL_FACTOR = 2;

/** Adds what the last charge of one domain means for the workload. */
export function spread(query: Query, tables: Tables, memory: Memory): void {
  const { detectors } = memory;
  const { charge, spreads } = detectors;
  const { bytes } = charge;
  const isBeyond = bytes[WORTH]! > USUAL_BYTES && bytes[COST]! > 0;
  const isNewTenant = charge.isNew && isTenant(query.name, charge.label, tables.suffixes);
  if (!isBeyond && !isNewTenant) return;
  const row = spreads.lock(charge.keyLow, charge.keyHigh, charge.seconds);
  // Where it cannot be had, the domains' own ledgers still hold.
  if (row === NONE) return;
  const threshold = tables.detect.tunnelThreshold[query.workload]!;
  if (isBeyond) addExcess(query, row, threshold * SPREAD_FACTOR, memory);
  if (isNewTenant) addTenant(query, row, threshold * TENANT_FACTOR, memory);
  spreads.unlock();
}

function addExcess(query: Query, row: number, threshold: number, memory: Memory): void {
  const { charge, spreads } = memory.detectors;
  const { words, floats } = spreads;
  const { seconds, bytes } = charge;
  const excess = bytes[WORTH]! - Math.max(bytes[BEFORE]!, USUAL_BYTES);
  spreads.fade(row, seconds);
  const sum = floats[row + ROW_WORTH]! + excess;
  floats[row + ROW_WORTH] = sum;
  if (charge.bytes[BEFORE]! <= USUAL_BYTES) words[row + ADDED]!++;
  if (words[row + ADDED_SINCE] === 0) words[row + ADDED_SINCE] = seconds;
  const told = floats[row + ADDED_TOLD]!;
  if (sum < threshold || (told !== 0 && sum < told * TELL_FACTOR)) return;
  const { findings } = memory;
  const since = words[row + ADDED_SINCE]!;
  findings.begin(sum, threshold);
  findings.parts[SPREAD_DOMAINS] = words[row + ADDED]!;
  findings.parts[SPREAD_SECONDS] = seconds - since;
  if (findings.tell(query, charge.label, FINDING_SPREAD, since * 1000)) {
    floats[row + ADDED_TOLD] = sum;
  }
}

function addTenant(query: Query, row: number, threshold: number, memory: Memory): void {
  const { charge, spreads, part, nameModel } = memory.detectors;
  const { words, floats } = spreads;
  const { seconds } = charge;
  part.readLabel(query.name, charge.label);
  const bytes = lengthOf(part, nameModel, 0, part.length) / PARTS_OF_BYTE;
  const age = Math.max(0, seconds - words[row + TENANT_AT]!);
  const sum = floats[row + TENANT]! * Math.exp(-age / FADE_SECONDS) + bytes;
  floats[row + TENANT] = sum;
  words[row + TENANT_AT] = seconds;
  words[row + TENANTS]!++;
  if (words[row + TENANT_SINCE] === 0) words[row + TENANT_SINCE] = seconds;
  const told = floats[row + TENANT_TOLD]!;
  if (sum < threshold || (told !== 0 && sum < told * TELL_FACTOR)) return;
  const { findings } = memory;
  const since = words[row + TENANT_SINCE]!;
  findings.begin(sum, threshold);
  findings.parts[TENANT_NAMES] = words[row + TENANTS]!;
  findings.parts[TENANT_SECONDS] = seconds - since;
  if (findings.tell(query, charge.label, FINDING_TENANT, since * 1000)) {
    floats[row + TENANT_TOLD] = sum;
  }
}
