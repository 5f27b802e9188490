/**
 * One record of the audit log: who did what to the resolver, and what it led to. Each holds the
 * digest of the record before it, so that none can be changed, left out or moved unseen.
 */

import { type Sealed, seal, type Unsealed } from '../seal.ts';

export const AUDIT_VERSION = 1;

/** `previous` of the first record. */
export const GENESIS = '0'.repeat(64);

/**
 * What is recorded. The last three are the writer's own, about the log: an end that a crash left
 * torn was cut off, records are missing or were changed, acts could not be written.
 */
export const ACTS = [
  'start',
  'stop',
  'reload',
  'exception-request',
  'exception-approve',
  'exception-reject',
  'exception-revoke',
  'exception-extend',
  'exception-expire',
  'quarantine',
  'quarantine-evidence',
  'quarantine-expire',
  'release',
  'mended',
  'gap',
  'lost',
] as const;
export type ActName = (typeof ACTS)[number];

/** Who, as far as the system tells. A signal has no sender that Node could see. */
export type Actor =
  | {
      readonly via: 'control';
      /** The peer of the socket when it connected; null where the system does not say. */
      readonly uid: number | null;
      readonly gid: number | null;
      readonly pid: number | null;
    }
  | { readonly via: 'signal'; readonly signal: string }
  /** The resolver itself, and what it runs as. */
  | { readonly via: 'process'; readonly uid: number | null; readonly pid: number };

export interface Act {
  readonly act: ActName;
  readonly by: Actor;
  /** What the act needs to be understood: JSON values, and nothing secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Where a record stands in the chain. */
export interface Link {
  readonly seq: number;
  /** Digest of that record. */
  readonly sha256: string;
}

export interface AuditRecord extends Act, Link {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly previous: string;
}

/** Longest text in `details`, characters: a thousand problems of a configuration are cut off. */
const TEXT_MAX = 4096;

/** The line of the record that follows `after`; null where there is none before it. */
export function sealRecord(after: Link | null, act: Act, atMs: number): Sealed & Link {
  const seq = (after?.seq ?? 0) + 1;
  const fields = {
    seq,
    version: AUDIT_VERSION,
    time: new Date(atMs).toISOString(),
    act: act.act,
    by: act.by,
    details: shortened(act.details),
    previous: after?.sha256 ?? GENESIS,
  };
  return { ...seal(fields), seq };
}

/** A record as it was read; null for a sealed line that is none. */
export function auditRecord({ fields, sha256 }: Unsealed): AuditRecord | null {
  const { seq, time, act, by, details, previous } = fields;
  const isRecord =
    Number.isSafeInteger(seq) &&
    typeof time === 'string' &&
    typeof act === 'string' &&
    typeof previous === 'string' &&
    [by, details].every((part) => typeof part === 'object' && part !== null);
  return isRecord ? ({ ...fields, sha256 } as unknown as AuditRecord) : null;
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length <= TEXT_MAX ? value : `${value.slice(0, TEXT_MAX)} [cut off]`;
  }
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shortened(part)]));
}
