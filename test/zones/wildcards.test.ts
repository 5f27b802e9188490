/** Random small zones against a model of RFC 1034 4.3.2 and RFC 4592 that is written over strings. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Zones } from '../../src/zones/answer.ts';
import { compileZones } from '../../src/zones/compile.ts';
import { answerOf, ask, served } from './messages.ts';

const APEX = 'z.example';

/** What the model says: the owner whose record is given, `NODATA` or `NXDOMAIN`. */
function model(owners: readonly string[], asked: string): string {
  const full = owners.map((owner) => `${owner}.${APEX}`);
  const exists = (name: string): boolean =>
    name === APEX || full.some((owner) => owner === name || owner.endsWith(`.${name}`));
  if (exists(asked)) return full.includes(asked) ? asked : 'NODATA';
  let encloser = asked;
  while (!exists(encloser)) encloser = encloser.slice(encloser.indexOf('.') + 1);
  const wildcard = `*.${encloser}`;
  if (!exists(wildcard)) return 'NXDOMAIN';
  return full.includes(wildcard) ? wildcard : 'NODATA';
}

it('random zones of wildcards, empty non-terminals and plain names answer as the model does', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'c', '*'), { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'));
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 6 }),
      fc.array(name, { minLength: 1, maxLength: 12 }),
      (owners, asked) => {
        // Each owner's text names it, so that the answer tells which record it is.
        const lines = owners.map((owner) => `${owner} TXT "${owner}.${APEX}"`).join('\n');
        const zones = new Zones(compileZones([served(APEX, lines)], []));
        for (const one of [...asked, ...owners]) {
          const response = answerOf(zones, ask(`${one}.${APEX}`, 'TXT'));
          const hex = response?.answers[0]?.split(' ')[3];
          const text = hex && Buffer.from(hex, 'hex').toString('latin1').slice(1);
          const negative = response?.rcode === 'NXDOMAIN' ? 'NXDOMAIN' : 'NODATA';
          const want = model(owners, `${one}.${APEX}`);
          expect(text ?? negative, `${one} among ${owners.join(' ')}`).toBe(want);
          const kind = want.startsWith('N') ? want : want.startsWith('*') ? 'wildcard' : 'plain';
          outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
        }
      },
    ),
    { seed: 4592, numRuns: 1500 },
  );
  expect(outcomes.size).toBe(4);
  for (const [kind, count] of outcomes) expect(count, kind).toBeGreaterThan(300);
});
