/**
 * The names that are asked for, and the lists that servers are given. Deterministic: two runs ask
 * the same. All of it is made up; nothing here is a list of real domains.
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** Registrable domains that are allowed; five names under each make the warm set. */
export const ALLOWED_DOMAINS = 2_000;
const NAMES_PER_DOMAIN = 5;
/** Names in the list of each scenario but `new`. */
export const NAMES = ALLOWED_DOMAINS * NAMES_PER_DOMAIN;
/** Every how many entries of the feed one is asked for: they lie all over the tables. */
const FEED_STRIDE = 487;

const TLDS = ['com', 'net', 'org', 'io', 'dev'] as const;

/** 32-bit and without repeats. */
function mix(index: number): number {
  let x = (index + 1) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A name-like scramble of `index`. */
const scramble = (index: number): string => mix(index).toString(36);

function domain(kind: string, index: number): string {
  return `${kind}${scramble(index)}.${TLDS[index % TLDS.length]}`;
}

export const allowedDomain = (index: number): string => domain('al', index);

export const feedDomain = (index: number): string => domain('fd', index);

/** Names under allowed domains. */
export function* warmNames(): Generator<string> {
  for (let i = 0; i < NAMES; i++) {
    yield `h${Math.floor(i / ALLOWED_DOMAINS)}.${allowedDomain(i % ALLOWED_DOMAINS)}`;
  }
}

/** Names that no list allows, as many under each domain as the warm ones. */
export function* deniedNames(): Generator<string> {
  for (let i = 0; i < NAMES; i++) {
    yield `h${Math.floor(i / ALLOWED_DOMAINS)}.${domain('dn', i % ALLOWED_DOMAINS)}`;
  }
}

/** Names below entries of a feed of `size` domains, as many under each as the warm ones. */
export function* feedNames(size: number): Generator<string> {
  for (let i = 0; i < NAMES; i++) {
    const entry = ((i % ALLOWED_DOMAINS) * FEED_STRIDE) % size;
    yield `h${Math.floor(i / ALLOWED_DOMAINS)}.${feedDomain(entry)}`;
  }
}

/** Names under allowed domains that nobody has asked for before, from the `from`th on. */
export function* newNames(from: number, count: number): Generator<string> {
  for (let i = from; i < from + count; i++) {
    yield `n${scramble(i)}.${allowedDomain(i % ALLOWED_DOMAINS)}`;
  }
}

/** The workloads of a mixed estate, the rules of each, and the names of each that are warm. */
export const WORKLOADS = 1_000;
export const RULES_EACH = 200;
const WARM_EACH = NAMES / WORKLOADS;
/** Of every twenty queries one is denied and one asks for a name that is new; the rest are hits. */
const TURN = 20;
const DENIED_TURN = 7;
const NEW_TURN = 13;

/** What a workload allows. */
export const ruleDomain = (workload: number, rule: number): string =>
  domain('wl', workload * RULES_EACH + rule);

/** `NAME A SOURCE`: as many names as the warm ones, each asked by the workload that allows it. */
export function* mixedWarmLines(): Generator<string> {
  for (let i = 0; i < NAMES; i++) yield mixedHit(i % WORKLOADS, Math.floor(i / WORKLOADS));
}

function mixedHit(workload: number, which: number): string {
  const rule = (which * RULES_EACH) / WARM_EACH;
  return `h${which}.${ruleDomain(workload, rule)} A ${workload}`;
}

/** 90 % hits, 5 % denied, 5 % new, from workloads in no order. */
export function* mixedLines(from: number, count: number): Generator<string> {
  for (let i = from; i < from + count; i++) {
    const chance = mix(i);
    const workload = chance % WORKLOADS;
    const which = (chance >>> 12) % WARM_EACH;
    const turn = i % TURN;
    if (turn === DENIED_TURN) {
      yield `h${which}.${domain('dn', (chance >>> 8) % ALLOWED_DOMAINS)} A ${workload}`;
    } else if (turn === NEW_TURN) {
      yield `n${scramble(i)}.${ruleDomain(workload, i % RULES_EACH)} A ${workload}`;
    } else {
      yield mixedHit(workload, which);
    }
  }
}

/** The one domain of a tunnel; it is allowed. */
const TUNNEL_DOMAIN = 0;
const TUNNEL_LABELS = 4;

/** Names as a tunnel asks for them: four labels of hexadecimal digits, never the same. */
export function* tunnelNames(from: number, count: number): Generator<string> {
  const labels: string[] = [];
  for (let i = from; i < from + count; i++) {
    for (let j = 0; j < TUNNEL_LABELS; j++) labels[j] = hexLabel(i * TUNNEL_LABELS + j);
    yield `${labels.join('.')}.${allowedDomain(TUNNEL_DOMAIN)}`;
  }
}

/** 48 digits. */
function hexLabel(index: number): string {
  let text = '';
  for (let i = 0; i < 6; i++)
    text += mix(index * 6 + i)
      .toString(16)
      .padStart(8, '0');
  return text;
}

export function* domains(of: (index: number) => string, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield of(i);
}

/** Writes one line for each item. */
export async function writeLines(
  path: string,
  items: Iterable<string>,
  line: (item: string) => string = (item) => item,
): Promise<void> {
  const file = createWriteStream(path);
  let text = '';
  for (const item of items) {
    text += `${line(item)}\n`;
    if (text.length < 1 << 20) continue;
    if (!file.write(text)) await once(file, 'drain');
    text = '';
  }
  file.end(text);
  await once(file, 'finish');
}
