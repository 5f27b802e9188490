/**
 * Labels that a machine made up: hashes, counters, addresses, random text. Looked at one by one;
 * whether they rotate is told by how they come and go (collapse.ts).
 *
 * A guess, and a cautious one: what is missed costs a longer list, what is found too much costs a
 * wider one.
 */

const HEX = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{8,}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CONSONANTS = /[bcdfghjklmnpqrstvwxz]{6}/;
/** Digits that a word, a version or a year does not reach. */
const DIGITS_MIN = 5;
const CHANGES_MIN = 4;
const RANDOM_LENGTH = 8;

/** Whether nobody would have typed it. */
export function isMachineMade(label: string): boolean {
  if (UUID.test(label) || HEX.test(label)) return true;
  if (countOf(label, /\d/g) >= DIGITS_MIN) return true;
  if (label.length < RANDOM_LENGTH) return false;
  return CONSONANTS.test(label) || changesOf(label) >= CHANGES_MIN;
}

/** The label with `#` for each run of digits; '' where it has none. */
export function templateOf(label: string): string {
  return /\d/.test(label) ? label.replace(/\d+/g, '#') : '';
}

/** Between letters and digits, either way: few words have more than two. */
function changesOf(label: string): number {
  return countOf(label, /(?<=[a-z])\d|(?<=\d)[a-z]/g);
}

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}
