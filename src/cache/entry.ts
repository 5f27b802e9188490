/**
 * Entry: how an answer lies in the store's slab, what is noted of it, and what makes one.
 *
 * All offsets are from its start, aligned to 8:
 * ```
 *  0 u32 size in octets, a multiple of 8
 *  4 u32 low, 8 u32 high: hash of the name
 * 12 u32 key: qtype (or EVERY_TYPE) << 8 | key flags
 * 16 u32 stored at, 20 u32 expires at: monotonic seconds
 * 24 u16 message length, 26 u16 number of TTL fields
 * 28 u8 name length, 29 u8 use, 30 u8 outcome of inspection, 31 u8 content flags
 * 32 u32 revision that inspected it
 * 36 u32 rule that inspection named
 * 40 name; then TTL offsets (u16 each, from the message's start, aligned to 2); then the message
 * ```
 */

export const AT_SIZE = 0;
export const AT_LOW = 4;
export const AT_HIGH = 8;
export const AT_KEY = 12;
export const AT_STORED = 16;
export const AT_EXPIRES = 20;
export const AT_MESSAGE_LENGTH = 24;
export const AT_TTL_COUNT = 26;
export const AT_NAME_LENGTH = 28;
export const AT_USE = 29;
export const AT_INSPECTION = 30;
export const AT_CONTENT = 31;
export const AT_REVISION = 32;
export const AT_RULE = 36;
export const AT_NAME = 40;
/**
 * No entry takes less, so that the index (one place for every 64 octets) is never more than half
 * full: a remembered failure of a short name would else take 56, and a full index has no end of a
 * probe.
 */
export const ENTRY_MIN = 128;

/** In place of the type in a key: NXDOMAIN, which holds for every type. No type has this number. */
export const EVERY_TYPE = 0x10000;

/** Content flags: what a hit has to look at again. */
export const HAS_TARGETS = 1; // CNAME, DNAME, SVCB targets or addresses in it
export const IS_FAILURE = 2; // a failure remembered (RFC 9520); the message is only a header
export const IS_NXDOMAIN = 4; // stored for EVERY_TYPE; holds for names below too

/** Its targets include a name that a feed alerts of: each hit tells of it. */
export const HAS_ALERT = 8;

/** Its time is over; it serves while no upstream answers (RFC 8767). */
export const IS_STALE = 16;
/** How long it does before they are asked again, and the TTL that clients get (RFC 8767 4, 5). */
export const STALE_SECONDS = 30;

/** Besides: the question is still under way, so it has not failed. */
export const IS_LATE = 64;

/** It was asked for anew before its end, or that was refused: not again. */
export const WAS_DUE = 32;

/** Use: since it was written or moved; and in all once, twice, and more often. */
export const IS_USED = 1;
const ONCE = 2;
const TWICE = 4;
const OFTEN = 8;

/** A use more. */
export function usedOnceMore(use: number): number {
  return use | IS_USED | ONCE | ((use & (ONCE | TWICE)) << 1);
}

/** Shorter lives are not worth a refresh; of the others it comes in the last tenth. */
const DUE_LIFETIME = 10;
const DUE_PARTS = 10;

/**
 * Whether an entry is worth a refresh: it was used more than twice, the use of now among them, and
 * is in the last tenth of its life.
 *
 * @param lifetime seconds that it was stored for; @param left seconds until its end
 */
export function isWorthRefresh(use: number, lifetime: number, left: number): boolean {
  return (use & OFTEN) !== 0 && lifetime >= DUE_LIFETIME && left * DUE_PARTS <= lifetime;
}

/** What `put` is given: one reused record. */
export class StoredAnswer {
  octets: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  readonly ttlOffsets = new Uint16Array(4096);
  ttlCount = 0;
  /** How long the answer may be used. */
  seconds = 0;
  /** HAS_TARGETS | IS_FAILURE | IS_NXDOMAIN. */
  content = 0;
}
