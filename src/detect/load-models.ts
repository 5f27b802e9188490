/** Reads the trained models into memory that all threads share. Main's business, once at start. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DnsvalveError } from '../errors.ts';
import { NAME_MODEL_CELLS, PARTS_OF_BIT } from './model.ts';
import { SPELLING_CELLS } from './spelling-model.ts';
import { SYMBOLS } from './symbols.ts';

const DIRECTORY = join(import.meta.dirname, 'models');

/** @throws DnsvalveError SYSTEM when the file is not there, or not a code that can be decoded */
export function loadNameModel(): Uint8Array {
  const lengths = readModel('names.bin', 'names', NAME_MODEL_CELLS);
  for (let context = 0; context < lengths.length; context += SYMBOLS) {
    let sum = 0;
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      sum += 2 ** -((lengths[context + symbol] ?? 0) / PARTS_OF_BIT);
    }
    if (sum > 1) throw new DnsvalveError('SYSTEM', `names.bin: context ${context} is no code`);
  }
  return lengths;
}

/** @throws DnsvalveError SYSTEM when the file is not there, or of another version */
export function loadSpelling(): Uint8Array {
  return readModel('spelling.bin', 'spelling', SPELLING_CELLS);
}

/** The octets after the header line of a model file, in shared memory. */
function readModel(file: string, model: string, cells: number): Uint8Array {
  const octets = readFileSync(join(DIRECTORY, file));
  const at = octets.indexOf(0x0a) + 1;
  const header: unknown = JSON.parse(octets.toString('latin1', 0, at));
  const is = typeof header === 'object' && header !== null ? { ...header } : {};
  const wanted = { model, version: 1, cells };
  for (const [key, value] of Object.entries(wanted)) {
    if (Reflect.get(is, key) === value && octets.length - at === cells) continue;
    throw new DnsvalveError('SYSTEM', `${file} is not the model ${model}, version 1`);
  }
  const shared = new Uint8Array(new SharedArrayBuffer(cells));
  shared.set(octets.subarray(at));
  return shared;
}
