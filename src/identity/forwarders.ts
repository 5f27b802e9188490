/** Compiles the trusted forwarders to a table that says how each names its clients. Slow lane. */

import type { TrustedForwarder } from '../config/forwarders.ts';
import { compilePrefixes } from './compile.ts';
import { BY_PROXY, BY_SUBNET } from './forwarded.ts';
import type { PrefixesMemory } from './prefixes.ts';

const NUMBERS: Readonly<Record<TrustedForwarder['identity'], number>> = {
  proxy: BY_PROXY,
  'client-subnet': BY_SUBNET,
};

export function compileForwarders(forwarders: readonly TrustedForwarder[]): PrefixesMemory {
  return compilePrefixes(
    forwarders.flatMap(({ sources, identity }) =>
      sources.map((prefix) => ({ prefix, workload: NUMBERS[identity] })),
    ),
  );
}
