/**
 * The information budget of a rule: charges what is about to leave through it, and denies what
 * would go beyond. Fast lane. What the charge is, and why it is a bound, is code.ts.
 *
 * Two accounts with one limit: outward the names, exactly, before they leave; inward the data of
 * answers, when they come. Over the limit inward, nothing more is asked.
 */

import { keyFlagsOf } from '../cache/lookup.ts';
import { SHARED_MS } from '../clock.ts';
import { BUDGET_DENIED, BUDGET_UNAVAILABLE } from '../counters.ts';
import { FINDING_BUDGET, REASON_BUDGET } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Tables } from '../tables.ts';
import { KEY_NO_RD } from '../upstream/inflight.ts';
import { HEADER_SIZE, RD } from '../wire/constants.ts';
import { hashOctets, octetsHigh, octetsLow } from '../wire/hash.ts';
import { answerCount, authorityCount } from '../wire/header.ts';
import { skipName } from '../wire/name.ts';
import { RecordPlace, readRecord } from '../wire/records.ts';
import {
  DOUBLE_IN,
  DOUBLE_IN_CELLS,
  DOUBLE_OUT,
  DOUBLE_OUT_CELLS,
  DOUBLE_TOLD,
  ROW_WORDS,
  WORD_IS_WARNED,
  WORD_KNOWN,
} from './account-row.ts';
import { type Accounts, cellAt } from './accounts.ts';
import { type Budgets, IS_NOT_TO_BE_HAD, IS_USED_UP } from './budgets.ts';
import { CLOSING, UNITS_PER_OCTET } from './code-lengths.ts';
import { BUDGET_FREES, BUDGET_IS_INWARD, BUDGET_NAMES, BUDGET_SECONDS } from './parts.ts';
import { registrableLabel } from './registrable.ts';

/** It is told when so much is used, and again only after it fell below half. */
const WARN_SHARE = 0.8;
const CALM_SHARE = 0.5;
/** Of one account a denial is told once in this time; all are counted. */
const TELL_MS = 60_000;

const asked = { qtype: 0, flags: 0 };
const record = new RecordPlace();

/** Charges a query that is about to go upstream; beyond the budget it turns into a denial. */
export function examineBudget(query: Query, tables: Tables, memory: Memory): void {
  const { budgets } = tables;
  if (!budgets.find(query.decision.rule, query.workload)) return;
  const { accounts } = memory.detectors;
  if (budgets.row === -1 || !accounts.lock(budgets.row)) {
    refuse(query, budgets, IS_NOT_TO_BE_HAD, memory);
    return;
  }
  charge(query, tables, memory);
  accounts.unlock(budgets.row);
}

function charge(query: Query, tables: Tables, memory: Memory): void {
  const { budgets } = tables;
  const { accounts, code } = memory.detectors;
  const { row, budget } = budgets;
  const limit = budgets.memory.limit[budget]!;
  advance(query, budgets, accounts);
  asked.qtype = query.qtype;
  asked.flags = keyFlagsOf(query) | ((query.flags & RD) === 0 ? KEY_NO_RD : 0);
  const units = code.units(query.name, query.decision.matchedLabel, asked, row * ROW_WORDS);
  const isInward = accounts.used(row, DOUBLE_IN) > limit;
  const room = isInward ? limit : limit - units - CLOSING;
  const window = isInward ? DOUBLE_IN : DOUBLE_OUT;
  const isOver = accounts.used(row, window) > room;
  budgets.freesSeconds = isOver ? freesIn(window, room, budgets, accounts) : 0;
  if (isOver) refuse(query, budgets, IS_USED_UP, memory);
  else if (budgets.memory.isAlert[budget] === 0 && !accounts.isGranted(row, units)) {
    refuse(query, budgets, IS_NOT_TO_BE_HAD, memory);
  }
  if (query.decision.allowed === 1) {
    accounts.add(row, DOUBLE_OUT, DOUBLE_OUT_CELLS, units);
    accounts.addTotal(row, units);
    code.learn(query.name, asked.flags, row * ROW_WORDS);
  }
  if (isOver) tellOver(query, window, tables, memory);
  else warn(query, tables, memory);
}

function advance(query: Query, budgets: Budgets, accounts: Accounts): void {
  const { row, budget } = budgets;
  const ms = accounts.timeOf(query.nowMs + SHARED_MS);
  const cell = cellAt(ms, budgets.memory.cellMs[budget]!);
  accounts.advance(row, DOUBLE_OUT, DOUBLE_OUT_CELLS, cell);
  accounts.advance(row, DOUBLE_IN, DOUBLE_IN_CELLS, cell);
}

