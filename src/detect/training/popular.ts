/**
 * Writes the fingerprints of popular domains (popular.ts) to src/detect/models/popular.bin.
 *
 *   node src/detect/training/popular.ts top-1m.txt[.gz] ...
 *
 * Each file holds one name a line, by popularity, a rank and a comma before it or not; what counts
 * is the registrable domain, public suffixes of the private section included. The file in the
 * repository was made from the Cisco Umbrella top 100,000 names (published free of charge, without
 * a licence text) and the Alexa top 100,000 domains of 2013; its first line says how many, and
 * their SHA-256. It holds hashes, no names. The same input gives the same file.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { getDomain } from 'tldts';
import { nameToWire } from '../../wire/text.ts';
import { hashFrom, hashHigh, hashLow } from '../popular.ts';

const OUTPUT = join(import.meta.dirname, '..', 'models', 'popular.bin');
/** Octets of a fingerprint: low half, 16 bits of the high half. */
const OCTETS = 6;

/** Registrable domains of a list. */
export function domainsOf(list: string): Set<string> {
  const domains = new Set<string>();
  for (const line of list.split('\n')) {
    const name = line.trim().split(',').at(-1) ?? '';
    const domain = getDomain(name, { allowPrivateDomains: true });
    if (domain !== null && /^[\x21-\x7e]+$/.test(domain)) domains.add(domain.toLowerCase());
  }
  return domains;
}

/** Fingerprints in ascending order, each once. */
export function fingerprintsOf(domains: Iterable<string>): Buffer {
  const all = Array.from(domains, (domain) => {
    const wire = nameToWire(domain);
    hashFrom(wire, 0, wire.length);
    const octets = Buffer.alloc(OCTETS);
    octets.writeInt32LE(hashLow, 0);
    octets.writeUInt16LE(hashHigh, 4);
    return octets;
  });
  all.sort(Buffer.compare);
  return Buffer.concat(all.filter((octets, i) => i === 0 || !octets.equals(all[i - 1] ?? octets)));
}

function main(files: readonly string[]): void {
  if (files.length === 0) throw new Error('name at least one list: one name a line');
  const domains = new Set<string>();
  const hash = createHash('sha256');
  for (const file of files) {
    const octets = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(octets) : octets).toString('latin1');
    hash.update(text);
    for (const domain of domainsOf(text)) domains.add(domain);
  }
  const fingerprints = fingerprintsOf(domains);
  const header = {
    model: 'popular',
    version: 1,
    domains: fingerprints.length / OCTETS,
    sha256: hash.digest('hex'),
  };
  writeFileSync(OUTPUT, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), fingerprints]));
}

if (import.meta.main) main(process.argv.slice(2));
