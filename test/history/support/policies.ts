/** Policy revisions as main tells the recorder of them: workloads with their sources. */

import { parsePrefix } from '../../../src/config/prefix.ts';
import type { Workload } from '../../../src/config/types.ts';
import { packBindings } from '../../../src/history/bindings.ts';
import type { RevisionNames } from '../../../src/history/messages.ts';
import { REVISION } from './fixture.ts';

/** Sources by workload name. */
export type Sources = Readonly<Record<string, readonly string[]>>;

export function policy(revision: number, at: number, sources: Sources): RevisionNames {
  const workloads = Object.entries(sources).map(
    ([name, list]) => ({ name, sources: list.map(prefixOf) }) as unknown as Workload,
  );
  const names = ['(unmapped)', ...Object.keys(sources)];
  return { ...REVISION, revision, at, workloads: names, bindings: packBindings(workloads) };
}

function prefixOf(text: string): unknown {
  const prefix = parsePrefix(text);
  if (typeof prefix === 'string') throw new Error(prefix);
  return prefix;
}
