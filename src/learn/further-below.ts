/**
 * Names further below a domain that rules and private zones speak of. Where all that is known of
 * names is their domain, and that nothing spoke against them, they were names such as these.
 */

import type { Config, Pattern, Workload } from '../config/types.ts';

/** A label that no rule names, to ask for what lies below a domain. */
export const ANY_LABEL = 'any-name-below';
/** Characters of a name that leave room for a dot. */
export const NAME_MAX = 252;
/** Private reverse zones that are not registrable domains themselves. */
const PRIVATE_NAMES = ['168.192.in-addr.arpa', '16.172.in-addr.arpa'];

/** Patterns of all lists that may let a workload through. */
export function ruledFor({ bundles, everyone }: Config, { allow, use }: Workload): Pattern[] {
  const used = bundles.filter(({ name }) => use.includes(name));
  const lists = [allow, ...used.map(({ entries }) => entries), everyone.allow];
  return lists.flat().map(({ pattern }) => pattern);
}

export function namesFurtherBelow(ruled: readonly Pattern[], domain: string): string[] {
  const tail = `.${domain}`;
  const names = ruled
    .filter(({ name }) => name.endsWith(tail))
    .map(({ kind, name }) => (kind === 'below' ? `${ANY_LABEL}.${name}` : name));
  const all = [...names, ...PRIVATE_NAMES.filter((name) => name.endsWith(tail))];
  return all.filter((name) => name.length <= NAME_MAX);
}
