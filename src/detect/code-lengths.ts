/**
 * Code lengths in 1/256 bit, each rounded up: the numbers that the code of names (code.ts) is made
 * of. Fast lane.
 *
 * Rounding up only ever lengthens a codeword, so the sum of 2^-length over what could have been
 * said at one step never exceeds that of the probabilities, which is at most 1 (Kraft).
 */

/** Of a bit. */
export const UNITS_PER_BIT = 256;
export const UNITS_PER_OCTET = 8 * UNITS_PER_BIT;

/** `-log2 probability`, rounded up. For a table, once. */
export function unitsOf(probability: number): number {
  return Math.ceil(-Math.log2(probability) * UNITS_PER_BIT);
}

/** Index is the number of choices, all alike. */
const CHOICES_MAX = 256;
const CHOICE = new Int32Array(CHOICES_MAX + 1);
for (let choices = 2; choices <= CHOICES_MAX; choices++) CHOICE[choices] = unitsOf(1 / choices);

/** One of `choices` (1..256) that are all alike. */
export function choiceUnits(choices: number): number {
  return CHOICE[choices]!;
}

/** Elias' gamma code of `count + 1`: as many zeros as bits follow the first one. */
export function gammaUnits(count: number): number {
  return (2 * (31 - Math.clz32(count + 1)) + 1) * UNITS_PER_BIT;
}

/**
 * What happens next under a rule: a name that is remembered, a new one spelled out, a new one told
 * by its difference from one of the last; or nothing more, once and for all. The last is never
 * sent: its price stands for "and that was all", so that the number of queries is inside the bound
 * too. It is paid once per window (CLOSING), and the other three give 1/256 of their mass for it.
 */
const GOES_ON = 255 / 256;
export const EVENT_REPEAT = unitsOf((3 / 4) * GOES_ON);
export const EVENT_LITERAL = unitsOf((1 / 8) * GOES_ON);
export const EVENT_DELTA = unitsOf((1 / 8) * GOES_ON);
export const CLOSING = unitsOf(1 - GOES_ON);

/**
 * The query type. Clients ask for A, AAAA and HTTPS; eight more are usual; the rest is spelled out.
 * 3/8 + 3/8 + 1/8 + 8/128 + 1/16 = 1.
 */
const USUAL_TYPES = [2, 5, 6, 12, 15, 16, 33, 64]; // NS CNAME SOA PTR MX TXT SRV SVCB
const TYPE_LENGTHS = new Int32Array(256).fill(unitsOf(1 / 16) + 16 * UNITS_PER_BIT);
for (const type of USUAL_TYPES) TYPE_LENGTHS[type] = unitsOf(1 / 128);
TYPE_LENGTHS[1] = unitsOf(3 / 8);
TYPE_LENGTHS[28] = unitsOf(3 / 8);
TYPE_LENGTHS[65] = unitsOf(1 / 8);

export function typeUnits(qtype: number): number {
  return TYPE_LENGTHS[qtype < 256 ? qtype : 0]!;
}

/** The three bits that a query takes along (DO, CD, RD): those of the last one, or others. */
export const FLAGS_SAME = unitsOf(15 / 16);
export const FLAGS_OTHER = unitsOf(1 / 16) + unitsOf(1 / 7);
