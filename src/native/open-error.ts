/**
 * What is checked before a socket is opened, and what is said when it cannot be: one line with the
 * place, the cause and, where there is an obvious one, the remedy.
 */

import { isIP } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { DnsvalveError } from '../errors.ts';
import type { Endpoint, UdpOptions } from './udp.ts';

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

/** A positive errno of whatever Node raised; EIO when it has none. */
export function errnoOf(error: Error): number {
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? constants.errno.EIO : Math.abs(errno);
}

/** The place of `options` ("UDP 127.0.0.1:53"); throws for what is no endpoint of the family. */
export function checkedPlace(options: UdpOptions): string {
  const { address, port, family, connect } = options;
  const place = `UDP ${endpointText(address, port)}`;
  const endpoints = connect === undefined ? [options] : [options, connect];
  if (endpoints.every((endpoint) => isEndpoint(endpoint, family))) return place;
  throw openError(place, constants.errno.EINVAL);
}

function isEndpoint({ address, port }: Endpoint, family: 4 | 6): boolean {
  return isIP(address) === family && Number.isInteger(port) && port >= 0 && port <= 65_535;
}
