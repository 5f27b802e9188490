/**
 * Lists of names to deny, with exemptions, as a feed of the configuration or a workload's `deny`.
 *
 * A feed says all of it: its longest entry decides, and of equal ones the exemption. A `deny` list
 * has no exemptions: an entry that is exempt whole is left out, and an exemption inside an entry is
 * a loss, for the name stays denied.
 */

import type { Pattern } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { Gatherer } from './gather.ts';
import { type Imported, type ImportRequest, NOBODY } from './imported.ts';
import { ancestors, covers, overlaps, withoutCovered } from './names.ts';

/** More are better read as a file by a feed of their own. */
const ENTRIES_MAX = 200_000;

export interface ListEntry {
  /** Never of kind `both` where its parts do different things. */
  readonly pattern: Pattern;
  /** Rdata of the policy zone: `CNAME .`; `CNAME rpz-passthru.` exempts. */
  readonly action: string;
  /** 1-based; 0 where it is not known. */
  readonly line: number;
}

export const DENY = 'CNAME .';
export const EXEMPT = 'CNAME rpz-passthru.';

/** @throws DnsvalveError USAGE for more entries than a configuration should hold */
export function importedList(
  entries: readonly ListEntry[],
  request: ImportRequest,
  gatherer: Gatherer,
): Imported {
  if (entries.length > ENTRIES_MAX) {
    const how = 'read the file itself: `feeds: { NAME: { source: FILE } }`';
    throw new DnsvalveError('USAGE', `${entries.length} entries, at most ${ENTRIES_MAX}; ${how}`);
  }
  const { workload, baseName } = request;
  const deny = workload === null ? [] : deniedFor(entries, gatherer);
  const name = gatherer.word(workload ?? baseName, workload === null ? 'feed' : 'workload');
  const { lost, notes } = gatherer;
  const rest = { everyone: NOBODY, lost, notes };
  if (workload === null)
    return { ...rest, workloads: [], feeds: [{ name, lines: linesOf(entries) }] };
  const own = { name, owner: '', mode: 'enforce' as const, allow: [], remarks: [] };
  const list = withoutCovered(deny.map(({ pattern }) => pattern));
  const texts = list.map(({ text }) => ({ pattern: text, remark: '' }));
  return { ...rest, workloads: [{ ...own, deny: texts }], feeds: [] };
}

function linesOf(entries: readonly ListEntry[]): string[] {
  const lines = entries.flatMap(({ pattern: { kind, name }, action }) => [
    ...(kind === 'below' ? [] : [`${name}. ${action}`]),
    ...(kind === 'exact' ? [] : [`*.${name}. ${action}`]),
  ]);
  return [...new Set(lines)];
}

function deniedFor(entries: readonly ListEntry[], gatherer: Gatherer): ListEntry[] {
  const exempt = entries.filter(({ action }) => action === EXEMPT);
  const exemptions = byNameOf(exempt);
  const denied = entries.filter(({ action, pattern }) => {
    const same = exemptions.get(pattern.name) ?? [];
    return action !== EXEMPT && !same.some((one) => covers(one.pattern, pattern));
  });
  const byName = byNameOf(denied);
  for (const { pattern, line } of exempt) {
    const holding = ancestors(pattern.name)
      .flatMap((name) => byName.get(name) ?? [])
      .find((one) => overlaps(one.pattern, pattern));
    if (holding === undefined) continue;
    const why = `a workload's deny has no exemptions: it stays denied by ${holding.pattern.text}`;
    gatherer.lose(line, `exempt: ${pattern.text}`, why);
  }
  for (const { pattern, action, line } of denied) {
    if (action === DENY) continue;
    const why = 'it is denied, and answered as the workload says';
    gatherer.lose(line, `${pattern.text} ${action}`, why);
  }
  return denied;
}

function byNameOf(entries: readonly ListEntry[]): Map<string, ListEntry[]> {
  const byName = new Map<string, ListEntry[]>();
  for (const one of entries) {
    const there = byName.get(one.pattern.name);
    if (there === undefined) byName.set(one.pattern.name, [one]);
    else there.push(one);
  }
  return byName;
}
