/**
 * inspect: may an answer be given out? Its CNAME, DNAME and SVCB targets against global deny and
 * feeds, and its addresses (also in SVCB hints) against what a public name must not point to.
 *
 * The outcome holds for every workload and is kept with the stored answer for one revision of the
 * tables. A workload with `chain: inspect` has the targets looked at once more with its own lists.
 */

import { REASON_CHAIN, REASON_NETWORK, REASON_NONE, REASON_REBINDING } from '../events/kinds.ts';
import { allowedTarget, globallyDenied } from '../policy/authorize.ts';
import { Decision, resetDecision } from '../policy/decision.ts';
import type { Tables } from '../tables.ts';
import {
  HEADER_SIZE,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_HTTPS,
  TYPE_SVCB,
} from '../wire/constants.ts';
import { answerCount } from '../wire/header.ts';
import { expandName, skipName, WireName } from '../wire/name.ts';
import { copyOctets, readU16, readU32 } from '../wire/octets.ts';
import { RecordPlace, readRecord } from '../wire/records.ts';
import { isInternalIpv4, isInternalIpv6 } from './addresses.ts';

/** SvcParamKeys (RFC 9460 14.3.2). */
const IPV4_HINT = 4;
const IPV6_HINT = 6;
const ADDRESSES_MAX = 4;

const record = new RecordPlace();
const target = new WireName();

/** What the last `inspect` found; read before the next. */
export class Inspection {
  /** REASON_NONE, REASON_CHAIN, REASON_REBINDING or REASON_NETWORK. */
  reason = REASON_NONE;
  readonly decision = new Decision();
  /** First addresses of the answer, IPv6 octets; where one was refused, it is the first. */
  readonly addresses = new Uint8Array(ADDRESSES_MAX * 16);
  addressCount = 0;
  /** 1 when `targetsPass` let a target through by the workload's mode only. */
  wouldDeny = 0;
}

/**
 * @param octets slab of a clean message that starts at `start` and has `length` octets
 * @param name its question's name: whether it is internal decides about addresses
 */
export function inspect(
  octets: Uint8Array,
  start: number,
  length: number,
  name: WireName,
  tables: Tables,
  found: Inspection,
): void {
  found.reason = REASON_NONE;
  found.addressCount = 0;
  resetDecision(found.decision);
  tables.routes.find(name);
  const mayBeInternal = tables.routes.internal === 1;
  const qtype = readU16(octets, start + HEADER_SIZE + name.length);
  let at = start + HEADER_SIZE + name.length + 4;
  const end = start + length;
  const count = answerCount(octets, start);
  for (let i = 0; i < count; i++) {
    at = readRecord(octets, at, end, record);
    if (at === -1) return;
    if (targetAt() !== -1 && isTargetDenied(octets, start, qtype, tables, found)) return;
    if (!addressesPass(octets, tables, mayBeInternal, found)) {
      if (found.reason === REASON_NONE) found.reason = REASON_REBINDING;
      return;
    }
  }
}

/** Where the record names a target, -1 when its type has none. */
function targetAt(): number {
  const { type } = record;
  if (type === TYPE_CNAME || type === TYPE_DNAME) return record.rdata;
  return type === TYPE_SVCB || type === TYPE_HTTPS ? record.rdata + 2 : -1;
}

function isTargetDenied(
  octets: Uint8Array,
  start: number,
  qtype: number,
  tables: Tables,
  found: Inspection,
): boolean {
  if (expandName(octets, start, targetAt(), record.rdataEnd, target) === -1) return false;
  // "." in SVCB is the owner itself (RFC 9460 2.5), which was vetted as the qname.
  if (target.labelCount === 0) return false;
  if (!globallyDenied(target, qtype, tables, found.decision)) return false;
  found.reason = found.decision.reason;
  return true;
}

/**
 * Whether every target is let through by the workload's own lists (`chain: inspect`).
 *
 * @param query who asks, for which type. Its name need not be the message's: an alias of a local
 *   zone has the answer about its target
 */
