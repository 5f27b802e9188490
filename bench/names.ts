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

/** A name-like scramble of `index`: 32-bit and without repeats. */
function scramble(index: number): string {
  let x = (index + 1) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return ((x ^ (x >>> 16)) >>> 0).toString(36);
}

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
