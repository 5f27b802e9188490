/** Finds the workload that a person means: by name, or by the address it would ask from. */

import { isIP } from 'node:net';
import { DnsvalveError } from '../errors.ts';
import { Prefixes } from '../identity/prefixes.ts';
import { UNMAPPED, UNMAPPED_NAME } from '../identity/workloads.ts';
import { addressToBytes } from '../native/addresses.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** @returns the workload's number @throws DnsvalveError USAGE when there is none of that name */
export function findWorkload(snapshot: Snapshot, asked: string): number {
  if (isIP(asked) !== 0) {
    const octets = new Uint8Array(16);
    addressToBytes(asked, octets, 0);
    return new Prefixes(snapshot.memory.prefixes).find(octets, 0);
  }
  if (asked === UNMAPPED_NAME || asked === 'unmapped') return UNMAPPED;
  const index = snapshot.config.workloads.findIndex(({ name }) => name === asked);
  if (index === -1) {
    const names = snapshot.config.workloads.map(({ name }) => name).join(', ');
    throw new DnsvalveError(
      'USAGE',
      `workload "${asked}": not in the configuration; one of ${names}`,
    );
  }
  return index + 1;
}
