/** LOC in presentation form (RFC 1876 sections 2 and 3), and the EUI addresses (RFC 7043). */

import { WordProblem } from './escapes.ts';
import { type Field, type Fields, parseHex } from './fields.ts';

const FORM = 'use "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m"';
/** The equator and the prime meridian: 2^31 thousandths of an arc second. */
const MERIDIAN = 2 ** 31;
/** Altitudes count from 100,000 m below the spheroid, in centimetres. */
const ALTITUDE_BASE_CM = 10_000_000;

export function loc(fields: Fields): void {
  const latitude = angle(fields, ['N', 'S']);
  const longitude = angle(fields, ['E', 'W']);
  const altitudeCm = centimetres(fields.take('altitude').raw) + ALTITUDE_BASE_CM;
  if (altitudeCm < 0 || altitudeCm > 0xffffffff) throw new WordProblem(`altitude; ${FORM}`);
  fields.u8(0);
  // RFC 1876 section 3: defaults of size and precisions are 1 m, 10 km and 10 m.
  for (const fallback of ['1', '10000', '10']) {
    fields.u8(precision(fields.done ? fallback : fields.take('size').raw));
  }
  fields.u32(latitude);
  fields.u32(longitude);
  fields.u32(altitudeCm);
}

/** Degrees, then minutes and seconds if given, then the hemisphere. */
function angle(fields: Fields, hemispheres: readonly [string, string]): number {
  const limit = hemispheres[0] === 'N' ? 90 : 180;
  const parts: number[] = [];
  for (;;) {
    const { raw } = fields.take('hemisphere');
    const side = hemispheres.indexOf(raw.toUpperCase());
    if (side !== -1) {
      const [degrees = Number.NaN, minutes = 0, seconds = 0] = parts;
      const thousandths = Math.round(((degrees * 60 + minutes) * 60 + seconds) * 1000);
      if (!(minutes < 60 && seconds < 60 && thousandths <= limit * 3_600_000)) break;
      return side === 0 ? MERIDIAN + thousandths : MERIDIAN - thousandths;
    }
    const form = parts.length === 2 ? /^\d{1,2}(\.\d{1,3})?$/ : /^\d{1,3}$/;
    if (parts.length === 3 || !form.test(raw)) break;
    parts.push(Number(raw));
  }
  throw new WordProblem(`${hemispheres[0] === 'N' ? 'latitude' : 'longitude'}; ${FORM}`);
}

function centimetres(raw: string): number {
  if (!/^-?\d{1,8}(\.\d{1,2})?m?$/i.test(raw)) throw new WordProblem(`"${raw}"; ${FORM}`);
  return Math.round(Number(raw.replace(/m$/i, '')) * 100);
}

/** One octet: a digit and a power of ten, in centimetres. */
function precision(raw: string): number {
  let mantissa = centimetres(raw);
  if (mantissa < 0 || mantissa > 9e9) throw new WordProblem(`"${raw}"; ${FORM}`);
  let exponent = 0;
  while (mantissa > 9) {
    mantissa = Math.floor(mantissa / 10);
    exponent++;
  }
  return (mantissa << 4) | exponent;
}

/** Hexadecimal octets with dashes: EUI48 has six, EUI64 eight. */
export function eui(octets: number): Field {
  return (fields) => {
    const { raw } = fields.take('address');
    if (!/^[0-9a-f]{2}(-[0-9a-f]{2})*$/i.test(raw) || raw.length !== octets * 3 - 1) {
      throw new WordProblem(`"${raw}"; use ${octets} octets as in 00-00-5e-00-53-2a`);
    }
    fields.octets(parseHex(raw.replaceAll('-', ''), 'address'));
  };
}

/** RFC 6742: a 64-bit locator or node id as four groups of hexadecimal. */
export function locator64(fields: Fields): void {
  const { raw } = fields.take('locator');
  if (!/^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3}$/i.test(raw)) {
    throw new WordProblem(`"${raw}"; use four groups as in 2001:db8:1:2`);
  }
  for (const group of raw.split(':')) fields.u16(Number.parseInt(group, 16));
}
