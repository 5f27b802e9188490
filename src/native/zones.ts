/**
 * IPv6 zones: interface names (`%eth0`) and scope ids (2). Slow lane, only for the dgram backend,
 * which gets names from Node where a peer record holds ids.
 */

import { networkInterfaces } from 'node:os';

/** The scope id of an interface that has a link-local address; 0 when there is none such. */
export function scopeOfZone(zone: string): number {
  const addresses = networkInterfaces()[zone] ?? [];
  return addresses.find((a) => a.family === 'IPv6' && a.scopeid !== 0)?.scopeid ?? 0;
}

/** The interface of a scope id, or '' when no interface has it. */
export function zoneOfScope(scope: number): string {
  if (scope === 0) return '';
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((a) => a.family === 'IPv6' && a.scopeid === scope)) return name;
  }
  return '';
}
