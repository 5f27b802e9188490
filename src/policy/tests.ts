/**
 * Policy tests: what the `tests:` of the workloads expect, asked of the compiled snapshot, before
 * it is let near a query. All failing ones are reported at once.
 *
 * A test is about the policy, not about the mode it runs in: a name that a report-only workload
 * gets by its mode alone counts as denied, so going from `report` to `enforce` breaks no test.
 */

import type { PolicyTest, Workload } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import { readName, WireName } from '../wire/name.ts';
import { typeToText } from '../wire/text.ts';
import { type ExplainedSnapshot, type Explanation, explain } from './explain.ts';

/** @returns a problem per test that fails, at the place of the test */
export function runPolicyTests(
  workloads: readonly Pick<Workload, 'name' | 'tests'>[],
  snapshot: ExplainedSnapshot,
): Problem[] {
  const problems: Problem[] = [];
  for (const [i, workload] of workloads.entries()) {
    for (const [at, test] of workload.tests.entries()) {
      const message = runTest(test, i + 1, snapshot);
      const path = `workloads.${workload.name}.tests[${at}]`;
      if (message !== null) problems.push({ ...test.at, path, message });
    }
  }
  return problems;
}

/** What is wrong, or null when the test holds. */
function runTest(test: PolicyTest, workload: number, snapshot: ExplainedSnapshot): string | null {
  const name = new WireName();
  if (readName(test.wire, 0, test.wire.length, name) === -1) return `"${test.name}" is not a name`;
  const said = explain(name, test.type, workload, snapshot);
  const decided = said.verdict === 'allow' && !said.would_deny ? 'allow' : 'deny';
  if (decided === test.expect) return null;
  const asked = `${test.name} ${typeToText(test.type)}`;
  return `${asked}: expected ${test.expect}, but the policy says ${decided}: ${because(said)}`;
}

function because(said: Explanation): string {
  if (said.rule !== '') return said.rule;
  const step = said.steps.find((line) => line.matched)?.step;
  return step === 9 ? 'no rule names it' : said.reason;
}
