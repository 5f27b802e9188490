/**
 * Standing: what the ledgers hold about a workload and a name right now, in the numbers of a
 * finding. For people who ask; slow lane. Like carry.ts it reads rows without locking them.
 */

import {
  FINDING_DOWNLOAD,
  FINDING_SPREAD,
  FINDING_TENANT,
  FINDING_TUNNEL,
  PARTS,
} from '../events/kinds.ts';
import type { Tables } from '../tables.ts';
import type { WireName } from '../wire/name.ts';
import {
  CHANNEL_ANSWERS,
  CHANNEL_DATA,
  CHANNEL_DATA_SECONDS,
  CHANNEL_DENIED_UNTIL,
  CHANNEL_FLAGS,
  CHANNEL_KEPT,
  CHANNEL_ODD_TYPE,
  CHANNEL_OLDEST,
  CHANNEL_RECENTS,
  CHANNEL_SINCE,
  CHANNEL_WORKLOAD,
  IS_POPULAR,
} from './channels.ts';
import { DATA_FADE_SECONDS, DOWNLOAD_FACTOR } from './download.ts';
import { fadeOf } from './fade.ts';
import type { DetectMemory } from './memory.ts';
import {
  DOWNLOAD_ANSWERS,
  DOWNLOAD_SECONDS,
  DOWNLOAD_TYPE,
  SPREAD_DOMAINS,
  SPREAD_SECONDS,
  TENANT_NAMES,
  TENANT_SECONDS,
} from './parts.ts';
import { Part, RECENT_OCTETS, RECENTS } from './price.ts';
import { ledgerLabel } from './registrable.ts';
import { ROW_HIGH, ROW_LOW, ROW_SECONDS, ROW_WORTH, type RowsMemory } from './rows.ts';
import {
  ADDED,
  ADDED_SINCE,
  SPREAD_FACTOR,
  TENANT,
  TENANT_AT,
  TENANT_FACTOR,
  TENANT_SINCE,
  TENANTS,
} from './spread.ts';
import { SYMBOL_OF } from './symbols.ts';
import { gatherTunnel } from './tell.ts';
import { POPULAR_FACTOR } from './tunnel.ts';

export interface Standing {
  /** FINDING_*. */
  readonly type: number;
  readonly score: number;
  readonly threshold: number;
  readonly parts: Int32Array;
  /** Wall clock of the first and last query that the score is about, s. */
  readonly first: number;
  readonly last: number;
  /** Wall clock until which the domain is denied for it, s; 0 where it is not. */
  readonly deniedUntil: number;
}

/** Who asks, for what, when. */
export interface Asked {
  /** Number of the workload. */
  readonly workload: number;
  readonly name: WireName;
  /** Wall clock, s. */
  readonly now: number;
}

/** The ledgers that the name would be charged to, those that hold nothing left out. */
export function standingsOf(
  asked: Asked,
  tables: Tables,
  { channels, spreads }: Pick<DetectMemory, 'channels' | 'spreads'>,
): Standing[] {
  const { workload } = asked;
  const threshold = tables.detect.tunnelThreshold[workload] ?? 0;
  const low = tables.workloads.keyLow[workload] ?? 0;
  const high = tables.workloads.keyHigh[workload] ?? 0;
  const label = ledgerLabel(asked.name, tables.suffixes);
  const domain = [asked.name.low[label] ?? 0, asked.name.high[label] ?? 0];
  // The words of the domain follow those of the workload.
  const channel = findRow(channels, CHANNEL_WORKLOAD, [low, high, ...domain]);
  const spread = findRow(spreads, ROW_LOW, [low, high]);
  return [
    ...(channel === null ? [] : [tunnelOf(channel, threshold, asked.now)]),
    ...(channel === null ? [] : [downloadOf(channel, threshold, asked.now)]),
    ...(spread === null ? [] : [spreadOf(spread, threshold, asked.now)]),
    ...(spread === null ? [] : [tenantOf(spread, threshold, asked.now)]),
  ].filter(({ score, deniedUntil }) => score > 0 || deniedUntil > 0);
}

/** A copy of one row. */
interface Row {
  readonly words: Int32Array;
  readonly floats: Float32Array;
}

