/** The schema of `detect.reputation` and `detect.networks`; the rest of a file is schema.ts. */

import { z } from 'zod';
import { duration, filePath, hostname, word } from './leaves.ts';
import * as limits from './limits.ts';

const score = ({ min, max }: limits.CountLimits, description: string) =>
  z.int().min(min).max(max).meta({ description });
const reputationShape = {
  alert_below: score(limits.ALERT_BELOW, 'A name that scores less is told of; 0 for none.'),
  deny_below: score(
    limits.DENY_BELOW,
    'A name that scores less is denied, unless a rule names that very name; 0 for none.',
  ),
};

export const reputationSchema = z
  .strictObject({
    alert_below: reputationShape.alert_below.default(limits.ALERT_BELOW.default),
    deny_below: reputationShape.deny_below.default(limits.DENY_BELOW.default),
    own_names: z.array(hostname).max(1000).prefault([]).meta({
      description: "The organisation's own domains, whose look-alikes lose points.",
    }),
    well_known: z.boolean().default(true).meta({
      description: 'Whether look-alikes of names that many imitate lose points too.',
    }),
    new_for: duration(
      limits.NEW_FOR,
      'How long a domain counts as new after this network first asked for it; in whole days.',
    ),
    categories: z
      .record(
        word('category'),
        z.int().min(0).max(100).meta({ description: 'Points of a feed of this category.' }),
      )
      .prefault({})
      .meta({ description: 'Points that a name loses for a feed of the category that alerts.' }),
  })
  .prefault({})
  .meta({ description: 'The reputation score of names, 100 for nothing against it.' });

export const networksSchema = z
  .strictObject({
    database: filePath.optional().meta({
      description: 'A MaxMind DB file that says whose the networks are (ASN, country).',
    }),
    deny_asn: z
      .array(z.int().min(1).max(0xffffffff))
      .prefault([])
      .meta({ description: 'Autonomous systems whose addresses no answer may hold.' }),
    deny_country: z
      .array(z.string().regex(/^[A-Z]{2}$/, { error: 'not a country; two capitals like "XX" are' }))
      .prefault([])
      .meta({ description: 'Countries (ISO 3166) whose addresses no answer may hold.' }),
  })
  .refine(
    ({ database, deny_asn, deny_country }) => {
      return database !== undefined || deny_asn.length + deny_country.length === 0;
    },
    { error: 'what is denied needs a `database` that knows it' },
  )
  .prefault({})
  .meta({ description: 'Networks that answers must not lead to.' });

/** What a workload may set for itself; nothing of it has a default there. */
export const workloadReputation = z
  .strictObject({
    alert_below: reputationShape.alert_below.optional(),
    deny_below: reputationShape.deny_below.optional(),
  })
  .prefault({})
  .meta({ description: 'In place of `detect.reputation`, key by key.' });
