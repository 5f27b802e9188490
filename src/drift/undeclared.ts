/**
 * Names that only the mode lets through, by workload and registrable domain. Bounded: a workload
 * that makes names up as it goes is told about by its domains.
 */

import type { SeenName } from '../learn/seen.ts';

/** Names of one domain that are listed, and written into a patch; more are for `suggest`. */
export const NAMES_LISTED = 20;
/** Domains held in all. */
export const DOMAINS_MAX = 100_000;

export interface UndeclaredDomain {
  readonly workload: number;
  readonly domain: string;
  /** At most NAMES_LISTED + 1 of them, with full names. */
  readonly names: SeenName[];
  count: number;
  /** Whether the history holds every name. */
  isWhole: boolean;
  queries: number;
  firstMs: number;
  lastMs: number;
}

export class Undeclared {
  readonly #domains = new Map<string, UndeclaredDomain>();
  /** Names of domains beyond the bound. */
  beyond = 0;

  add(workload: number, seen: SeenName): void {
    const found = this.#find(workload, seen);
    if (found === null) {
      this.beyond++;
      return;
    }
    if (seen.kind === 'domain') found.isWhole = false;
    else found.count++;
    if (seen.kind === 'name' && found.names.length <= NAMES_LISTED) found.names.push(seen);
    found.queries += seen.queries - seen.denied;
    found.firstMs = Math.min(found.firstMs, seen.firstMs);
    found.lastMs = Math.max(found.lastMs, seen.lastMs);
  }

  /** Those of a workload together, what was asked for most first. */
  domains(): UndeclaredDomain[] {
    return [...this.#domains.values()].sort(
      (a, b) => a.workload - b.workload || b.queries - a.queries,
    );
  }

  #find(workload: number, { domain, firstMs, lastMs }: SeenName): UndeclaredDomain | null {
    const key = `${workload} ${domain}`;
    const known = this.#domains.get(key);
    if (known !== undefined) return known;
    if (this.#domains.size >= DOMAINS_MAX) return null;
    const times = { firstMs, lastMs };
    const made = { workload, domain, names: [], count: 0, isWhole: true, queries: 0, ...times };
    this.#domains.set(key, made);
    return made;
  }
}
