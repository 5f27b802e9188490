/** Octets of records as text: what query-rdata.ts and query-svcb.ts share. */

import { addressToText } from '../native/addresses.ts';

/** Text of 16 octets; the mapped form stays one, because an AAAA record is never IPv4. */
export function ipv6Text(octets: Uint8Array): string {
  const shown = addressToText(octets, 0);
  return shown.includes(':') ? shown : `::ffff:${shown}`;
}

/** What stands between quotes in a master file: `\"`, `\\`, and `\DDD` outside printable ASCII. */
export function quotable(octets: Iterable<number>): string {
  let shown = '';
  for (const octet of octets) {
    if (octet === 0x22 || octet === 0x5c) shown += `\\${String.fromCharCode(octet)}`;
    else if (octet >= 32 && octet < 127) shown += String.fromCharCode(octet);
    else shown += `\\${String(octet).padStart(3, '0')}`;
  }
  return shown;
}
