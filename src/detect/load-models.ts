/** Reads the trained models into memory that all threads share. Main's business, once at start. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DnsvalveError } from '../errors.ts';
import { NAME_MODEL_CELLS, PARTS_OF_BIT } from './model.ts';
import { popularTable } from './popular.ts';
import { SPELLING_CELLS } from './spelling-model.ts';
import { SYMBOLS } from './symbols.ts';

const DIRECTORY = join(import.meta.dirname, 'models');
/** Octets of a fingerprint in the file. */
const FINGERPRINT_OCTETS = 6;

/** @throws DnsvalveError SYSTEM when the file is not there, or not a code that can be decoded */
export function loadNameModel(): Uint8Array {
  const octets = readModel('names', { cells: NAME_MODEL_CELLS });
  const lengths = new Uint8Array(new SharedArrayBuffer(NAME_MODEL_CELLS));
  lengths.set(octets.subarray(0, NAME_MODEL_CELLS));
  checkCode(lengths);
  return lengths;
}

/** @throws DnsvalveError SYSTEM when there is a context whose 2^-length add up to more than 1 */
export function checkCode(lengths: Uint8Array): void {
  for (let context = 0; context < lengths.length; context += SYMBOLS) {
    let sum = 0;
    for (let symbol = 0; symbol < SYMBOLS; symbol++) {
      sum += 2 ** -((lengths[context + symbol] ?? 0) / PARTS_OF_BIT);
    }
    if (sum > 1) throw new DnsvalveError('SYSTEM', `names.bin: context ${context} is no code`);
  }
}

/** @throws DnsvalveError SYSTEM when the file is not there, or of another version */
export function loadSpelling(): Uint8Array {
  const octets = readModel('spelling', { cells: SPELLING_CELLS });
  if (octets.length !== SPELLING_CELLS) throw new DnsvalveError('SYSTEM', 'spelling.bin is cut');
  const cells = new Uint8Array(new SharedArrayBuffer(SPELLING_CELLS));
  cells.set(octets);
  return cells;
}

/** @throws DnsvalveError SYSTEM when the file is not there, or is another */
export function loadPopular(): Int32Array {
  const octets = readModel('popular', {});
  const pairs = new Int32Array((octets.length / FINGERPRINT_OCTETS) * 2);
  for (let at = 0; at < octets.length; at += FINGERPRINT_OCTETS) {
    const pair = (at / FINGERPRINT_OCTETS) * 2;
    pairs[pair] = octets.readInt32LE(at);
    pairs[pair + 1] = octets.readUInt16LE(at + 4);
  }
  return popularTable(pairs);
}

/** The octets after the header line of a model file, whose header must say `wanted`. */
function readModel(model: string, wanted: Readonly<Record<string, unknown>>): Buffer {
  const file = join(DIRECTORY, `${model}.bin`);
  const octets = readFileSync(file);
  const at = octets.indexOf(0x0a) + 1;
  const header: unknown = JSON.parse(octets.toString('latin1', 0, at));
  const said = typeof header === 'object' && header !== null ? header : {};
  for (const [key, value] of Object.entries({ model, version: 1, ...wanted })) {
    if (Reflect.get(said, key) === value) continue;
    throw new DnsvalveError('SYSTEM', `${file} is not the model "${model}", version 1`);
  }
  return octets.subarray(at);
}
