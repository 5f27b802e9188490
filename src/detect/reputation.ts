/**
 * The reputation score in a query's life. Fast lane.
 *
 * What it denies is decided with the rest of the policy (policy/authorize.ts), for hits as for
 * misses. Here is what only a question that goes upstream needs: addresses that moved, and telling
 * of it. A (workload, domain) is told once, until 4,095 others may have taken its place.
 */

import { FINDING_REPUTATION, REASON_REPUTATION } from '../events/kinds.ts';
import type { Memory } from '../memory.ts';
import type { Query } from '../query.ts';
import type { Standing } from '../reputation/standing.ts';
import { FLUX_POINTS } from '../reputation/standing-memory.ts';
import type { Tables } from '../tables.ts';
import type { WireName } from '../wire/name.ts';
import { FLUX_NETWORKS, FLUX_TTL_MAX } from './flux.ts';
import { registrableLabel } from './registrable.ts';
import { BECAUSE_FLUX, STANDING_NAME, STANDING_NAME_OCTETS } from './reputation-parts.ts';

const TOLD_ROWS = 4096;

/** Which (workload, domain) were told: two words each, the hash of both. */
export class ToldNames {
  readonly #words = new Int32Array(TOLD_ROWS * 2);

  has(low: number, high: number): boolean {
    const at = (low & (TOLD_ROWS - 1)) * 2;
    return this.#words[at] === low && this.#words[at + 1] === high;
  }

  add(low: number, high: number): void {
    const at = (low & (TOLD_ROWS - 1)) * 2;
    this.#words[at] = low;
    this.#words[at + 1] = high;
  }
}

/**
 * Scores a question that is about to go upstream: tells of a low score, and denies where the
 * domain's addresses brought it below what the workload takes.
 */
export function examineStanding(query: Query, tables: Tables, memory: Memory): void {
  const { standing } = tables;
  const { workload, decision, name } = query;
  const denyBelow = standing.memory.denyBelow[workload]!;
  const limit = Math.max(denyBelow, standing.memory.alertBelow[workload]!);
  if (limit === 0) return;
  standing.judge(name, decision.feed);
  addFlux(query, standing, memory);
  if (standing.score >= limit) return;
  if (standing.score < denyBelow) {
    decision.allowed = 0;
    decision.wouldDeny = 0;
    decision.reason = REASON_REPUTATION;
  }
  tell(query, limit, tables, memory);
}

/** Tells of a name that the policy denied for its score. */
export function tellDenied(query: Query, tables: Tables, memory: Memory): void {
  const { standing } = tables;
  standing.judge(query.name, query.decision.feed);
  addFlux(query, standing, memory);
  tell(query, standing.memory.denyBelow[query.workload]!, tables, memory);
}

function addFlux(query: Query, standing: Standing, memory: Memory): void {
  const { low, high } = query.name;
  const { label } = standing;
  const networks = memory.detectors.flux.networks(low[label]!, high[label]!, query.nowSeconds);
  if (networks >= FLUX_NETWORKS) standing.accuse(BECAUSE_FLUX, FLUX_POINTS, networks);
}

function tell(query: Query, limit: number, tables: Tables, memory: Memory): void {
  const { standing, workloads } = tables;
  const { findings, detectors } = memory;
  const { workload, name, decision } = query;
  const { label } = standing;
  // A denial is told of even where a warning was before.
  const isDenied = decision.allowed === 0 ? 0x55555555 : 0;
  const low = name.low[label]! ^ workloads.keyLow[workload]! ^ isDenied;
  const high = name.high[label]! ^ workloads.keyHigh[workload]!;
  if (detectors.told.has(low, high)) return;
  findings.score = standing.score;
  findings.threshold = limit;
  standingInto(findings.parts, standing);
  if (findings.tell(query, label, FINDING_REPUTATION, query.wallMs)) detectors.told.add(low, high);
}

/** The last score's parts as a finding has them: words of reputation-parts.ts. */
export function standingInto(into: Int32Array, standing: Standing): void {
  const { name, memory, parts, partCount } = standing;
  into.fill(0);
  for (let i = 0; i < partCount; i++) into[i] = parts[i]!;
  if (name === -1) return;
  const { octets, starts } = memory.likeness.names;
  const start = starts[name + 1]!;
  const length = Math.min(starts[name + 2]! - start, STANDING_NAME_OCTETS);
  for (let i = 0; i < length; i++) {
    into[STANDING_NAME + (i >> 2)]! |= octets[start + i]! << ((i & 3) * 8);
  }
}

/** Takes in the addresses of an answer to `name` that may be kept for `ttl` seconds. */
export function noteAddresses(
  name: WireName,
  ttl: number,
  seconds: number,
  tables: Tables,
  memory: Memory,
): void {
  const { addresses, addressCount } = memory.inspection;
  if (addressCount === 0 || ttl > FLUX_TTL_MAX) return;
  const label = registrableLabel(name, tables.suffixes);
  const { flux } = memory.detectors;
  flux.note(name.low[label]!, name.high[label]!, addresses, addressCount, seconds);
}