export function targetsPass(
  octets: Uint8Array,
  start: number,
  length: number,
  query: { readonly qtype: number; readonly workload: number },
  tables: Tables,
  found: Inspection,
): boolean {
  const end = start + length;
  let at = skipName(octets, start + HEADER_SIZE, end) + 4;
  const count = answerCount(octets, start);
  found.wouldDeny = 0;
  found.reason = REASON_CHAIN;
  for (let i = 0; i < count; i++) {
    at = readRecord(octets, at, end, record);
    if (at === -1) return false; // a clean message has all it counts: refused (fail closed)
    const name = targetAt();
    if (name === -1 || expandName(octets, start, name, record.rdataEnd, target) === -1) continue;
    if (target.labelCount === 0) continue;
    if (!allowedTarget(target, query.qtype, query.workload, tables, found.decision)) {
      found.reason = found.decision.reason;
      return false;
    }
    found.wouldDeny |= found.decision.wouldDeny;
  }
  found.reason = REASON_NONE;
  return true;
}

function addressesPass(
  octets: Uint8Array,
  tables: Tables,
  mayBeInternal: boolean,
  found: Inspection,
): boolean {
  const { type, rdata, rdataEnd } = record;
  if (type === TYPE_A) return noteIpv4(octets, rdata, tables, mayBeInternal, found);
  if (type === TYPE_AAAA) return noteIpv6(octets, rdata, tables, mayBeInternal, found);
  if (type !== TYPE_SVCB && type !== TYPE_HTTPS) return true;
  // The target may be compressed, against RFC 9460 2.2: the hints behind it are looked at all the
  // same.
  let at = skipName(octets, rdata + 2, rdataEnd);
  if (at === -1) return false;
  while (at + 4 <= rdataEnd) {
    const key = readU16(octets, at);
    const valueEnd = at + 4 + readU16(octets, at + 2);
    if (valueEnd > rdataEnd) return false; // malformed parameters: refused (fail closed)
    const step = key === IPV4_HINT ? 4 : key === IPV6_HINT ? 16 : 0;
    for (let hint = at + 4; step > 0 && hint + step <= valueEnd; hint += step) {
      const passes =
        step === 4
          ? noteIpv4(octets, hint, tables, mayBeInternal, found)
          : noteIpv6(octets, hint, tables, mayBeInternal, found);
      if (!passes) return false;
    }
    at = valueEnd;
  }
  return at === rdataEnd;
}

const mapped = new Uint8Array(16);
mapped[10] = 0xff;
mapped[11] = 0xff;

function noteIpv4(
  octets: Uint8Array,
  at: number,
  tables: Tables,
  mayBeInternal: boolean,
  found: Inspection,
): boolean {
  copyOctets(octets, at, mapped, 12, 4);
  const passes =
    (mayBeInternal || !isInternalIpv4(readU32(octets, at)) || isExcepted(mapped, tables)) &&
    !isDeniedNetwork(mapped, tables, found);
  note(mapped, 0, passes, found);
  return passes;
}

function noteIpv6(
  octets: Uint8Array,
  at: number,
  tables: Tables,
  mayBeInternal: boolean,
  found: Inspection,
): boolean {
  copyOctets(octets, at, whole, 0, 16);
  const passes =
    (mayBeInternal || !isInternalIpv6(whole, 0) || isExcepted(whole, tables)) &&
    !isDeniedNetwork(whole, tables, found);
  note(whole, 0, passes, found);
  return passes;
}

const whole = new Uint8Array(16);

function isExcepted(octets: Uint8Array, tables: Tables): boolean {
  return tables.rebindingAllow.find(octets, 0) !== 0;
}

/** One look-up in a flat table; where nothing is denied, none. */
function isDeniedNetwork(octets: Uint8Array, tables: Tables, found: Inspection): boolean {
  const rule = tables.deniedNetworks.find(octets, 0);
  if (rule === 0) return false;
  found.reason = REASON_NETWORK;
  found.decision.rule = rule;
  return true;
}

function note(octets: Uint8Array, at: number, passes: boolean, found: Inspection): void {
  if (!passes) found.addressCount = 0;
  if (found.addressCount === ADDRESSES_MAX) return;
  copyOctets(octets, at, found.addresses, found.addressCount * 16, 16);
  found.addressCount++;
}
