/**
 * Which address to ask from, to be taken for a workload: one that this machine can bind and that
 * the configuration gives to this workload and to no closer one.
 *
 * Loopback is all of 127.0.0.0/8 on Linux, but reaches only this machine; so it is taken only for
 * a server on loopback.
 */

import { networkInterfaces } from 'node:os';
import type { Config, Prefix, SocketAddress } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import { compileIdentity } from '../identity/compile.ts';
import { Prefixes } from '../identity/prefixes.ts';
import { UNMAPPED, UNMAPPED_NAME } from '../identity/workloads.ts';
import { addressToBytes, addressToText } from '../native/addresses.ts';

/** Addresses tried inside one prefix of loopback, where closer prefixes may take some away. */
const TRIED_PER_PREFIX = 1024;

type Span = Pick<Prefix, 'bytes' | 'length'>;

const LOOPBACK: Span = { bytes: octetsOf('127.0.0.0'), length: 96 + 8 };

export interface Speaker {
  readonly server: SocketAddress;
  readonly source: string;
}

/**
 * @param servers addresses that may be asked, in the order of preference
 * @param local addresses of this machine
 * @throws DnsvalveError USAGE when the workload is unknown, or has no address that can be bound
 *   here
 */
export function speakerFor(
  config: Config,
  workload: string,
  servers: readonly SocketAddress[],
  local: readonly string[] = localAddresses(),
): Speaker {
  const number = workloadNumber(config, workload);
  const prefixes = new Prefixes(compileIdentity(config).prefixes);
  const isTheirs = (address: string): boolean => prefixes.find(octetsOf(address), 0) === number;
  const sources = config.workloads[number - 1]?.sources ?? [];
  const loopback = (number === UNMAPPED ? [LOOPBACK] : sources)
    .flatMap(loopbackAddresses)
    .filter(isTheirs);
  const interfaces = local.filter(isTheirs);
  for (const server of servers) {
    const candidates = isLoopback(server.address) ? [...loopback, ...interfaces] : interfaces;
    const source = candidates.find((address) => reaches(address, server));
    if (source !== undefined) return { server, source };
  }
  const claimed = sources.length === 0 ? '' : ` (${sources.map(({ text }) => text).join(', ')})`;
  throw new DnsvalveError(
    'USAGE',
    `workload "${workload}": this machine has no address of it${claimed} that reaches ` +
      `${servers.map(({ address }) => address).join(', ')}; run it where the workload runs, or ` +
      `ask \`dnsvalve explain\``,
  );
}

function workloadNumber(config: Config, workload: string): number {
  if (workload === UNMAPPED_NAME || workload === 'unmapped') return UNMAPPED;
  const index = config.workloads.findIndex(({ name }) => name === workload);
  if (index >= 0) return index + 1;
  const names = config.workloads.map(({ name }) => name).join(', ');
  throw new DnsvalveError(
    'USAGE',
    `workload "${workload}": not in the configuration; one of ${names}`,
  );
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ address }) => !address.includes('%') && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

/** Addresses of 127.0.0.0/8 inside the prefix, without the first and the last of all. */
function loopbackAddresses(prefix: Span): string[] {
  const shared = contains(LOOPBACK, prefix) ? prefix : LOOPBACK;
  if (shared === LOOPBACK && !contains(prefix, LOOPBACK)) return [];
  const count = Math.min(2 ** (128 - shared.length), TRIED_PER_PREFIX);
  const first = Buffer.from(shared.bytes).readUInt32BE(12);
  return Array.from({ length: count }, (_, i) => first + i)
    .filter((address) => address !== 0x7f000000 && address !== 0x7fffffff)
    .map((address) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.'));
}

function contains(outer: Span, inner: Span): boolean {
  if (inner.length < outer.length) return false;
  for (let bit = 0; bit < outer.length; bit++) {
    const differs = (inner.bytes[bit >> 3] ?? 0) ^ (outer.bytes[bit >> 3] ?? 0);
    if ((differs & (0x80 >> (bit & 7))) !== 0) return false;
  }
  return true;
}

/** Same family, and loopback only to loopback. */
function reaches(source: string, server: SocketAddress): boolean {
  const family = source.includes(':') ? 6 : 4;
  return family === server.family && (isLoopback(server.address) || !isLoopback(source));
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/**
 * Addresses at which a resolver with this configuration is asked from its own machine: a wildcard
 * stands for loopback.
 */
export function localServers(listen: readonly SocketAddress[]): SocketAddress[] {
  return listen.map((socket) => {
    if (socket.address === '0.0.0.0') return { ...socket, address: '127.0.0.1' };
    return socket.address === '::' ? { ...socket, address: '::1' } : socket;
  });
}

function octetsOf(address: string): Uint8Array {
  const octets = new Uint8Array(16);
  addressToBytes(address, octets, 0);
  return octets;
}

/** The address as it is printed elsewhere; null when it is none. */
export function canonicalAddress(text: string): string | null {
  const octets = new Uint8Array(16);
  return addressToBytes(text, octets, 0) ? addressToText(octets, 0) : null;
}
