/** The question which workload an address was at some time. Read-only, each look-up by an index. */

import type Database from 'better-sqlite3';
import { addressText } from './addresses.ts';
import { SEEN_EVERY_MS } from './bindings.ts';

/** Lengths of prefixes; IPv4 stands behind 96 bits, and none shorter holds it. */
const LENGTH_MAX = 128;
const MAPPED_LENGTH = 96;

/** One that was there this short a time ago is there still. */
const THERE_MS = 3 * SEEN_EVERY_MS;

export interface BindingRow {
  readonly prefix: string;
  readonly workload: string;
  readonly fromMs: number;
  /** Revision that brought it. */
  readonly fromRevision: number | null;
  /** Null while it is in force. */
  readonly toMs: number | null;
  /** The first revision without it. */
  readonly toRevision: number | null;
}

/** A time without a daemon; null where it has no begin (before the first), or no end yet. */
export interface Gap {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export interface Policy {
  readonly revision: number;
  readonly loadedMs: number;
}

interface Raw {
  readonly length: number;
  readonly prefix: Buffer;
  readonly workload: string;
  readonly from_ms: number;
  readonly from_revision: number | null;
  readonly to_ms: number | null;
  readonly to_revision: number | null;
}

const HOLDS = `
SELECT b.length, b.prefix, b.workload, b.from_ms, b.to_ms, f.revision AS from_revision,
  t.revision AS to_revision
FROM binding b INDEXED BY binding_by_prefix
LEFT JOIN policy f ON f.id = b.from_policy LEFT JOIN policy t ON t.id = b.to_policy
WHERE b.length = @length AND b.prefix = @prefix AND b.from_ms <= @ms
  AND (b.to_ms IS NULL OR b.to_ms > @ms)
ORDER BY b.from_ms DESC, b.id DESC LIMIT 1`;

const POLICY = `
SELECT revision, loaded_ms AS loadedMs FROM policy INDEXED BY policy_by_time
WHERE loaded_ms > 0 AND loaded_ms <= ? ORDER BY loaded_ms DESC, id DESC LIMIT 1`;

const RUN_BEFORE = `
SELECT started_ms, seen_ms FROM run WHERE started_ms <= ? ORDER BY started_ms DESC LIMIT 1`;
const RUN_AFTER = 'SELECT min(started_ms) FROM run WHERE started_ms > ?';

export class BindingQueries {
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  /** The longest prefix that held the address then. @param octets 16, IPv4 mapped */
  at(octets: Uint8Array, ms: number): BindingRow | null {
    const statement = this.#db.prepare<[Record<string, unknown>], Raw>(HOLDS);
    const shortest = isMapped(octets) ? MAPPED_LENGTH : 0;
    const prefix = Buffer.from(octets);
    for (let length = LENGTH_MAX; length >= shortest; length--) {
      if (length < LENGTH_MAX) prefix[length >> 3]! &= 0xff00 >> (length & 7);
      const raw = statement.get({ length, prefix, ms });
      if (raw !== undefined) return bindingRow(raw);
    }
    return null;
  }

  /** The policy in force then, where a daemon ran. */
  policy(ms: number): Policy | null {
    return this.#db.prepare<[number], Policy>(POLICY).get(ms) ?? null;
  }

  /** The time without a daemon that the moment lies in; null where one ran. */
  gap(ms: number, nowMs: number): Gap | null {
    const before = this.#db.prepare<[number], [number, number]>(RUN_BEFORE).raw().get(ms);
    const seenMs = before?.[1] ?? null;
    if (seenMs !== null && ms <= seenMs) return null;
    const next = this.#db.prepare<[number], number | null>(RUN_AFTER).pluck().get(ms) ?? null;
    const isThere = next === null && seenMs !== null && nowMs - seenMs < THERE_MS;
    return isThere ? null : { fromMs: seenMs, toMs: next };
  }
}

/** Whether 16 octets are an IPv4 address in its mapped form. */
function isMapped(octets: Uint8Array): boolean {
  return octets.subarray(0, 12).every((octet, i) => octet === (i < 10 ? 0 : 0xff));
}

function prefixText(octets: Uint8Array, length: number): string {
  const isIpv4 = isMapped(octets) && length >= MAPPED_LENGTH;
  return `${addressText(octets)}/${isIpv4 ? length - MAPPED_LENGTH : length}`;
}

function bindingRow(raw: Raw): BindingRow {
  return {
    prefix: prefixText(raw.prefix, raw.length),
    workload: raw.workload,
    fromMs: raw.from_ms,
    fromRevision: raw.from_revision,
    toMs: raw.to_ms,
    toRevision: raw.to_revision,
  };
}
