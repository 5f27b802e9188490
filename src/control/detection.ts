/** The request `detection`: what the ledgers of the running resolver hold about a name. */

import { type Detection, explainFinding } from '../detect/explain.ts';
import { standingsOf } from '../detect/standing.ts';
import { DnsvalveError } from '../errors.ts';
import { UNMAPPED, UNMAPPED_NAME } from '../identity/workloads.ts';
import type { Resolver } from '../server/resolver.ts';
import { Tables } from '../tables.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';

/** @throws DnsvalveError USAGE for what is no name, or no workload of the running policy */
export function detectionOf(resolver: Resolver, workload: unknown, name: unknown): Detection {
  const tables = new Tables(resolver.snapshot.memory);
  const now = Math.floor(Date.now() / 1000);
  const asked = { workload: numberOf(resolver, workload), name: wireOf(name), now };
  const standings = standingsOf(asked, tables, resolver.workers.detect);
  const until = Math.max(0, ...standings.map(({ deniedUntil }) => deniedUntil));
  return {
    from: 'daemon',
    denied_until: until === 0 ? null : new Date(until * 1000).toISOString(),
    findings: standings.map((standing) =>
      explainFinding({
        ...standing,
        isDenied: standing.deniedUntil > 0,
        firstMs: standing.first * 1000,
        lastMs: standing.last * 1000,
        qname: null,
      }),
    ),
  };
}

function numberOf({ snapshot }: Resolver, workload: unknown): number {
  if (workload === UNMAPPED_NAME) return UNMAPPED;
  const index = snapshot.config.workloads.findIndex(({ name }) => name === workload);
  if (index !== -1) return index + 1;
  throw new DnsvalveError('USAGE', `workload "${String(workload)}": not in the running policy`);
}

function wireOf(text: unknown): WireName {
  const name = new WireName();
  const wire = nameToWire(String(text));
  readName(wire, 0, wire.length, name);
  return name;
}
