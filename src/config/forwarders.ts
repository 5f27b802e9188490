/** `trusted_forwarders`: who passes queries on and is believed when it says whose they are. */

import { z } from 'zod';
import type { Problem } from '../errors.ts';
import { placeText } from './check.ts';
import { prefix } from './leaves.ts';
import type { Source } from './source.ts';
import type { Place, Prefix } from './types.ts';

export interface TrustedForwarder {
  readonly sources: readonly Prefix[];
  readonly identity: 'proxy' | 'client-subnet';
  readonly at: Place;
}

const forwarderSchema = z.strictObject({
  sources: z
    .array(prefix)
    .min(1, { error: 'no address; list at least one' })
    .meta({ description: 'Prefixes that its messages come from.' }),
  identity: z.enum(['proxy', 'client-subnet']).meta({
    description:
      'How it says whose a query is: `proxy`, a PROXY header of version 2; `client-subnet`, the ' +
      'whole address in an EDNS option.',
  }),
});

export const forwardersSchema = z
  .array(forwarderSchema)
  .prefault([])
  .meta({
    description:
      'Forwarders that are believed when they say whose a query is; docs/listeners.md. ' +
      'What they pass on without saying so is refused.',
  });

/** Those of a main file; the prefix of each stands once. */
export function forwardersOf(
  input: z.output<typeof forwardersSchema> | undefined,
  { document }: Source,
  problems: Problem[],
): TrustedForwarder[] {
  const first = new Map<string, Place>();
  return (input ?? []).map(({ sources, identity }, i) => {
    const path = ['trusted_forwarders', i];
    const placed = sources.map((source, j) => {
      const own = [...path, 'sources', j];
      const at = document.at(own);
      const before = first.get(source.text);
      const message = before === undefined ? null : `first at ${placeText(before)}`;
      if (message !== null) {
        problems.push(document.problem(at, own, `${source.text} is given twice; ${message}`));
      }
      if (isEverybody(source)) {
        problems.push(document.problem(at, own, `"${source.text}" would trust everybody`));
      }
      first.set(source.text, before ?? at);
      return { ...source, at };
    });
    return { sources: placed, identity, at: document.at(path) };
  });
}

function isEverybody({ text }: Omit<Prefix, 'at'>): boolean {
  return text.endsWith('/0');
}
