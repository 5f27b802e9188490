/**
 * What a feed's category means for the reputation score of a name that it lists with `action:
 * alert`. A feed with `action: deny` needs no score: it decides.
 */

/** Points by category; the index is what a finding names. The first stands for all others. */
export const CATEGORIES: readonly (readonly [string, number])[] = [
  ['', 30],
  ['risky-tld', 15],
  ['malware', 70],
  ['phishing', 70],
  ['command-and-control', 70],
  ['botnet', 70],
  ['scam', 60],
  ['cryptomining', 50],
  ['tunnelling', 40],
  ['resolver-bypass', 40],
  ['paste-and-drop', 30],
  ['newly-registered', 30],
  ['dynamic-dns', 20],
  ['parked', 15],
  ['spam', 30],
  ['tracking', 10],
  ['ads', 10],
];

/** @param given what the configuration says, by category */
export function pointsOf(category: string, given: ReadonlyMap<string, number>): number {
  const known = CATEGORIES.find(([name]) => name === category) ?? CATEGORIES[0];
  return given.get(category) ?? known?.[1] ?? 0;
}
