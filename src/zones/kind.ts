/**
 * zoneKind: a zone as policy sees it.
 */

import { ZONE_LOCAL, ZONE_NONE, ZONE_PRIVATE } from '../policy/authorize.ts';
import type { WireName } from '../wire/name.ts';
import { readU32 } from '../wire/octets.ts';
import type { Zones } from './answer.ts';

const ARPA = 0x61727061;
const LOCALHOST_LENGTH = 9;

/**
 * Of the built-in zones only `localhost` and reverse names count as local: everybody may ask who he
 * is. The others (`onion`, `local`, the canaries) are names like any other to policy, and whoever
 * is let through is answered here and not upstream.
 *
 * @param zone what `zones.find(name)` returned
 * @returns ZONE_* of policy/authorize.ts
 */
export function zoneKind(name: WireName, zone: number, zones: Zones): number {
  if (zone === -1) return ZONE_NONE;
  if (zones.isBuiltin(zone) && !isUnderLocalTop(name)) return ZONE_NONE;
  return zones.isPrivate(zone) ? ZONE_PRIVATE : ZONE_LOCAL;
}

/** Whether the top label of a name in a built-in zone is `arpa` or `localhost`. */
function isUnderLocalTop(name: WireName): boolean {
  const top = name.labelAt[name.labelCount - 1]!;
  return name.octets[top] === LOCALHOST_LENGTH || readU32(name.octets, top + 1) === ARPA;
}
