/** tell: the numbers of a finding about one domain, gathered when it is told and not before. */

import { FINDING_TUNNEL } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import {
  CHANNEL_DATA,
  CHANNEL_FLAGS,
  CHANNEL_LONGEST,
  CHANNEL_NAMES,
  CHANNEL_ODD,
  CHANNEL_ODD_TYPE,
  CHANNEL_QUERIES,
  CHANNEL_SINCE,
  IS_POPULAR,
} from './channels.ts';
import { entropyOf, lookOf } from './look.ts';
import { WORTH } from './memory.ts';
import {
  TUNNEL_ANSWER_OCTETS,
  TUNNEL_ENTROPY,
  TUNNEL_LONGEST,
  TUNNEL_LOOK,
  TUNNEL_NAMES,
  TUNNEL_ODD_PERCENT,
  TUNNEL_ODD_TYPE,
  TUNNEL_POPULAR,
  TUNNEL_QUERIES,
  TUNNEL_SECONDS,
} from './parts.ts';
import type { Part } from './price.ts';
import { ROW_SECONDS, type Rows } from './rows.ts';

/** Tells of the domain whose row is locked. Returns false when there was no room. */
export function tellTunnel(query: Query, threshold: number, memory: Memory): boolean {
  const { findings, detectors } = memory;
  const { charge, channels, part } = detectors;
  const { row, label } = charge;
  part.read(query.name, label);
  findings.begin(charge.bytes[WORTH]!, threshold);
  gatherTunnel(channels, row, part, findings.parts);
  return findings.tell(query, label, FINDING_TUNNEL, channels.words[row + CHANNEL_SINCE]! * 1000);
}

/** The parts of a finding about a row. @param part the last one that was asked for */
export function gatherTunnel(
  { words, floats }: Pick<Rows, 'words' | 'floats'>,
  row: number,
  part: Part,
  parts: Int32Array,
): void {
  const queries = Math.max(1, words[row + CHANNEL_QUERIES]!);
  parts[TUNNEL_NAMES] = words[row + CHANNEL_NAMES]!;
  parts[TUNNEL_SECONDS] = words[row + ROW_SECONDS]! - words[row + CHANNEL_SINCE]!;
  parts[TUNNEL_QUERIES] = words[row + CHANNEL_QUERIES]!;
  parts[TUNNEL_ODD_PERCENT] = Math.round((100 * words[row + CHANNEL_ODD]!) / queries);
  parts[TUNNEL_ODD_TYPE] = words[row + CHANNEL_ODD_TYPE]!;
  parts[TUNNEL_LONGEST] = words[row + CHANNEL_LONGEST]!;
  parts[TUNNEL_ENTROPY] = Math.round(100 * entropyOf(part));
  parts[TUNNEL_LOOK] = lookOf(part);
  parts[TUNNEL_POPULAR] = (words[row + CHANNEL_FLAGS]! & IS_POPULAR) === 0 ? 0 : 1;
  parts[TUNNEL_ANSWER_OCTETS] = Math.round(floats[row + CHANNEL_DATA]!);
}
