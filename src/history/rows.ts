/**
 * Rows as the reading commands get them: text for names and addresses, ms for times, numbers for
 * counts. And how they are read from the tables.
 */

import { typeToText } from '../wire/text.ts';
import { addressText, addressTexts } from './addresses.ts';
import { type DayCounts, daysOf } from './day-counts.ts';
import { dayOf } from './days.ts';
import { unpackFirst } from './first.ts';
import { SOLE_NAME, textOfReversed } from './names.ts';

export type Verdict = 'allowed' | 'denied' | 'would-deny' | 'failed' | 'unknown';

/** Index is VERDICT_* of `record.ts`. */
const VERDICTS: readonly Verdict[] = ['unknown', 'allowed', 'denied', 'would-deny', 'failed'];

export interface Counts {
  /** allowed + denied + failed. */
  readonly queries: number;
  readonly allowed: number;
  readonly denied: number;
  /** Let through by the mode only: a part of `allowed` and `failed`. */
  readonly wouldDeny: number;
  readonly failed: number;
}

/** One full name that a workload asked for. */
export interface NameRow extends Counts {
  readonly name: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What a workload asked for: a registrable domain, or one full name below it. */
export interface PairRow extends Counts {
  /** Key of the pair in this history, and nowhere else. */
  readonly id: number;
  readonly workload: string;
  /** Registrable domain. */
  readonly domain: string;
  /** The name that times and counts belong to: `domain`, or the full name that was asked about. */
  readonly name: string;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Of `allowed`, answered from the store; null where `name` is detail, which does not know. */
  readonly cached: number | null;
  /** Queries for names beyond the bound of detail. */
  readonly folded: number;
  /** Full names that detail is held for. */
  readonly names: number;
  /** All queries were for `firstName`, and the pair is its detail. */
  readonly isSole: boolean;
  /** First query: its address, type, verdict and full name; '' where `name` is not that name. */
  readonly firstSource: string;
  readonly firstType: string;
  readonly firstVerdict: Verdict;
  readonly firstName: string;
  /** First addresses that the domain was answered with. */
  readonly answers: readonly string[];
  /** Policy at the first query, and when it was loaded; null where it is not known. */
  readonly revision: number | null;
  readonly policyMs: number | null;
  /** Rule that decided the first query; '' for none. */
  readonly rule: string;
  /** Counts of the pair by day, as far as they are known; none where `name` is detail. */
  readonly days: readonly DayCounts[];
}

export interface WorkloadRow extends Counts {
  readonly workload: string;
  readonly domains: number;
  readonly cached: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface RawCounts {
  readonly allowed: number;
  readonly denied: number;
  readonly would_deny: number;
  readonly failed: number;
}

/** What rows of pairs and of names have in common. */
export interface RawRow extends RawCounts {
  readonly first_ms: number;
  readonly last_ms: number;
}

export interface RawPair extends RawRow {
  readonly id: number;
  readonly workload: string;
  readonly domain_rev: string;
  readonly cached: number;
  readonly folded: number;
  readonly names: number;
  readonly first_name: string;
  /** As `first.ts` packs it. */
  readonly first: Buffer;
  readonly answers: Buffer | null;
  readonly last_day: number;
  /** As `day-counts.ts` packs them. */
  readonly days: Buffer | null;
}

/** What the keys in a row's `first` stand for. */
export interface DecisionTexts {
  policy(id: number): { readonly revision: number; readonly loaded_ms: number } | null;
  /** '' for none. */
  rule(id: number): string;
}

export interface RawName extends RawRow {
  readonly name_rev: string;
}

export interface RawWorkload extends RawCounts {
  readonly name: string;
  readonly domains: number;
  readonly cached: number;
  readonly first_ms: number;
  readonly last_ms: number;
}

/** Columns of `RawPair`; a query joins workload w, pair p with it. */
export const PAIR_COLUMNS = `
  p.id, w.name AS workload, p.name_rev AS domain_rev, p.first_ms, p.last_ms, p.allowed, p.denied,
  p.would_deny, p.failed, p.cached, p.folded, p.names, p.first_name, p.first, p.answers,
  p.last_day, p.days`;

function countsOf(raw: RawCounts): Counts {
  const { allowed, denied, failed, would_deny: wouldDeny } = raw;
  return { queries: allowed + denied + failed, allowed, denied, wouldDeny, failed };
}

export function pairRow(raw: RawPair, texts: DecisionTexts): PairRow {
  const domain = textOfReversed(raw.domain_rev);
  const first = unpackFirst(raw.first);
  const policy = texts.policy(first.policyId);
  return {
    id: raw.id,
    workload: raw.workload,
    domain,
    name: domain,
    firstMs: raw.first_ms,
    lastMs: raw.last_ms,
    ...countsOf(raw),
    cached: raw.cached,
    folded: raw.folded,
    names: raw.names === SOLE_NAME ? 1 : raw.names,
    isSole: raw.names === SOLE_NAME,
    firstSource: addressText(Buffer.from(first.source, 'latin1')),
    firstType: typeToText(first.qtype),
    firstVerdict: VERDICTS[first.verdict] ?? 'unknown',
    firstName: textOfReversed(raw.domain_rev + raw.first_name),
    answers: addressTexts(raw.answers),
    revision: policy?.revision ?? null,
    policyMs: policy === null || policy.loaded_ms === 0 ? null : policy.loaded_ms,
    rule: texts.rule(first.ruleId),
    days: daysOfRaw(raw),
  };
}

function daysOfRaw(raw: RawPair): readonly DayCounts[] {
  const { allowed, denied, would_deny: wouldDeny, failed, last_day: lastDay, days } = raw;
  const counts = [allowed, denied, wouldDeny, failed] as const;
  return daysOf({ firstDay: dayOf(raw.first_ms), lastDay, counts, days }).days;
}

/** The detail that a pair's row stands for, where all its queries were for one name. */
export function soleName(raw: RawPair): RawName | undefined {
  return raw.names === SOLE_NAME ? { ...raw, name_rev: raw.first_name } : undefined;
}

export function nameRow(domainRev: string, raw: RawName): NameRow {
  const name = textOfReversed(domainRev + raw.name_rev);
  return { name, firstMs: raw.first_ms, lastMs: raw.last_ms, ...countsOf(raw) };
}

/** A pair narrowed to one of its names: what only the pair knows is left out. */
export function narrowedRow(raw: RawPair, detail: RawName, texts: DecisionTexts): PairRow {
  const row = {
    ...pairRow(raw, texts),
    ...nameRow(raw.domain_rev, detail),
    cached: null,
    names: 1,
    days: [],
  };
  if (raw.first_name === detail.name_rev) return row;
  const unknown = { firstSource: '', firstType: '', firstName: '', revision: null, policyMs: null };
  return { ...row, ...unknown, firstVerdict: verdictOf(row), answers: [], rule: '' };
}

/** The verdict where all queries had the same one. */
function verdictOf({ queries, allowed, denied, wouldDeny, failed }: Counts): Verdict {
  if (denied === queries) return 'denied';
  if (wouldDeny === queries) return 'would-deny';
  if (failed === queries) return 'failed';
  return allowed === queries && wouldDeny === 0 ? 'allowed' : 'unknown';
}

export function workloadRow(raw: RawWorkload): WorkloadRow {
  return {
    workload: raw.name,
    domains: raw.domains,
    ...countsOf(raw),
    cached: raw.cached,
    firstMs: raw.first_ms,
    lastMs: raw.last_ms,
  };
}
