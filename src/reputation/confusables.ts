/**
 * Which letters of other scripts look like which of a-z: a table by code point.
 *
 * A small part of what UTS #39 calls confusable, written by hand: the Latin, Greek, Cyrillic and
 * Armenian letters that IDNA lets into names, in the fonts that browsers show them in. Letters with
 * marks come by their decomposition (`é` is an `e`). What has no look-alike is 0.
 */

/** Armenian ends below 0x590; Latin and Greek with marks end below 0x2000. */
const TABLE_SIZE = 0x2000;

/** Each letter, and all that look like it. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'аαɑӕ',
  b: 'ЬьвβßƄɓ',
  c: 'сϲƈςç',
  d: 'ԁđðɖɗժ',
  e: 'еєεɛҽә',
  f: 'ƒſẝք',
  g: 'ɡɢցԍǥ',
  h: 'һнħհɦ',
  i: 'іιıɩɨӏ',
  j: 'јϳȷյ',
  k: 'кκƙқҟ',
  l: 'ⅼłɫʟǀւ',
  m: 'мɱ',
  n: 'пηոռŋɲɴҥӊ',
  o: 'оοσօøɵӧө',
  p: 'рρթþƥ',
  q: 'ԛզգ',
  r: 'гɾʀґ',
  s: 'ѕʂș',
  t: 'тτŧƭțե',
  u: 'υսцʋμи',
  v: 'νѵ',
  w: 'ԝωшщա',
  x: 'хχҳ',
  y: 'уγүყʏƴ',
  z: 'ʐƶȥз',
};

/** A table of TABLE_SIZE octets: the letter that a code point looks like, or 0. */
export function confusableTable(): Uint8Array {
  const table = new Uint8Array(new SharedArrayBuffer(TABLE_SIZE));
  for (const [letter, others] of Object.entries(LOOK_ALIKES)) {
    for (const other of others) set(table, other.codePointAt(0) ?? 0, letter.charCodeAt(0));
  }
  for (let point = 0x80; point < TABLE_SIZE; point++) {
    if (table[point] !== 0) continue;
    const base = String.fromCodePoint(point).normalize('NFKD').codePointAt(0) ?? 0;
    if (base >= 0x61 && base <= 0x7a) table[point] = base;
    else if (base !== point && base < TABLE_SIZE) table[point] = table[base] ?? 0;
  }
  return table;
}

function set(table: Uint8Array, point: number, letter: number): void {
  if (point < TABLE_SIZE) table[point] = letter;
}
