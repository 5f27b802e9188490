/** `dnsvalve history --answer ADDRESS`: who was given this address, for which domain, and when. */

import { DnsvalveError } from '../errors.ts';
import { addressToBytes } from '../native/addresses.ts';
import type { Reading } from './reading.ts';
import type { Column } from './table.ts';
import { jsonTime } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'domain' },
  { title: 'first given' },
  { title: 'last told' },
  { title: 'told', align: 'right' },
];

/** @throws DnsvalveError USAGE */
export function whoWasGiven(reading: Reading, address: string): void {
  const octets = new Uint8Array(16);
  if (!addressToBytes(address, octets, 0)) {
    throw new DnsvalveError('USAGE', `--answer "${address}": not an address`);
  }
  const { workload, sinceMs, limit } = reading;
  const rows = reading.queries.givenAddress(octets, { workload, sinceMs, limit });
  reading.noteUnknownWorkload();
  reading.print(
    COLUMNS,
    rows.map(({ workload: name, domain, firstMs, lastMs, count }) => ({
      cells: [name, domain, reading.time(firstMs), reading.time(lastMs), String(count)],
      document: {
        address,
        workload: name,
        domain,
        first_given: jsonTime(firstMs),
        last_told: jsonTime(lastMs),
        told: count,
      },
    })),
  );
}
