/** Compiles what standing.ts reads. Control plane, once per load. */

import type { Config, Feed } from '../config/types.ts';
import { FingerprintsBuilder, type FingerprintsMemory } from '../fingerprints.ts';
import { readName, WireName } from '../wire/name.ts';
import { nameToWire } from '../wire/text.ts';
import { CATEGORIES, pointsOf } from './categories.ts';
import { compileLikeness } from './likeness-compile.ts';
import { readImitatedNames, readRiskyTlds } from './standing-lists.ts';
import { type StandingMemory, TLD_UNSCORED } from './standing-memory.ts';

/** No registry sells these: reverse zones, special use, what networks call themselves. */
const UNSCORED = 'arpa corp home internal invalid lan local localdomain localhost onion test';

export function compileStanding(config: Config): StandingMemory {
  const { reputation } = config.detect;
  const imitated = readImitatedNames();
  const known = reputation.wellKnown ? imitated.names : [];
  const counts = config.workloads.map(({ detect }) => detect.reputation);
  const own = reputation.ownNames;
  return {
    likeness: compileLikeness(own, known, imitated.words),
    honest: tableOf([...own, ...imitated.honest].map((name) => [name, 1])),
    tlds: compileTlds(),
    ...compileFeedPoints(config.feeds, reputation.categories),
    known: null,
    denyBelow: shared([
      reputation.denyBelow,
      ...counts.map(({ denyBelow }) => denyBelow ?? reputation.denyBelow),
    ]),
    alertBelow: shared([
      reputation.alertBelow,
      ...counts.map(({ alertBelow }) => alertBelow ?? reputation.alertBelow),
    ]),
  };
}

function compileTlds(): FingerprintsMemory {
  const points = new Map(UNSCORED.split(' ').map((tld) => [tld, TLD_UNSCORED]));
  for (const [tld, value] of readRiskyTlds()) points.set(tld, value);
  return tableOf([...points]);
}

function compileFeedPoints(
  feeds: readonly Feed[],
  given: ReadonlyMap<string, number>,
): Pick<StandingMemory, 'feedPoints' | 'feedCategory'> {
  return {
    feedPoints: shared([0, ...feeds.map(({ category }) => pointsOf(category, given))]),
    feedCategory: shared([
      0,
      ...feeds.map(({ category }) =>
        Math.max(
          0,
          CATEGORIES.findIndex(([name]) => name === category),
        ),
      ),
    ]),
  };
}

function tableOf(entries: readonly (readonly [string, number])[]): FingerprintsMemory {
  const builder = new FingerprintsBuilder(entries.length);
  const name = new WireName();
  for (const [text, value] of entries) {
    const wire = nameToWire(text);
    readName(wire, 0, wire.length, name);
    builder.set(name.low[0] ?? 0, name.high[0] ?? 0, value);
  }
  return builder.finish();
}

function shared(values: readonly number[]): Uint8Array {
  const array = new Uint8Array(new SharedArrayBuffer(values.length));
  array.set(values);
  return array;
}
