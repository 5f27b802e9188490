/** The zones that the tests put behind the valve: one text, under several origins, signed or not. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TEXT = readFileSync(join(import.meta.dirname, 'intact.zone'), 'utf8');

/** Records of about 3,000 octets, and of about 30,000. */
const BIG = Array.from({ length: 20 }, (_, i) => `big TXT "${`${i}-`.padEnd(150, 'x')}"`);
const HUGE = Array.from({ length: 200 }, (_, i) => `huge TXT "${`${i}-`.padEnd(150, 'y')}"`);

/** Owner names of the text, relative; `@` is the apex. */
export const NAMES: readonly string[] = [
  ...new Set(
    TEXT.split('\n')
      .filter((line) => /^[^\s;$]/.test(line))
      .map((line) => line.split(' ')[0] ?? ''),
  ),
  'big',
  'huge',
];

/** Names that no record owns: absent, empty non-terminals, below wildcards and DNAME. */
export const MORE_NAMES: readonly string[] = [
  'missing',
  'x.y.missing',
  'below',
  'x.a',
  '_tcp',
  'x.wild',
  'X.y.WILD',
  'x.host.wild',
  'x.cwild',
  'host.moved',
  'none.moved',
];

/** Pairs of name and type that the zone holds. */
export const OWNED: readonly (readonly [string, string])[] = [
  ...TEXT.split('\n')
    .filter((line) => /^[^\s;$]/.test(line))
    .map((line) => line.replace(/ IN /, ' ').split(' '))
    .map(([name = '', type = '']) => [name, type] as const),
  ['big', 'TXT'],
  ['huge', 'TXT'],
];

export function absolute(name: string, origin: string): string {
  return name === '@' ? origin : `${name}.${origin}`;
}

/** Writes the zone under an origin. @returns the path of the file */
export function writeZone(folder: string, origin: string): string {
  const file = join(folder, `${origin}.zone`);
  writeFileSync(file, [`$ORIGIN ${origin}.`, TEXT, ...BIG, ...HUGE, ''].join('\n'));
  return file;
}

export interface SignedZone {
  readonly file: string;
  /** DNSKEY rdata of the key to trust, in presentation form: flags, protocol, algorithm, key. */
  readonly key: string;
}

/** Signs the zone with keys that are made here. `denial` is how it says that names do not exist. */
export function signZone(folder: string, origin: string, denial: 'nsec' | 'nsec3'): SignedZone {
  const plain = writeZone(folder, origin);
  const keygen = ['-q', '-a', 'ECDSAP256SHA256', '-K', folder];
  execFileSync('dnssec-keygen', [...keygen, origin], { stdio: 'pipe' });
  const made = execFileSync('dnssec-keygen', [...keygen, '-f', 'KSK', origin], { stdio: 'pipe' });
  const nsec3 = denial === 'nsec3' ? ['-3', 'aabb', '-H', '3'] : [];
  const file = join(folder, `${origin}.signed`);
  execFileSync('dnssec-signzone', ['-S', '-K', folder, ...nsec3, '-o', origin, '-f', file, plain], {
    cwd: folder,
    stdio: 'pipe',
  });
  const text = readFileSync(join(folder, `${made.toString().trim()}.key`), 'utf8');
  const key = /DNSKEY (.*)/.exec(text)?.[1];
  if (key === undefined) throw new Error(`no key in ${text}`);
  return { file, key };
}