/** Looks through all rows, 2 ms for 64 MB: where a key has its row is the business of rows.ts. */
function findRow(memory: RowsMemory, at: number, key: readonly number[]): Row | null {
  const { words, rowWords } = memory;
  for (let row = 0; row < words.length; row += rowWords) {
    if (((words[row + ROW_LOW] ?? 0) | (words[row + ROW_HIGH] ?? 0)) === 0) continue;
    if (!key.every((word, i) => words[row + at + i] === word)) continue;
    const copy = words.slice(row, row + rowWords);
    return { words: copy, floats: new Float32Array(copy.buffer) };
  }
  return null;
}

function tunnelOf(row: Row, threshold: number, now: number): Standing {
  const { words, floats } = row;
  const parts = new Int32Array(PARTS);
  gatherTunnel(row, 0, lastPart(row), parts);
  const last = words[ROW_SECONDS] ?? 0;
  const isPopular = ((words[CHANNEL_FLAGS] ?? 0) & IS_POPULAR) !== 0;
  const deniedUntil = words[CHANNEL_DENIED_UNTIL] ?? 0;
  return {
    type: FINDING_TUNNEL,
    score: Math.round((floats[ROW_WORTH] ?? 0) * fadeOf(now - last)),
    threshold: threshold * (isPopular ? POPULAR_FACTOR : 1),
    parts,
    first: words[CHANNEL_SINCE] ?? 0,
    last,
    deniedUntil: deniedUntil > now ? deniedUntil : 0,
  };
}

/** The front of the last name that brought something new. */
function lastPart({ words }: Row): Part {
  const octets = new Uint8Array(words.buffer);
  const last = ((words[CHANNEL_OLDEST] ?? 0) + RECENTS - 1) % RECENTS;
  const at = CHANNEL_RECENTS * 4 + last * RECENT_OCTETS;
  const part = new Part();
  part.length = Math.min(octets[CHANNEL_KEPT * 4 + last] ?? 0, RECENT_OCTETS);
  for (let i = 0; i < part.length; i++) {
    const octet = octets[at + i] ?? 0;
    part.octets[i] = octet;
    part.symbols[i] = SYMBOL_OF[octet] ?? 0;
  }
  return part;
}

function downloadOf({ words, floats }: Row, threshold: number, now: number): Standing {
  const parts = new Int32Array(PARTS);
  const last = words[CHANNEL_DATA_SECONDS] ?? 0;
  const first = words[CHANNEL_SINCE] ?? 0;
  parts[DOWNLOAD_ANSWERS] = words[CHANNEL_ANSWERS] ?? 0;
  parts[DOWNLOAD_SECONDS] = last - first;
  parts[DOWNLOAD_TYPE] = words[CHANNEL_ODD_TYPE] ?? 0;
  const left = Math.exp(-Math.max(0, now - last) / DATA_FADE_SECONDS);
  return {
    type: FINDING_DOWNLOAD,
    score: Math.round((floats[CHANNEL_DATA] ?? 0) * left),
    threshold: threshold * DOWNLOAD_FACTOR,
    parts,
    first,
    last,
    // Names and answers deny together, and the ledger of names says until when.
    deniedUntil: 0,
  };
}

function spreadOf({ words, floats }: Row, threshold: number, now: number): Standing {
  const parts = new Int32Array(PARTS);
  const last = words[ROW_SECONDS] ?? 0;
  const first = words[ADDED_SINCE] ?? 0;
  parts[SPREAD_DOMAINS] = words[ADDED] ?? 0;
  parts[SPREAD_SECONDS] = last - first;
  return {
    type: FINDING_SPREAD,
    score: Math.round((floats[ROW_WORTH] ?? 0) * fadeOf(now - last)),
    threshold: Math.round(threshold * SPREAD_FACTOR),
    parts,
    first,
    last,
    deniedUntil: 0,
  };
}

function tenantOf({ words, floats }: Row, threshold: number, now: number): Standing {
  const parts = new Int32Array(PARTS);
  const last = words[TENANT_AT] ?? 0;
  const first = words[TENANT_SINCE] ?? 0;
  parts[TENANT_NAMES] = words[TENANTS] ?? 0;
  parts[TENANT_SECONDS] = last - first;
  return {
    type: FINDING_TENANT,
    score: Math.round((floats[TENANT] ?? 0) * fadeOf(now - last)),
    threshold: Math.round(threshold * TENANT_FACTOR),
    parts,
    first,
    last,
    deniedUntil: 0,
  };
}
