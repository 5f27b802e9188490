/**
 * What the main file says about exceptions: who the people are, how long an exception may last, who
 * approves, and what breaking the glass takes.
 */

import { z } from 'zod';
import type { Reference } from './check.ts';
import { duration, word } from './leaves.ts';
import * as limits from './limits.ts';
import { isRecord } from './salvage.ts';
import type { Source } from './source.ts';
import type { Config, Person } from './types.ts';

/** The largest user number but one; the largest stands for "none" (chown(2)). */
const UID_MAX = 2 ** 32 - 2;
/** The key of `exceptions.max` for environments that have none of their own. */
const OTHER_ENVS = 'default';

const names = z.array(z.string());

export const approversOf = (description: string) => names.prefault([]).meta({ description });

export const peopleSchema = z
  .record(
    word('person'),
    z
      .strictObject({
        uid: z.int().min(0).max(UID_MAX).meta({
          description: 'User number on this machine: whoever asks the control socket as this user.',
        }),
      })
      .meta({ description: 'One person.' }),
  )
  .prefault({})
  .meta({ description: 'People who may be asked about exceptions; docs/exceptions.md.' });

export const exceptionsSchema = z
  .strictObject({
    max: z
      .record(z.string(), duration(limits.EXCEPTION_MAX, 'Longest time in this environment.'))
      .prefault({})
      .meta({
        description: `Longest time of an exception by \`env\`; \`${OTHER_ENVS}\` for all others.`,
      }),
    approvers: approversOf('People who may approve for workloads that name no approvers.'),
    approve_within: duration(limits.APPROVE_WITHIN, 'A request that nobody answers lapses then.'),
    break_glass: z
      .strictObject({
        approve_within: duration(
          limits.BREAK_GLASS_WITHIN,
          'What is open without an approval closes then, unless it gets one.',
        ),
        people: names.optional().meta({
          description: 'Who may open without an approval: all `people` when not given.',
        }),
      })
      .prefault({})
      .meta({ description: 'Exceptions that are open before they are approved (`--now`).' }),
  })
  .prefault({})
  .meta({ description: 'Exceptions: openings with an end, asked for and approved by people.' });

export function exceptionsOf(
  input: z.output<typeof exceptionsSchema> | undefined,
): Config['exceptions'] {
  const maxMs = new Map(Object.entries(input?.max ?? {}));
  const defaultMaxMs = maxMs.get(OTHER_ENVS) ?? duration(limits.EXCEPTION_MAX, '').parse(undefined);
  maxMs.delete(OTHER_ENVS);
  return {
    maxMs,
    defaultMaxMs,
    approvers: input?.approvers ?? [],
    approveWithinMs: input?.approve_within ?? 0,
    breakGlass: {
      approveWithinMs: input?.break_glass.approve_within ?? 0,
      people: input?.break_glass.people ?? null,
    },
  };
}

type PeopleInput = z.output<typeof peopleSchema>;

/** The people, with a problem for each user number that two of them have: who would it be? */
export function peopleOf(
  input: PeopleInput | undefined,
  { document }: Source,
  onTwice: (path: string[], message: string) => void,
): Person[] {
  const owners = new Map<number, string>();
  return Object.entries(input ?? {}).map(([name, { uid }]) => {
    const owner = owners.get(uid);
    if (owner !== undefined) onTwice(['people', name, 'uid'], `${uid} is ${owner}'s already`);
    owners.set(uid, owner ?? name);
    return { name, uid, at: document.keyAt(['people', name]) };
  });
}

/** The people and environments that `exceptions` names, to be looked up when all is read. */
export function exceptionReferences({ document, value }: Source): Reference[] {
  const exceptions = value['exceptions'];
  if (!isRecord(exceptions)) return [];
  const glass = exceptions['break_glass'];
  const people = isRecord(glass) ? glass['people'] : undefined;
  const max = exceptions['max'];
  const environments = isRecord(max) ? Object.keys(max).filter((env) => env !== OTHER_ENVS) : [];
  return [
    ...listed('person', ['exceptions', 'approvers'], exceptions['approvers']),
    ...listed('person', ['exceptions', 'break_glass', 'people'], people),
    ...environments.map((name): Omit<Reference, 'at'> => {
      return { kind: 'env', name, path: ['exceptions', 'max', name] };
    }),
  ].map((reference) => ({ ...reference, at: document.at([...reference.path]) }));
}

function listed(kind: Reference['kind'], path: string[], list: unknown): Omit<Reference, 'at'>[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((name: unknown, i) =>
    typeof name === 'string' ? [{ kind, name, path: [...path, i] }] : [],
  );
}
