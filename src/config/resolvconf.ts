/**
 * The machine's own resolvers, for `servers: system`. Only the nameserver lines of resolv.conf(5)
 * are read; search lists and options are the business of stub resolvers.
 */

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { addressOctets, addressText, isMapped } from './prefix.ts';
import type { SocketAddress } from './types.ts';

export const RESOLV_CONF = '/etc/resolv.conf';
const PORT = 53;

/**
 * Servers of a resolv.conf without those that are ourselves, since forwarding to ourselves never
 * ends. Empty when the file is missing or names none.
 */
export function systemServers(path: string, listen: readonly SocketAddress[]): SocketAddress[] {
  const servers = parseResolvConf(readOrEmpty(path));
  return servers.filter((server) => !listen.some((own) => answersOn(own, server)));
}

/** Addresses of the nameserver lines, in order and each once. Scoped addresses are left out. */
export function parseResolvConf(text: string): SocketAddress[] {
  const servers = new Map<string, SocketAddress>();
  for (const line of text.split('\n')) {
    const match = /^nameserver[ \t]+([^\s#;]+)/.exec(line);
    const octets = match === null ? null : addressOctets(match[1] ?? '');
    if (octets === null) continue;
    const address = addressText(octets);
    servers.set(address, { address, port: PORT, family: isMapped(octets) ? 4 : 6 });
  }
  return [...servers.values()];
}

function answersOn(own: SocketAddress, server: SocketAddress): boolean {
  if (own.port !== server.port || own.family !== server.family) return false;
  if (own.address === server.address) return true;
  const wildcard = own.address === '0.0.0.0' || own.address === '::';
  return wildcard && isOwnAddress(server.address);
}

function isOwnAddress(address: string): boolean {
  if (address.startsWith('127.') || address === '::1') return true;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.some((own) => own.address === address);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A machine without the file has no resolvers; the caller says so.
    return '';
  }
}
