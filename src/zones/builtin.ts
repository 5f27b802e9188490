/**
 * Built-in zones: special-use names that never go upstream (RFC 6303, 6761, 6762, 7686, 7793, 8375,
 * 9462, 9476), and the canary names by which browsers and systems ask whether to go round a
 * resolver.
 *
 * `test`, `example` and `internal` are not here: people run them as their own zones.
 */

import { nameToWire } from '../wire/text.ts';
import { isWithin } from './escapes.ts';
import { parseZone } from './master.ts';
import type { Zone } from './zone.ts';

/** A zone and how it is to be answered. */
export interface ServedZone {
  readonly zone: Zone;
  /** Answered only to workloads whose allowlist names it. */
  readonly private: boolean;
  readonly builtin: boolean;
  /** No name in it exists, not even the apex: every answer is NXDOMAIN with its SOA. */
  readonly empty: boolean;
}

/** Names below which nothing exists. */
const EMPTY = [
  'invalid',
  'onion',
  'alt',
  'local',
  // Mozilla's canary: NXDOMAIN keeps Firefox from turning DoH on by itself.
  'use-application-dns.net',
  // Apple's canaries for iCloud Private Relay.
  'mask.icloud.com',
  'mask-h2.icloud.com',
];

/**
 * The documentation networks, loopback, link-local and the ends of the IPv4 space (RFC 6303 4.2).
 */
const REVERSE_IPV4 = [
  '0',
  '10',
  '127',
  '254.169',
  '168.192',
  '2.0.192',
  '100.51.198',
  '113.0.203',
  '255.255.255.255',
];

const SOA = '@ 10800 IN SOA @ nobody.invalid. 1 3600 1200 604800 10800\n';
/** RFC 6303 section 3: what an empty zone holds. */
const SOA_AND_NS = `${SOA}@ 10800 IN NS @\n`;
const LOCALHOST_RECORDS = 'A 127.0.0.1\n@ 10800 AAAA ::1\n* 10800 A 127.0.0.1\n* 10800 AAAA ::1\n';
const LOOPBACK_POINTER = '10800 PTR localhost.\n';

/** Master-file text of each built-in zone by name; null for the empty ones. */
function builtinTexts(designated: string): Map<string, string | null> {
  const texts = new Map<string, string | null>();
  for (const name of EMPTY) texts.set(name, null);
  texts.set('localhost', `${SOA_AND_NS}@ 10800 ${LOCALHOST_RECORDS}`);
  texts.set('home.arpa', SOA_AND_NS);
  // RFC 9462 section 4: NODATA says that this resolver has no designated encrypted one. The record
  // below the wildcard makes `*` an empty non-terminal, so that every name exists without data.
  texts.set('resolver.arpa', `${SOA_AND_NS}_.* 10800 TXT ""\n${designated}`);
  for (const prefix of REVERSE_IPV4) texts.set(`${prefix}.in-addr.arpa`, SOA_AND_NS);
  for (let octet = 16; octet <= 31; octet++) texts.set(`${octet}.172.in-addr.arpa`, SOA_AND_NS);
  // RFC 7793: the shared address space 100.64.0.0/10.
  for (let octet = 64; octet <= 127; octet++) texts.set(`${octet}.100.in-addr.arpa`, SOA_AND_NS);
  texts.set('127.in-addr.arpa', `${SOA_AND_NS}1.0.0 ${LOOPBACK_POINTER}`);
  const zeros = '0.'.repeat(31);
  texts.set(`0.${zeros}ip6.arpa`, SOA_AND_NS);
  texts.set(`1.${zeros}ip6.arpa`, `${SOA_AND_NS}@ ${LOOPBACK_POINTER}`);
  // RFC 6303 4.4 to 4.6: unique local, link-local, documentation.
  for (const nibbles of ['d.f', '8.e.f', '9.e.f', 'a.e.f', 'b.e.f', '8.b.d.0.1.0.0.2']) {
    texts.set(`${nibbles}.ip6.arpa`, SOA_AND_NS);
  }
  return texts;
}

/**
 * The built-in zones that stand: not those equal to or below a name the user has spoken for.
 *
 * @param claimed lower-case wire names of the user's zones and forward rules; the root claims
 *   nothing, because "forward everything" is not a word about special-use names
 * @param designated records of resolver.arpa (designated.ts)
 */
export function builtinZones(claimed: readonly Uint8Array[], designated = ''): ServedZone[] {
  const served: ServedZone[] = [];
  const claims = claimed.filter((name) => name.length > 1);
  for (const [name, text] of builtinTexts(designated)) {
    const apex = nameToWire(name);
    if (claims.some((claim) => isWithin(apex, claim))) continue;
    const zone = parseZone(text ?? SOA, apex, `built-in zone ${name}`);
    served.push({ zone, private: false, builtin: true, empty: text === null });
  }
  return served;
}
