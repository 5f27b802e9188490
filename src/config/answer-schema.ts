/** The schema of `answer`: what a denied query gets. */

import { z } from 'zod';
import { addressOctets, isMapped } from './prefix.ts';
import type { DenyAnswer } from './types.ts';

const answerWords = z.enum(['nxdomain', 'nodata', 'refused']);
const answerAddress = z
  .string()
  .refine((text) => addressOctets(text) !== null, { error: 'not an address' })
  .meta({ description: 'An address that every denied A or AAAA query gets.' });

export const answer = z
  .union([z.string(), z.array(answerAddress).min(1).max(2)])
  .transform((value, context): DenyAnswer => {
    const found = parseAnswer(value);
    if (typeof found !== 'string') return found;
    context.addIssue({ code: 'custom', message: found });
    return z.NEVER;
  })
  .meta({
    description:
      'What a denied query gets: `nxdomain`, `nodata`, `refused`, or one address per family.',
  });

function parseAnswer(value: string | readonly string[]): DenyAnswer | string {
  const kind = answerWords.safeParse(value);
  if (kind.success) return { kind: kind.data };
  let v4: Uint8Array | null = null;
  let v6: Uint8Array | null = null;
  for (const text of [value].flat()) {
    const octets = addressOctets(text);
    if (octets === null) return `"${text}" is none of nxdomain, nodata, refused or an address`;
    if (isMapped(octets)) {
      if (v4 !== null) return 'two IPv4 addresses; one of each family is accepted';
      v4 = octets.slice(12);
    } else {
      if (v6 !== null) return 'two IPv6 addresses; one of each family is accepted';
      v6 = octets;
    }
  }
  return { kind: 'address', v4, v6 };
}
