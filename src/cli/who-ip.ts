/**
 * `dnsvalve who --ip ADDRESS --at TIME`: which workload the address was then, by the policy in
 * force then; also where it belongs to another one by now.
 */

import { DnsvalveError } from '../errors.ts';
import type { BindingRow, Gap, Policy } from '../history/binding-queries.ts';
import { addressToBytes } from '../native/addresses.ts';
import type { Reading } from './reading.ts';
import type { Column } from './table.ts';
import { jsonTime, parseSince } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'workload' },
  { title: 'source' },
  { title: 'from' },
  { title: 'to' },
  { title: 'revision', align: 'right' },
  { title: 'loaded' },
];

/** @returns rows printed @throws DnsvalveError USAGE */
export function whoseAddress(reading: Reading, ip: string, at: string | undefined): number {
  const octets = new Uint8Array(16);
  if (!addressToBytes(ip, octets, 0)) {
    throw new DnsvalveError('USAGE', `--ip "${ip}": not an address`);
  }
  const ms = at === undefined ? reading.nowMs : parseSince(at, reading.nowMs, reading.zone);
  if (ms > reading.nowMs) throw new DnsvalveError('USAGE', `--at "${at}": is still to come`);
  const bindings = reading.queries.bindings();
  const row = bindings.at(octets, ms);
  const gap = bindings.gap(ms, reading.nowMs);
  const policy = gap === null ? bindings.policy(ms) : null;
  reading.print(COLUMNS, row === null ? [] : [outputRow(reading, row, { ip, ms, gap, policy })]);
  if (gap !== null) reading.note(gapNote(reading, gap, row));
  else if (row === null) reading.note(`no workload claimed ${ip} then`);
  return row === null ? 0 : 1;
}

interface Asked {
  readonly ip: string;
  readonly ms: number;
  readonly gap: Gap | null;
  readonly policy: Policy | null;
}

function outputRow(reading: Reading, row: BindingRow, { ip, ms, gap, policy }: Asked) {
  const { workload, prefix, fromMs, toMs } = row;
  const times = [reading.time(fromMs), toMs === null ? '' : reading.time(toMs)];
  const loaded = policy === null ? ['', ''] : [`${policy.revision}`, reading.time(policy.loadedMs)];
  return {
    cells: [workload, prefix, ...times, ...loaded],
    document: {
      address: ip,
      at: jsonTime(ms),
      workload,
      source: prefix,
      from: jsonTime(fromMs),
      from_revision: row.fromRevision,
      to: timeOrNull(toMs),
      to_revision: row.toRevision,
      policy_revision: policy?.revision ?? null,
      policy_loaded: timeOrNull(policy?.loadedMs ?? null),
      daemon_ran: gap === null,
      gap_from: timeOrNull(gap?.fromMs ?? null),
      gap_to: timeOrNull(gap?.toMs ?? null),
    },
  };
}

/** What can be said of a time that nobody watched. */
function gapNote(reading: Reading, { fromMs, toMs }: Gap, row: BindingRow | null): string {
  if (fromMs === null) {
    const since = toMs === null ? 'none is recorded' : `the first is of ${reading.time(toMs)}`;
    return `sources are not known for that time: ${since}`;
  }
  const until = toMs === null ? '' : ` until ${reading.time(toMs)}`;
  const same = toMs === null ? 'the policy before had this' : 'the policies before and after agree';
  const meaning = row === null ? 'who had the address is not known' : same;
  return `no daemon ran from ${reading.time(fromMs)}${until}: ${meaning}`;
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : jsonTime(ms);
}
