/** Master files of a few lines for the tests, and what came of them as text. */

import { ProblemsError } from '../../src/errors.ts';
import { nameToText, nameToWire, typeToText } from '../../src/wire/text.ts';
import { parseZone } from '../../src/zones/master.ts';
import type { Zone } from '../../src/zones/zone.ts';

export const ORIGIN = nameToWire('z.example');
export const SOA = '@ 60 IN SOA ns host 1 2 3 4 5\n';

/** `owner TTL TYPE hex` per record, without the SOA. */
export function records(zone: Zone): string[] {
  return zone.nodes.flatMap((node) =>
    node.sets
      .filter((set) => set.type !== 6)
      .flatMap((set) =>
        set.rdatas.map((rdata) => {
          const hex = Buffer.from(rdata).toString('hex');
          return `${nameToText(node.owner)} ${set.ttl} ${typeToText(set.type)} ${hex}`;
        }),
      ),
  );
}

export function parsed(text: string): string[] {
  return records(parseZone(text, ORIGIN, 'f'));
}

/** What is said about a file that is wrong; '' when nothing is. */
export function problemsOf(text: string): string {
  try {
    parseZone(text, ORIGIN, 'f');
    return '';
  } catch (thrown) {
    if (thrown instanceof ProblemsError) return thrown.message;
    throw thrown;
  }
}
