/**
 * recall: the decision of the last query for the same (workload, name), under the same tables.
 *
 * `authorize` asks a dozen tables about every suffix of a name; what it says depends on nothing but
 * workload, name, type and tables, so a name that the ledger knows needs it once. The ledger
 * forgets everything when the tables change. Together with the ledger's rows (events/slots.ts) it
 * took a hit on 10,000 names in turn from 3.6 to 2.6 us of JavaScript.
 *
 * Not recalled, because it depends on more: what an answer was found to hold, the local data of an
 * RPZ entry, and what an exception let through that has ended since. A type matters only where a
 * rule that names types was looked at.
 */

import {
  OCTET_RECALL,
  ROW_OCTETS,
  ROW_WORDS,
  type Slots,
  WORD_RECALL,
  WORD_RECALL_RULE,
  WORD_RECALL_ZONE,
} from '../events/slots.ts';
import { isExcepted } from '../overrides/in-force.ts';
import type { Query } from '../query.ts';
import { ACTION_DATA } from '../reputation/memory.ts';
import type { Tables } from '../tables.ts';

/** Of WORD_RECALL: something is there; it holds for the type in the low 16 bits only. */
const IS_THERE = 0x10000;
const IS_TYPED = 0x20000;
const TYPE_MASK = 0xffff;

/** From OCTET_RECALL on. */
const AT_ALLOWED = 0;
const AT_WOULD_DENY = 1;
const AT_REASON = 2;
const AT_FEED = 3;
const AT_FLAGS = 4;
const AT_LABEL = 5;
const AT_ACTION = 6;

/** Nothing is recalled; a zone's number is -1 or more. */
export const FORGOTTEN = -2;

/**
 * Sets `query.decision` (and what `deny` needs of the feed that denied) as they were.
 *
 * @returns the local zone that holds the name, -1 for none; FORGOTTEN when nothing is recalled
 */
export function recall(query: Query, slot: number, slots: Slots, tables: Tables): number {
  const { words, octets } = slots;
  const row = slot * ROW_WORDS;
  const key = words[row + WORD_RECALL]!;
  if ((key & IS_THERE) === 0) return FORGOTTEN;
  if ((key & IS_TYPED) !== 0 && (key & TYPE_MASK) !== query.qtype) return FORGOTTEN;
  const { decision } = query;
  const at = slot * ROW_OCTETS + OCTET_RECALL;
  decision.allowed = octets[at + AT_ALLOWED]!;
  decision.wouldDeny = octets[at + AT_WOULD_DENY]!;
  decision.reason = octets[at + AT_REASON]!;
  decision.rule = words[row + WORD_RECALL_RULE]!;
  if (isExcepted(decision) && !tables.overrides.holds(decision.rule)) return FORGOTTEN;
  decision.feed = octets[at + AT_FEED]!;
  decision.flags = octets[at + AT_FLAGS]!;
  decision.matchedLabel = octets[at + AT_LABEL]!;
  tables.reputation.action = octets[at + AT_ACTION]!;
  return words[row + WORD_RECALL_ZONE]!;
}

/** Keeps `query.decision`, which `authorize` just made for a name in `zone`. */
export function remember(
  query: Query,
  slot: number,
  zone: number,
  tables: Tables,
  slots: Slots,
): void {
  const { decision } = query;
  const { policy, overrides, reputation } = tables;
  if (decision.feed !== 0 && reputation.action === ACTION_DATA) return;
  const { words, octets } = slots;
  const row = slot * ROW_WORDS;
  words[row + WORD_RECALL] =
    query.qtype | IS_THERE | (policy.isTyped || overrides.isTyped ? IS_TYPED : 0);
  words[row + WORD_RECALL_RULE] = decision.rule;
  words[row + WORD_RECALL_ZONE] = zone;
  const at = slot * ROW_OCTETS + OCTET_RECALL;
  octets[at + AT_ALLOWED] = decision.allowed;
  octets[at + AT_WOULD_DENY] = decision.wouldDeny;
  octets[at + AT_REASON] = decision.reason;
  octets[at + AT_FEED] = decision.feed;
  octets[at + AT_FLAGS] = decision.flags;
  octets[at + AT_LABEL] = decision.matchedLabel;
  octets[at + AT_ACTION] = reputation.action;
}
