/** What a client is told of a budget: when it frees, in the unit that people say. */

import { beforeAll, describe, expect, it } from 'vitest';
import { IS_NOT_TO_BE_HAD, IS_USED_UP } from '../../src/detect/budgets.ts';
import { REASON_BUDGET } from '../../src/events/kinds.ts';
import { compose, sentence } from '../../src/policy/sentence.ts';
import { Query } from '../../src/query.ts';
import { Tables } from '../../src/tables.ts';
import { compileFiles } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
workloads:
  app:
    owner: team-x
    sources: [10.1.0.0/16]
    allow: [{ name: "*.partner.example", budget: 1kB/h }]
`;

let tables: Tables;
beforeAll(async () => {
  tables = new Tables((await compileFiles({ 'main.yaml': CONFIG }, 1)).memory);
});

describe('a budget', () => {
  const rows = [
    { denied: IS_USED_UP, seconds: 0, want: 'used up, frees in 0 s' },
    { denied: IS_USED_UP, seconds: 119, want: 'used up, frees in 119 s' },
    { denied: IS_USED_UP, seconds: 120, want: 'used up, frees in 2 min' },
    { denied: IS_USED_UP, seconds: 121, want: 'used up, frees in 3 min' },
    { denied: IS_USED_UP, seconds: 36_000, want: 'used up, frees in 600 min' },
    { denied: IS_NOT_TO_BE_HAD, seconds: 0, want: 'cannot be charged now' },
  ];

  it.each(rows)('denied with $seconds s to go is "$want"', ({ denied, seconds, want }) => {
    const query = new Query();
    query.workload = 1;
    query.decision.reason = REASON_BUDGET;
    const { budgets } = tables;
    [budgets.budget, budgets.denied, budgets.freesSeconds] = [1, denied, seconds];
    const length = compose(query, tables);
    const text = Buffer.from(sentence.subarray(0, length)).toString();
    // No rule here: the sentence goes on with who may be asked.
    expect(text).toMatch(`app: budget of 1kB/h ${want}, by ; ask team-x, policy: `);
  });
});
