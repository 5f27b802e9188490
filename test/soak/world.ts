/**
 * What the soak asks for, and what is true about it: one zone with known data, names that are
 * denied, names that a feed lists, and names whose answer is the time at which it was made.
 */

import { Random } from '../detect/random.ts';

export const ZONE = 'soak.example';
/** Below it every answer is the second in which it was given. */
export const TICKS = 'ticks.example';
export const TICK_TTL = 4;
/** Allowed after every second reload. */
export const SWITCHED = `switched.${ZONE}`;
/** What a denial is kept for, and what the zone says of names that are not there, in seconds. */
export const NEGATIVE_TTL = 5;

const HOSTS = 1500;
const MISSING = 3000;
const DENIED = 2000;
const LISTED = 50;
const TICK_NAMES = 20;

export type Kind = 'data' | 'denied' | 'listed' | 'tick' | 'switched';

export interface Question {
  readonly kind: Kind;
  readonly name: string;
  readonly type: string;
}

export interface World {
  readonly zoneText: string;
  readonly questions: Readonly<Record<Kind, readonly Question[]>>;
}

/** A list of the feed: what it always holds, and a name of its own for each version. */
export function feedText(version: number): string {
  const always = Array.from({ length: LISTED }, (_, i) => `bad${i}.${ZONE}`);
  return `${[...always, `v${version}.${ZONE}`].join('\n')}\n`;
}

/** The same for the same seed. */
export function makeWorld(seed: number): World {
  const random = new Random(seed);
  const data: Question[] = [];
  const lines = [
    `$ORIGIN ${ZONE}.`,
    `@ 30 IN SOA ns host 1 3600 600 86400 ${NEGATIVE_TTL}`,
    '@ 30 IN NS ns',
    'ns 30 IN A 8.8.8.8',
    '*.wild 7 IN TXT "any"',
    'switched 5 IN A 8.8.4.4',
  ];
  for (let i = 0; i < HOSTS; i++) {
    const name = `h${i}.${ZONE}`;
    const { line, types } = host(random, i);
    lines.push(...line);
    // A type that the name has, and one that it may not have.
    for (const type of types) data.push({ kind: 'data', name, type });
    data.push({ kind: 'data', name, type: random.below(2) === 0 ? 'SRV' : 'AAAA' });
  }
  for (let i = 0; i < MISSING; i++) {
    data.push({ kind: 'data', name: `gone${i}.${ZONE}`, type: 'A' });
    if (i % 10 === 0) data.push({ kind: 'data', name: `w${i}.wild.${ZONE}`, type: 'TXT' });
  }
  return {
    zoneText: `${lines.join('\n')}\n`,
    questions: {
      data,
      denied: many(DENIED, (i) => ({ name: `n${i}.elsewhere.example`, kind: 'denied' })),
      listed: many(LISTED, (i) => ({ name: `x.bad${i}.${ZONE}`, kind: 'listed' })),
      tick: many(TICK_NAMES, (i) => ({ name: `t${i}.${TICKS}`, kind: 'tick' })),
      switched: [{ kind: 'switched', name: SWITCHED, type: 'A' }],
    },
  };
}

function many(
  count: number,
  make: (index: number) => { readonly name: string; readonly kind: Kind },
): Question[] {
  return Array.from({ length: count }, (_, i) => ({ ...make(i), type: 'A' }));
}

/** The records of one host, with TTLs so short that they are fetched again and again. */
function host(random: Random, index: number): { line: string[]; types: string[] } {
  const ttl = 1 + random.below(20);
  const octet = () => random.below(256);
  const owner = `h${index} ${ttl} IN`;
  const addresses = Array.from(
    { length: 1 + random.below(4) },
    () => `${owner} A 8.${octet()}.${octet()}.${octet()}`,
  );
  switch (random.below(5)) {
    case 0:
      return { line: [`${owner} CNAME h${random.below(index + 1)}-a`, alias(index)], types: ['A'] };
    case 1:
      return { line: [`${owner} TXT "${index}" "${random.next()}"`], types: ['TXT'] };
    case 2:
      return { line: [`${owner} MX 10 h${random.below(HOSTS)}`], types: ['MX'] };
    case 3:
      return { line: [...addresses, `${owner} AAAA 2a00::${index + 1}`], types: ['A', 'AAAA'] };
    default:
      return { line: [...new Set(addresses)], types: ['A'] };
  }
}

/** What aliases may lead to; every host that is one adds its own. */
function alias(index: number): string {
  return `h${index}-a 9 IN A 8.1.${index >>> 8}.${index & 255}`;
}
