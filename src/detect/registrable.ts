/**
 * registrable: where a name's registrable domain starts (RFC 9499: one label below the public
 * suffix).
 */

import type { Fingerprints } from '../fingerprints.ts';
import type { WireName } from '../wire/name.ts';

/** The suffix is a rule of the list. */
export const RULE = 1;
/** Every name one label below is a public suffix (`*.ck`). */
export const WILDCARD = 2;
/** Not a public suffix although a wildcard says so (`!www.ck`). */
export const EXCEPTION = 4;
/** The rule, or the wildcard, is of the private section: strangers get names below it. */
export const PRIVATE_RULE = 16;
export const PRIVATE_WILDCARD = 32;
/** Rules may lie below; without it the walk ends. */
export const TREE = 8;

/**
 * @returns the label index in `name` where its registrable domain starts; 0 when the name is itself
 *   a public suffix, or the root. A name under no rule has its last label as suffix (the rule `*`).
 */
export function registrableLabel(name: WireName, suffixes: Fingerprints): number {
  // Three stages ask for it; a walk takes 100 to 150 ns.
  if (name.registrable === -1) name.registrable = walk(name, suffixes);
  return name.registrable;
}

function walk(name: WireName, suffixes: Fingerprints): number {
  const count = name.labelCount;
  let suffixLabels = 1;
  for (let depth = 1; depth <= count; depth++) {
    const flags = suffixes.find(name.low[count - depth]!, name.high[count - depth]!);
    if (flags === 0) break;
    if ((flags & EXCEPTION) !== 0) {
      suffixLabels = depth - 1;
      break;
    }
    if ((flags & RULE) !== 0) suffixLabels = depth;
    if ((flags & WILDCARD) !== 0 && count > depth) suffixLabels = depth + 1;
  }
  const label = count - suffixLabels - 1;
  return Math.max(label, 0);
}

/** Labels of the zones that reverse names are held together by: /16 of IPv4, /48 of IPv6. */
const REVERSE4_LABELS = 4;
const REVERSE6_LABELS = 14;

/**
 * The same, where what is told together under one name counts: reverse names, which the list puts
 * together by a quarter of the address space, by the network.
 */
export function ledgerLabel(name: WireName, suffixes: Fingerprints): number {
  const count = name.labelCount;
  if (count < 3 || !isArpa(name)) return registrableLabel(name, suffixes);
  const is6 = name.octets[name.labelAt[count - 2]!] === 3;
  return Math.max(0, count - (is6 ? REVERSE6_LABELS : REVERSE4_LABELS));
}

function isArpa({ octets, length }: WireName): boolean {
  return (
    octets[length - 6] === 4 &&
    octets[length - 5] === 0x61 &&
    octets[length - 4] === 0x72 &&
    octets[length - 3] === 0x70 &&
    octets[length - 2] === 0x61
  );
}

/** Whether the domain at `label` is a tenant's: one label below a suffix of the private section. */
export function isTenant(name: WireName, label: number, suffixes: Fingerprints): boolean {
  if (label + 1 > name.labelCount) return false;
  const parent = suffixes.find(name.low[label + 1]!, name.high[label + 1]!);
  if ((parent & PRIVATE_RULE) !== 0) return true;
  if (label + 2 > name.labelCount) return false;
  const above = suffixes.find(name.low[label + 2]!, name.high[label + 2]!);
  return (above & PRIVATE_WILDCARD) !== 0;
}

/**
 * Whether a name is that of an address, and nothing else: four numbers (RFC 1035 3.5) or 32 digits
 * (RFC 3596 2.5). Who sweeps a network asks for thousands, and says where, not what.
 */
export function isReverse({ octets, labelAt, labelCount, length }: WireName): boolean {
  if (labelCount < 6 || octets[length - 6] !== 4 || octets[length - 5] !== 0x61) return false;
  const zone = labelAt[labelCount - 2]!;
  const isIp6 = labelCount === 34 && octets[zone] === 3 && octets[zone + 1] === 0x69;
  const isIp4 = labelCount === 6 && octets[zone] === 7 && octets[zone + 1] === 0x69;
  if (!isIp4 && !isIp6) return false;
  for (let label = 0; label < labelCount - 2; label++) {
    const at = labelAt[label]!;
    if (octets[at]! > (isIp6 ? 1 : 3)) return false;
    for (let i = 1; i <= octets[at]!; i++) if (!isDigit(octets[at + i]!, isIp6)) return false;
  }
  return true;
}

function isDigit(octet: number, isHex: boolean): boolean {
  return (octet >= 0x30 && octet <= 0x39) || (isHex && octet >= 0x61 && octet <= 0x66);
}
