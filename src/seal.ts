/**
 * Sealed lines: a JSON object on one line whose last member is the SHA-256 of all octets before it.
 *
 * What is checked is octets and not values: a line that says the same in another way (a space, a
 * capital in the digest) is not the line that was sealed. A seal shows change, not authorship: who
 * can write the file can seal it anew, which is why a digest is worth keeping elsewhere.
 */

import { createHash, type Hash } from 'node:crypto';
import { safeJson } from './cli/escape.ts';

const OPENING = ',"sha256":"';
const CLOSING = '"}';
const DIGEST_LENGTH = 64;
const TRAILER = OPENING.length + DIGEST_LENGTH + CLOSING.length;
const DIGEST = /^[0-9a-f]{64}$/;

export interface Sealed {
  /** Without line feed. */
  readonly line: string;
  readonly sha256: string;
}

export interface Unsealed {
  readonly fields: Readonly<Record<string, unknown>>;
  /** As the line says. */
  readonly sha256: string;
  /** Whether the octets are those that this is the digest of. */
  readonly isIntact: boolean;
}

/**
 * Seals an object that has members, none of them `sha256`.
 *
 * @param before has seen the octets that the digest covers besides the line's own; used up
 */
export function seal(fields: object, before: Hash = createHash('sha256')): Sealed {
  const body = safeJson(fields).slice(0, -1);
  const sha256 = before.update(body).digest('hex');
  return { line: `${body}${OPENING}${sha256}${CLOSING}`, sha256 };
}

/** Reads a line without its line feed; null where it is not of that form. Uses `before` up. */
export function unseal(line: Buffer, before: Hash = createHash('sha256')): Unsealed | null {
  const end = line.length - TRAILER;
  if (end < 2) return null;
  const trailer = line.toString('latin1', end);
  const sha256 = trailer.slice(OPENING.length, OPENING.length + DIGEST_LENGTH);
  if (trailer !== `${OPENING}${sha256}${CLOSING}` || !isDigest(sha256)) return null;
  const isIntact = before.update(line.subarray(0, end)).digest('hex') === sha256;
  const fields = parseObject(line.toString('utf8'));
  return fields === null ? null : { fields, sha256, isIntact };
}

/** SHA-256 in the one form that is written here: lower case hexadecimal. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** Null for anything but a JSON object. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
