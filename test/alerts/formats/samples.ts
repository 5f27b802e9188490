/** Alerts of every shape that the formats must carry, and hostile ones for the property tests. */

import fc from 'fast-check';
import { type Alert, operationalAlert } from '../../../src/alerts/alert.ts';
import { fromRetro } from '../../../src/alerts/retro.ts';
import { fromBurnInEnd } from '../../../src/alerts/unusual.ts';
import {
  FINDING_BUDGET,
  FLAG_BYPASS,
  FLAG_REBINDING,
  FLAG_UNMAPPED,
} from '../../../src/events/kinds.ts';
import { alert, directory, findingAlert, T0 } from '../sample.ts';

export const MACHINE = { hostname: 'gw1.example', pid: 42, version: '0.1.0' } as const;

const repeated = { counts: { denied: 3 }, isNew: false, firstMs: T0 - 5_000 } as const;

export const SAMPLES: readonly { readonly name: string; readonly one: Alert }[] = [
  { name: 'a new destination', one: alert() },
  { name: 'denials that were folded', one: alert({ ...repeated, answers: [] }) },
  { name: 'a source with an IPv6 address', one: alert({ source: '2001:db8::7' }) },
  { name: 'a query without an answer', one: alert({ counts: { failed: 1 }, answers: [] }) },
  { name: 'a listed resolver', one: alert({ flags: FLAG_BYPASS, feed: 1 }) },
  { name: 'a refused address', one: alert({ flags: FLAG_REBINDING, counts: { denied: 1 } }) },
  {
    name: 'a stranger',
    one: alert({ flags: FLAG_UNMAPPED, workload: '(unmapped)', counts: { denied: 1 } }),
  },
  { name: 'a finding', one: findingAlert({ denied: true }) },
  { name: 'a finding about a rule', one: findingAlert({ type: FINDING_BUDGET }) },
  {
    name: 'an alert about a workload and no query',
    one: fromBurnInEnd({ workload: 'payments-api', endMs: T0, told: 10, held: 33 }, directory),
  },
  { name: 'what a feed gained and somebody asked for', one: retroHit('10.20.1.4', 'A') },
  { name: 'the same of a name whose first query is not known', one: retroHit('', '') },
  {
    name: 'an alert about the resolver itself',
    one: operationalAlert('upstream-down', 'corp', { reason: 'no server answers', atMs: T0 }),
  },
  {
    name: 'what a cap held back',
    one: operationalAlert('alerts-suppressed', 'unix:/dev/log', {
      reason: '3 suppressed',
      atMs: T0,
      count: 3,
    }),
  },
];

function retroHit(firstSource: string, firstType: string): Alert {
  const counts = { queries: 3, allowed: 2, denied: 1, wouldDeny: 0, failed: 0, cached: null };
  const first = { firstSource, firstType, firstVerdict: 'allowed', firstName: '' } as const;
  const hit = {
    ...counts,
    ...first,
    id: 1,
    isSole: true,
    workload: 'payments-api',
    domain: 'partner.example',
    name: 'www.partner.example',
    firstMs: T0 - 5_000,
    lastMs: T0,
    folded: 0,
    names: 1,
    answers: [],
    revision: null,
    policyMs: null,
    days: [],
    indicator: 'partner.example',
    feed: 'malware',
    rule: 'feed malware (category malware)',
  };
  const found = { hits: [hit], more: new Map(), unlooked: new Map() };
  const [one] = fromRetro(found, directory.describe, T0 + 60_000);
  if (one === undefined) throw new Error('nothing told');
  return one;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '|', '=', ']', ' ', '\n', '\r', '\u0000', '\u2028', 'é', '😀'),
    maxLength: 1_500,
    size: 'max',
  }),
);

/** Alerts as if nobody before the formats had cleaned a text: the formats are the last to do so. */
export const hostile: fc.Arbitrary<Alert> = fc
  .record({
    base: fc.constantFrom(...SAMPLES.map(({ one }) => one)),
    texts: fc.record(
      {
        workload: text,
        owner: text,
        env: text,
        source: text,
        qname: text,
        registrable_domain: text,
        qtype: text,
        rule: text,
        reason: text,
        subject: text,
        answers: fc.array(text, { maxLength: 20 }),
        examples: fc.array(text, { maxLength: 20 }),
        parts: fc.array(fc.record({ name: text, value: fc.oneof(text, fc.integer()), text }), {
          maxLength: 6,
        }),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ base, texts }) => ({ ...base, ...texts }));
