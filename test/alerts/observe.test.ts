import { describe, expect, it } from 'vitest';
import { ALERT_TYPES, operationalAlert } from '../../src/alerts/alert.ts';
import { fromObservation } from '../../src/alerts/observe.ts';
import {
  FLAG_BYPASS,
  FLAG_CHAIN,
  FLAG_FIRST,
  FLAG_REBINDING,
  FLAG_REPUTATION,
  FLAG_UNMAPPED,
  MODE_REPORT,
  REASON_CHAIN,
  REASON_FEED,
  REASON_MODE,
  REASON_REBINDING,
  REASON_UNMAPPED,
} from '../../src/events/kinds.ts';
import { directory, type Facts, observation, T0 } from './sample.ts';

const rows: { name: string; facts: Facts; want: string[] }[] = [
  { name: 'a new pair that is allowed is a new destination', facts: {}, want: ['new-destination'] },
  { name: 'a known pair that is allowed is nothing', facts: { isNew: false }, want: [] },
  {
    name: "a worker's first is nothing when the database knows the pair",
    facts: { isNew: false, flags: FLAG_FIRST },
    want: [],
  },
  {
    name: 'a new pair that is denied is denied only',
    facts: { counts: { denied: 2 }, reason: REASON_MODE },
    want: ['denied'],
  },
  {
    name: 'a new pair that got both verdicts is both',
    facts: { counts: { denied: 1, allowed: 1 } },
    want: ['denied', 'new-destination'],
  },
  {
    name: 'a new pair that only the mode let through would be denied',
    facts: { counts: { allowed: 3, wouldDeny: 3 }, mode: MODE_REPORT, reason: REASON_MODE },
    want: ['would-deny-new'],
  },
  {
    name: 'a known pair that only the mode let through is nothing',
    facts: { isNew: false, counts: { allowed: 3, wouldDeny: 3 }, mode: MODE_REPORT },
    want: [],
  },
  {
    name: 'a new pair whose query went out and failed is a new destination',
    facts: { counts: { failed: 1 } },
    want: ['new-destination'],
  },
  {
    name: 'an unmapped source is that and nothing else',
    facts: {
      flags: FLAG_UNMAPPED | FLAG_REPUTATION,
      reason: REASON_UNMAPPED,
      counts: { denied: 9 },
    },
    want: ['unmapped-source'],
  },
  {
    name: 'an unmapped source that an open mode lets through is unmapped, not a new destination',
    facts: { flags: FLAG_UNMAPPED, counts: { allowed: 1, wouldDeny: 1 } },
    want: ['unmapped-source'],
  },
  {
    name: 'a refused private address is rebinding in place of denied',
    facts: { isNew: false, flags: FLAG_REBINDING, reason: REASON_REBINDING, counts: { denied: 1 } },
    want: ['rebinding'],
  },
  {
    name: 'a denied resolver name is a bypass, not also low reputation',
    facts: { flags: FLAG_BYPASS | FLAG_REPUTATION, reason: REASON_FEED, counts: { denied: 1 } },
    want: ['resolver-bypass'],
  },
  {
    name: 'a listed name that was denied is low reputation in place of denied',
    facts: { flags: FLAG_REPUTATION, reason: REASON_FEED, feed: 1, counts: { denied: 1 } },
    want: ['low-reputation'],
  },
  {
    name: 'a new name that a feed only alerts about is low reputation and a new destination',
    facts: { flags: FLAG_REPUTATION, feed: 1 },
    want: ['low-reputation', 'new-destination'],
  },
  {
    name: 'a chain that leads to a denied name is denied',
    facts: { flags: FLAG_CHAIN, reason: REASON_CHAIN, counts: { denied: 1 } },
    want: ['denied'],
  },
];

describe('which observations are told, and as what', () => {
  it.each(rows)('$name', ({ facts, want }) => {
    expect(fromObservation(observation(facts), directory).map((one) => one.type)).toEqual(want);
  });
});

describe('what an alert carries', () => {
  it('every field of the contract for a new destination', () => {
    const [one] = fromObservation(observation({ firstSeenMs: T0 - 5 }), directory);
    expect(one).toEqual({
      version: 1,
      unusual_hour: null,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      time: '2026-11-23T12:00:00.000Z',
      type: 'new-destination',
      severity: 5,
      workload: 'payments-api',
      owner: 'team-payments',
      env: 'prod',
      source: '10.20.1.4',
      qname: 'www.partner.example',
      registrable_domain: 'partner.example',
      qtype: 'A',
      verdict: 'allowed',
      would_deny: false,
      mode: 'enforce',
      rule: 'dnsvalve.yaml:12:9 *.partner.example',
      reason: 'allowed for the workload',
      subject: null,
      answers: ['192.0.2.80'],
      first_seen: '2026-11-23T11:59:59.995Z',
      policy_revision: 7,
      count: 1,
      window: null,
      examples: ['www.partner.example'],
      technique: null,
      detector: null,
      score: null,
      threshold: null,
      parts: [],
    });
  });

  it('the denied queries as its count, the window of the observation, and the feed by name', () => {
    const facts = { feed: 1, firstMs: T0, lastMs: T0 + 400, flags: FLAG_REPUTATION };
    const counts = { denied: 12, allowed: 3 };
    const [one] = fromObservation(observation({ ...facts, counts, isNew: false }), directory);
    expect(one).toMatchObject({
      verdict: 'denied',
      count: 12,
      subject: 'malware',
      technique: 'T1071.004',
      time: '2026-11-23T12:00:00.400Z',
      window: { first: '2026-11-23T12:00:00.000Z', last: '2026-11-23T12:00:00.400Z' },
    });
  });

  it('an unknown type as TYPEn and no rule as null', () => {
    const [one] = fromObservation(observation({ qtype: 65_280, rule: '' }), directory);
    expect(one).toMatchObject({ qtype: 'TYPE65280', rule: null });
  });

  it('no active character, whatever the texts hold', () => {
    const evil = 'a\n\u0000\u001b[2J\u009b\u2028\u202e\ud800z';
    const [one] = fromObservation(observation({ rule: evil, workload: evil }), directory);
    expect(one?.rule).toBe('a\\010\\000\\027[2J\\155\\u2028\\u202e\ufffdz');
    expect(one?.workload).toBe(one?.rule);
  });

  it('at most 1,024 characters a field', () => {
    const [one] = fromObservation(observation({ rule: 'x'.repeat(5_000) }), directory);
    expect(one?.rule).toHaveLength(1_024);
  });

  it('the feed or upstream where the resolver itself is meant', () => {
    const facts = { reason: 'no server answers', atMs: T0 };
    expect(operationalAlert('upstream-down', 'corp', facts)).toMatchObject({
      type: 'upstream-down',
      severity: ALERT_TYPES['upstream-down'].severity,
      subject: 'corp',
      workload: null,
      qname: null,
      reason: 'no server answers',
      count: 1,
    });
  });
});
