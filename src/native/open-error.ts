/**
 * What is said when a socket cannot be opened: one line with the place, the cause and, where there is
 * an obvious one, the remedy.
 */

import { getSystemErrorMap } from 'node:util';
import { DnsvalveError } from '../errors.ts';

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied (needs CAP_NET_BIND_SERVICE or root)',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available (no interface has it)',
  EAFNOSUPPORT: 'address family not supported (IPv6 turned off?)',
  EINVAL: 'not an address of this family, or an unknown zone',
};

/** `127.0.0.1:53`, `[::1]:53`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The error for a failure to open `place` ("UDP 127.0.0.1:53"); `errno` is positive. */
export function openError(place: string, errno: number): DnsvalveError {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, `errno ${errno}`];
  return new DnsvalveError('SYSTEM', `opening ${place}: ${REMEDIES[name] ?? text}`);
}
