/** Lists to train from: names and words, from plain or gzipped text. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Fingerprints } from '../../fingerprints.ts';
import { setHashKey } from '../../wire/hash.ts';
import { readName, WireName } from '../../wire/name.ts';
import { nameToWire } from '../../wire/text.ts';
import { compilePublicSuffixes } from '../public-suffixes.ts';
import { registrableLabel } from '../registrable.ts';

/** A registrable domain, each once per list. */
export interface Domain {
  readonly domain: string;
  /** Its first label: what somebody, or something, chose. */
  readonly label: string;
  readonly family: string;
  readonly kind: string;
}

export function readLines(path: string): string[] {
  const octets = readFileSync(path);
  const isZipped = octets[0] === 0x1f && octets[1] === 0x8b;
  return (isZipped ? gunzipSync(octets) : octets).toString('latin1').split(/\r?\n/);
}

/** Words of 3 to 12 letters: one a line, or a JSON array of them. */
export function readWords(path: string): string[] {
  const lines = readLines(path);
  const isJson = (lines[0] ?? '').startsWith('[');
  const words: readonly unknown[] = isJson ? JSON.parse(lines.join('\n')) : lines;
  return words.filter((word) => typeof word === 'string' && /^[a-z]{3,12}$/.test(word)) as string[];
}

/** Finds registrable domains, with the table and the code that the data plane uses. */
export class DomainReader {
  readonly name = new WireName();
  /** Where the registrable domain of the name that was read last starts; -1 when it has none. */
  label = -1;
  readonly #suffixes: Fingerprints;

  constructor() {
    setHashKey(1, 2);
    const { words, count } = compilePublicSuffixes();
    this.#suffixes = new Fingerprints(words, count);
  }

  /** @returns false when the text is no name, or a public suffix */
  read(text: string): boolean {
    this.label = -1;
    if (!/^[a-z0-9_.-]{1,253}$/.test(text) || /^\.|\.\.|[^.]{64}/.test(text)) return false;
    const wire = nameToWire(text);
    const { name } = this;
    if (readName(wire, 0, wire.length, name) === -1) return false;
    this.label = registrableLabel(name, this.#suffixes);
    const isSuffix =
      name.labelCount < 2 ||
      (this.label === 0 && registrableLabel(prefixed(name), this.#suffixes) !== 1);
    if (isSuffix) this.label = -1;
    return !isSuffix;
  }

  /** Domains of a list, each once. Fields are split at tabs, commas and spaces. */
  domains(paths: readonly string[]): Domain[] {
    const found = new Map<string, Domain>();
    for (const line of paths.flatMap(readLines)) {
      const fields = line.toLowerCase().split(/[\t, ]+/);
      const text = fields.find((field) => field.includes('.')) ?? '';
      if (line.startsWith('#') || !this.read(text)) continue;
      const labels = text.split('.').slice(this.label);
      const domain = labels.join('.');
      if (found.has(domain)) continue;
      found.set(domain, {
        domain,
        label: labels[0] ?? '',
        family: fields[2] ?? '',
        kind: fields[3] ?? '',
      });
    }
    return [...found.values()];
  }
}

const longer = new WireName();

/** The name with one label more in front. */
function prefixed(name: WireName): WireName {
  const wire = new Uint8Array(name.length + 2);
  wire.set([1, 0x61]);
  wire.set(name.octets.subarray(0, name.length), 2);
  readName(wire, 0, wire.length, longer);
  return longer;
}
