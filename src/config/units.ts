/**
 * Durations and sizes as people write them. A number without a unit is refused: 30 of what?
 */

const MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Decimal units as in SI, binary ones as in IEC 80000-13. */
const OCTETS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Milliseconds of `30s`, `5m`, `24h`, `400d`, `2w`, `250ms`; null when it is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d|w)$/.exec(text);
  return match === null ? null : Math.round(Number(match[1]) * (MS[match[2] ?? ''] ?? 0));
}

/** Octets of `64MB`, `4kB`, `1GiB`; null when it is none. */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text);
  return match === null ? null : Math.round(Number(match[1]) * (OCTETS[match[2] ?? ''] ?? 0));
}

/** So many octets in any such time; null for what is not like `4kB/h`. */
export function parseRate(text: string): { bytes: number; windowMs: number; text: string } | null {
  const [size = '', unit = '', ...more] = text.split('/');
  const bytes = parseSize(size);
  if (bytes === null || more.length > 0 || !/^[smhd]$/.test(unit)) return null;
  return { bytes, windowMs: MS[unit] ?? 0, text };
}