function freesIn(window: number, room: number, budgets: Budgets, accounts: Accounts): number {
  const cells = window === DOUBLE_IN ? DOUBLE_IN_CELLS : DOUBLE_OUT_CELLS;
  const count = accounts.cellsUntil(budgets.row, window, cells, room);
  return Math.ceil((count * budgets.memory.cellMs[budgets.budget]!) / 1000);
}

function refuse(query: Query, budgets: Budgets, why: number, memory: Memory): void {
  const { decision } = query;
  memory.counters[why === IS_USED_UP ? BUDGET_DENIED : BUDGET_UNAVAILABLE]!++;
  if (budgets.memory.isAlert[budgets.budget] === 1) return;
  decision.allowed = 0;
  decision.wouldDeny = 0;
  decision.reason = REASON_BUDGET;
  budgets.denied = why;
}

function tellOver(query: Query, window: number, tables: Tables, memory: Memory): void {
  const { accounts } = memory.detectors;
  const ms = accounts.timeOf(query.nowMs + SHARED_MS);
  const at = (tables.budgets.row * ROW_WORDS) / 2 + DOUBLE_TOLD;
  const { doubles } = accounts.rows;
  if (ms < doubles[at]!) return;
  if (tell(query, window, tables, memory)) doubles[at] = ms + TELL_MS;
}

/** Told once when most of it is used, before anything is denied. */
function warn(query: Query, tables: Tables, memory: Memory): void {
  const { accounts } = memory.detectors;
  const { words } = accounts.rows;
  const { budget, row } = tables.budgets;
  const limit = tables.budgets.memory.limit[budget]!;
  const used = accounts.used(row, DOUBLE_OUT);
  const at = row * ROW_WORDS + WORD_IS_WARNED;
  if (used < limit * CALM_SHARE) words[at] = 0;
  else if (used >= limit * WARN_SHARE && words[at] === 0) {
    if (tell(query, DOUBLE_OUT, tables, memory)) words[at] = 1;
  }
}

function tell(query: Query, window: number, tables: Tables, memory: Memory): boolean {
  const { findings } = memory;
  const { rows } = memory.detectors.accounts;
  const { budget, row, freesSeconds } = tables.budgets;
  const { limit, seconds } = tables.budgets.memory;
  const used = memory.detectors.accounts.used(row, window);
  findings.score = Math.ceil(used / UNITS_PER_OCTET);
  findings.threshold = Math.floor(limit[budget]! / UNITS_PER_OCTET);
  findings.parts.fill(0);
  findings.parts[BUDGET_SECONDS] = seconds[budget]!;
  findings.parts[BUDGET_NAMES] = rows.words[row * ROW_WORDS + WORD_KNOWN]!;
  findings.parts[BUDGET_FREES] = freesSeconds;
  findings.parts[BUDGET_IS_INWARD] = window === DOUBLE_IN ? 1 : 0;
  const label = registrableLabel(query.name, tables.suffixes);
  return findings.tell(query, label, FINDING_BUDGET, query.wallMs);
}

/**
 * Charges what an answer brings: an octet for what every answer says, and each record's data that
 * the account has not had. An account that cannot be had is not charged; the next query asks again.
 */
export function chargeBudgetAnswer(query: Query, tables: Tables, memory: Memory): void {
  const { budgets } = tables;
  if (!budgets.find(query.decision.rule, query.workload)) return;
  const { accounts } = memory.detectors;
  const { row } = budgets;
  if (row === -1 || !accounts.lock(row)) return;
  advance(query, budgets, accounts);
  accounts.add(row, DOUBLE_IN, DOUBLE_IN_CELLS, answerOctets(row, memory) * UNITS_PER_OCTET);
  accounts.unlock(row);
}

function answerOctets(row: number, memory: Memory): number {
  const { accounts } = memory.detectors;
  const { octets, length } = memory.clean;
  let sum = 1;
  let at = skipName(octets, HEADER_SIZE, length) + 4;
  const count = answerCount(octets, 0) + authorityCount(octets, 0);
  for (let i = 0; i < count; i++) {
    at = readRecord(octets, at, length, record);
    if (at === -1) return sum;
    hashOctets(octets, record.rdata, record.rdataEnd, record.type);
    if (accounts.hears(row, octetsLow, octetsHigh)) sum += record.rdataEnd - record.rdata;
  }
  return sum;
}
