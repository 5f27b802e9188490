/**
 * Denied networks: the networks of some autonomous systems and countries, out of a MaxMind DB file,
 * as prefixes. Slow lane, once per load; answers are asked about in the flat table that comes of
 * them (identity/prefixes.ts).
 */

import { readFileSync, statSync } from 'node:fs';
import type { Config } from '../config/types.ts';
import { messageOf, ProblemsError } from '../errors.ts';
import type { Claim } from '../identity/compile.ts';
import { Mmdb, type MmdbValue, valueAt } from './mmdb.ts';

/** A million prefixes compile in some seconds and take 20 MB. */
const NETWORKS_MAX = 1_000_000;
/** The largest of the files that are sold is a third of it. */
const FILE_MAX_OCTETS = 1e9;

/** Registers the text of a rule. @returns its id, 1 or more */
export interface NetworkRules {
  add(text: string): number;
}

/**
 * The prefixes that are denied, each with the id of its rule in place of a workload.
 *
 * @param rules gets one text for each system and country that is denied
 * @throws ProblemsError CONFIG when the file cannot be used
 */
export function deniedNetworks(
  networks: Config['detect']['networks'],
  rules: NetworkRules,
): Claim[] {
  const { database, denyAsn, denyCountry, at } = networks;
  if (database === null) return [];
  const ids = new Map<number | string, number>();
  for (const asn of denyAsn) ids.set(asn, rules.add(`detect.networks.deny_asn AS${asn}`));
  for (const country of denyCountry) {
    ids.set(country, rules.add(`detect.networks.deny_country ${country}`));
  }
  try {
    return [...prefixesOf(new Mmdb(readWhole(database)), ids, at)];
  } catch (error) {
    const message = `reading ${database}: ${messageOf(error)}`;
    throw new ProblemsError('CONFIG', [{ ...at, path: 'detect.networks.database', message }]);
  }
}

function readWhole(path: string): Buffer {
  const { size } = statSync(path);
  if (size > FILE_MAX_OCTETS) throw new Error(`larger than ${FILE_MAX_OCTETS} octets`);
  return readFileSync(path);
}

function* prefixesOf(
  mmdb: Mmdb,
  ids: ReadonlyMap<number | string, number>,
  at: Config['detect']['networks']['at'],
): Generator<Claim> {
  const byRecord = new Map<number, number>();
  let count = 0;
  for (const { bytes, length, record } of mmdb.networks()) {
    let rule = byRecord.get(record);
    if (rule === undefined) {
      rule = ruleOf(mmdb.read(record), ids);
      byRecord.set(record, rule);
    }
    if (rule === 0) continue;
    if (++count > NETWORKS_MAX) throw new Error(`more than ${NETWORKS_MAX} networks are denied`);
    yield { prefix: { bytes, length, text: '', at }, workload: rule };
  }
}

/** Where files of several makers keep them. */
const ASN_PATHS = [['autonomous_system_number'], ['traits', 'autonomous_system_number'], ['asn']];
const COUNTRY_PATHS = [['country', 'iso_code'], ['country_code'], ['country']];

function ruleOf(record: MmdbValue, ids: ReadonlyMap<number | string, number>): number {
  for (const path of ASN_PATHS) {
    const value = valueAt(record, ...path);
    const asn = typeof value === 'string' ? Number(value.replace(/^AS/i, '')) : value;
    const rule = typeof asn === 'number' ? ids.get(asn) : undefined;
    if (rule !== undefined) return rule;
  }
  for (const path of COUNTRY_PATHS) {
    const value = valueAt(record, ...path);
    const rule = typeof value === 'string' ? ids.get(value.toUpperCase()) : undefined;
    if (rule !== undefined) return rule;
  }
  return 0;
}
