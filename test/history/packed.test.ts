import { describe, expect, it } from 'vitest';
import type { Observation } from '../../src/history/observation.ts';
import { packObservations, unpackObservations } from '../../src/history/packed.ts';

/** Every field has a value that no other has, so that none can take another's place. */
const FULL: Observation = {
  isNew: true,
  stored: false,
  workload: 'pay',
  workloadId: 1,
  revision: 2,
  ruleId: 3,
  rule: 'policy.yaml:7:5 *.example.com',
  reason: 4,
  mode: 5,
  flags: 6,
  qname: 'www.example.com',
  registrable: 'example.com',
  qtype: 65,
  source: '10.0.0.1',
  answers: ['192.0.2.1', '2001:db8::1'],
  feed: 7,
  counts: { allowed: 8, denied: 9, wouldDeny: 10, failed: 11 },
  firstMs: 1_700_000_000_012,
  lastMs: 1_700_000_000_013,
  firstSeenMs: 1_700_000_000_014,
  finding: { type: 1, score: 187, threshold: 160, denied: true, parts: [31, 96, -1] },
};
const PLAIN: Observation = {
  ...FULL,
  isNew: false,
  stored: true,
  rule: '',
  qname: 'a\\000b.example.com',
  source: '',
  answers: [],
  finding: null,
};

describe('packed observations', () => {
  const rows: { name: string; list: Observation[] }[] = [
    { name: 'of one keep every field', list: [FULL] },
    { name: 'of several stay apart, empty texts too', list: [PLAIN, FULL, PLAIN] },
    { name: 'of none are none', list: [] },
  ];
  for (const { name, list } of rows) {
    it(name, () => expect(unpackObservations(packObservations(list))).toEqual(list));
  }
});
