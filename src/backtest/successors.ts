/**
 * Successors: which workloads of a new policy the addresses of a workload belong to. A workload
 * that was renamed, split, or lost a prefix is judged by what its addresses become, because it is
 * they that ask.
 */

import { Prefixes, type RangesMemory } from '../identity/prefixes.ts';
import { UNMAPPED } from '../identity/workloads.ts';
import { writeU32 } from '../wire/octets.ts';
import type { CompiledPolicy } from './policy-files.ts';

const ADDRESS_WORDS = 4;

/**
 * By the number of a workload in `before`: numbers in `after`, UNMAPPED among them where addresses
 * have no workload any more. What was unmapped stays so: whose those addresses were is not known.
 */
export function successorsOf(before: CompiledPolicy, after: CompiledPolicy): ReadonlySet<number>[] {
  const from = new Prefixes(before.snapshot.memory.prefixes);
  const to = new Prefixes(after.snapshot.memory.prefixes);
  const found = [UNMAPPED, ...before.config.workloads].map(() => new Set<number>());
  found[UNMAPPED]?.add(UNMAPPED);
  // Wherever the two policies begin to differ, a range of one of them starts.
  for (const octets of [...startsOf(before), ...startsOf(after)]) {
    const workload = from.find(octets, 0);
    if (workload !== UNMAPPED) found[workload]?.add(to.find(octets, 0));
  }
  return found;
}

/** The first address of every range of addresses that belong together. */
function startsOf({ snapshot }: CompiledPolicy): Uint8Array[] {
  const { v4, v6 } = snapshot.memory.prefixes;
  return [...rangeStarts(v4), ...rangeStarts(v6)];
}

function rangeStarts({ count, starts }: RangesMemory): Uint8Array[] {
  return Array.from({ length: count }, (_, range) => {
    const octets = new Uint8Array(ADDRESS_WORDS * 4);
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      writeU32(octets, word * 4, starts[range * ADDRESS_WORDS + word] ?? 0);
    }
    return octets;
  });
}
