/**
 * What a patched configuration must be: the one before with the changes of the patch, and nothing
 * else. The edit of a text is a matter of offsets; this is the proof that it meant what it did.
 */

import type { Config, Entry } from '../config/types.ts';
import type { ListChange, Patch } from './patch.ts';

/** @returns whether `after` is `before` with exactly these changes */
export function isAsMeant(before: Config, after: Config, { changes }: Patch): boolean {
  return canonical(after) === canonical(withChanges(before, changes));
}

function withChanges(config: Config, changes: readonly ListChange[]): Config {
  const { everyone, workloads } = config;
  const of = (path: readonly string[], file: string): ListChange | undefined =>
    changes.find(
      ({ list }) => list.file === file && JSON.stringify(list.path) === JSON.stringify(path),
    );
  const files = new Set(everyone.allow.map(({ at }) => at.file));
  const allow = [...files].flatMap((file) => {
    const entries = everyone.allow.filter(({ at }) => at.file === file);
    return changed(entries, of(['everyone', 'allow'], file), entryOf);
  });
  return {
    ...config,
    everyone: { ...everyone, allow },
    workloads: workloads.map((workload) => {
      const { name, at } = workload;
      const path = ['workloads', name];
      return {
        ...workload,
        allow: changed(workload.allow, of([...path, 'allow'], at.file), entryOf),
        use: changed(workload.use, of([...path, 'use'], at.file), (text) => text),
      };
    }),
  };
}

function changed<T>(
  list: readonly T[],
  change: ListChange | undefined,
  make: (name: string) => T,
): T[] {
  if (change === undefined) return [...list];
  const gone = new Set(change.remove);
  return [...list.filter((_, i) => !gone.has(i)), ...change.add.map(({ name }) => make(name))];
}

function entryOf(name: string): Entry {
  const wire = new Uint8Array(0);
  const pattern = { kind: 'exact', name, wire, text: name } as const;
  const none = { types: null, sharedSuffix: false, budget: null, reason: null, ticket: null };
  return { pattern, ...none, at: { file: '', line: 0, col: 0 } };
}

/** As text, without places, digests, and the octets that names are made into. */
function canonical(config: Config): string {
  return JSON.stringify(config, (key, value: unknown) => {
    if (key === 'at' || key === 'fileDigests' || key === 'wire') return undefined;
    return value instanceof Map ? [...value] : value;
  });
}
