/** Names as text against patterns as text; the engine decides queries, this only sorts reports. */

/** Whether a pattern is for a name. */
export function matches(pattern: string, name: string): boolean {
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1));
  if (pattern.startsWith('.')) return name === pattern.slice(1) || name.endsWith(pattern);
  return name === pattern;
}

/** Whether names of a pattern may lie at or below a domain. */
export function mayLieBelow(pattern: string, domain: string): boolean {
  const name = pattern.replace(/^\*?\./, '');
  return isBelow(name, domain) || isBelow(domain, name);
}

/** Whether a name is one of the suffixes or below one. */
export function isInside(name: string, suffixes: readonly string[]): boolean {
  return suffixes.some((suffix) => isBelow(name, suffix));
}

function isBelow(name: string, suffix: string): boolean {
  return name === suffix || name.endsWith(`.${suffix}`);
}
