/**
 * Download: the ledger of data that comes in by answers. Fast lane, for answers to questions of
 * types that carry data; ordinary programs ask for few of them.
 *
 * A payload can be fetched over short innocent names (`1.x.example`, `2.x.example`), which the
 * ledger of names is slow to see. What an answer holds is added to its (workload, domain) unless
 * the same record was given before; half of it goes in an hour.
 */

import { FINDING_DOWNLOAD } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { HEADER_SIZE } from '../wire/constants.ts';
import { RecordPlace, readRecord } from '../wire/records.ts';
import {
  CHANNEL_ANSWERS,
  CHANNEL_DATA,
  CHANNEL_DATA_SECONDS,
  CHANNEL_DATA_TOLD,
  CHANNEL_DENIED_UNTIL,
  CHANNEL_FLAGS,
  CHANNEL_SINCE,
  IS_QUIET,
} from './channels.ts';
import { DOWNLOAD_ANSWERS, DOWNLOAD_SECONDS, DOWNLOAD_TYPE } from './parts.ts';
import { hashFrom, hashHigh, hashLow } from './popular.ts';
import { NONE } from './rows.ts';

/** Of the threshold of names: keys of mail, service records and the like are data, too. */
export const DOWNLOAD_FACTOR = 16;
/** Names that start with an underscore (RFC 8552) hold keys and policies: half is charged. */
const UNDERSCORE = 0x5f;
export const DATA_FADE_SECONDS = 3600 / Math.LN2;
const TELL_FACTOR = 2;

const record = new RecordPlace();

/** @param label where the domain starts in the name (ledgerLabel) */
export function chargeAnswer(query: Query, label: number, tables: Tables, memory: Memory): void {
  const { detectors } = memory;
  const { charge, channels } = detectors;
  charge.label = label;
  charge.seconds = Math.floor(query.wallMs / 1000);
  charge.keyLow = tables.workloads.keyLow[query.workload]!;
  charge.keyHigh = tables.workloads.keyHigh[query.workload]!;
  const octets = novelOctets(query, memory);
  if (octets === 0) return;
  const { name } = query;
  const low = charge.keyLow ^ name.low[label]!;
  const row = channels.lockKnown(low, charge.keyHigh ^ name.high[label]!);
  // Without a row the question was not charged either: it was refused.
  if (row === NONE) return;
  charge.row = row;
  addData(query, octets, tables, memory);
  channels.unlock();
}

/** Octets of data in the answer that this workload was not given before. */
function novelOctets({ name }: Query, { clean, detectors }: Memory): number {
  const { charge, seen } = detectors;
  let at = HEADER_SIZE + name.length + 4;
  let sum = 0;
  for (let i = 0; i < clean.answers; i++) {
    at = readRecord(clean.octets, at, clean.length, record);
    if (at === -1) break;
    hashFrom(clean.octets, record.rdata, record.rdataEnd);
    if (!seen.add(charge.keyLow ^ hashLow, charge.keyHigh ^ hashHigh)) {
      sum += record.rdataEnd - record.rdata;
    }
  }
  const isService = name.octets[1] === UNDERSCORE;
  return isService ? sum >> 1 : sum;
}

function addData(query: Query, octets: number, tables: Tables, memory: Memory): void {
  const { charge, channels } = memory.detectors;
  const { words, floats } = channels;
  const { row, seconds } = charge;
  const age = Math.max(0, seconds - words[row + CHANNEL_DATA_SECONDS]!);
  const sum = floats[row + CHANNEL_DATA]! * Math.exp(-age / DATA_FADE_SECONDS) + octets;
  floats[row + CHANNEL_DATA] = sum;
  words[row + CHANNEL_DATA_SECONDS] = seconds;
  words[row + CHANNEL_ANSWERS]!++;
  const threshold = tables.detect.tunnelThreshold[query.workload]! * DOWNLOAD_FACTOR;
  if (sum < threshold || (words[row + CHANNEL_FLAGS]! & IS_QUIET) !== 0) return;
  const denySeconds = tables.detect.tunnelDenySeconds[query.workload]!;
  if (denySeconds > 0) words[row + CHANNEL_DENIED_UNTIL] = seconds + denySeconds;
  const told = floats[row + CHANNEL_DATA_TOLD]!;
  if (told !== 0 && sum < told * TELL_FACTOR) return;
  const { findings } = memory;
  const since = words[row + CHANNEL_SINCE]!;
  findings.begin(sum, threshold);
  findings.parts[DOWNLOAD_ANSWERS] = words[row + CHANNEL_ANSWERS]!;
  findings.parts[DOWNLOAD_SECONDS] = seconds - since;
  findings.parts[DOWNLOAD_TYPE] = query.qtype;
  if (findings.tell(query, charge.label, FINDING_DOWNLOAD, since * 1000)) {
    floats[row + CHANNEL_DATA_TOLD] = sum;
  }
}
