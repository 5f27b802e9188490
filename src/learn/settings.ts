/**
 * What a workload says besides its lists, as lines of YAML: a suggestion takes the place of its
 * block, and nothing that stands there may be lost by that.
 */

import type { Person, PolicyTest, Workload } from '../config/types.ts';
import { addressText } from '../history/addresses.ts';
import { typeToText } from '../wire/text.ts';
import { flow, quoted } from './yaml-text.ts';

type Value = number | string | null;

/** @returns lines with the indentation of a workload's keys */
export function settingLines(workload: Workload): string[] {
  const { owner, env, sources, mode, use, chain, failOpen, approvers, sample } = workload;
  const line = (key: string, value: Value): string[] =>
    value === null ? [] : [`    ${key}: ${value}`];
  return [
    ...line('owner', owner === null ? null : quoted(owner)),
    ...line('env', env === null ? null : quoted(env)),
    ...line('sources', flow(sources.map(({ text }) => text))),
    ...line('mode', mode),
    ...line('use', use.length === 0 ? null : flow(use)),
    ...line('answer', answerText(workload.answer)),
    ...line('chain', chain === 'trust' ? null : chain),
    ...detectLines(workload.detect),
    ...line('query_log', sample.queryLog),
    ...line('dnstap', sample.dnstap),
    ...line('fail_open', failOpen ? 'true' : null),
    ...line('approvers', approvers.length === 0 ? null : flow(approvers)),
  ];
}

/** The people that approve, because a configuration has to know who they are. */
export function peopleLines({ approvers }: Workload, people: readonly Person[]): string[] {
  const named = people.filter(({ name }) => approvers.includes(name));
  if (named.length === 0) return [];
  return ['people:', ...named.map(({ name, uid }) => `  ${quoted(name)}: { uid: ${uid} }`)];
}

/** As remarks: a test may need feeds and zones, which this file has not. */
export function testLines({ tests }: Workload): string[] {
  if (tests.length === 0) return [];
  return ['    # tests: as they stand; take them with you.', ...tests.map(testLine)];
}

function testLine({ name, type, expect }: PolicyTest): string {
  const parts = [`name: ${quoted(name)}`, `type: ${typeToText(type)}`, `expect: ${expect}`];
  return `    #   - { ${parts.join(', ')} }`;
}

/** Null for the answer that everybody gets. */
function answerText(answer: Workload['answer']): string | null {
  if (answer.kind !== 'address') return answer.kind === 'nxdomain' ? null : answer.kind;
  const v4 = answer.v4 === null ? [] : [[...answer.v4].join('.')];
  return flow([...v4, ...(answer.v6 === null ? [] : [addressText(answer.v6)])]);
}

function detectLines({ reputation, baseline, tunnel, generated }: Workload['detect']): string[] {
  const parts = [
    part('reputation', { alert_below: reputation.alertBelow, deny_below: reputation.denyBelow }),
    part('baseline', { action: baseline.action, factor: baseline.factor }),
    part('tunnel', { threshold: tunnel.threshold, action: tunnel.action }),
    part('generated', {
      threshold: generated.threshold,
      burst: generated.burst,
      action: generated.action,
    }),
  ].filter((one) => one !== null);
  return parts.length === 0 ? [] : ['    detect:', ...parts.map((one) => `      ${one}`)];
}

function part(name: string, values: Readonly<Record<string, Value>>): string | null {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  if (given.length === 0) return null;
  // `off` is a word here and not the opposite of on: YAML 1.2 has no such boolean.
  return `${name}: { ${given.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}
