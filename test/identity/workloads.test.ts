/** Workload settings by number, and the way from a source address to them. */

import { describe, expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import type { Config, DenyAnswer } from '../../src/config/types.ts';
import { MODE_ENFORCE, MODE_OPEN, MODE_REPORT } from '../../src/events/kinds.ts';
import { compileIdentity } from '../../src/identity/compile.ts';
import { identify } from '../../src/identity/identify.ts';
import { Prefixes } from '../../src/identity/prefixes.ts';
import {
  ANSWER_ADDRESS,
  ANSWER_NODATA,
  ANSWER_NXDOMAIN,
  ANSWER_REFUSED,
  HAS_V4,
  HAS_V6,
  UNMAPPED,
  Workloads,
} from '../../src/identity/workloads.ts';
import { Query } from '../../src/query.ts';
import { config } from '../policy/support.ts';

const V4 = Uint8Array.of(192, 0, 2, 1);
const V6 = Uint8Array.from({ length: 16 }, (_, i) => i);
const SOURCE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3);

function withAnswers(answers: readonly DenyAnswer[]): Config {
  const parsed = config({ workloads: answers.map(() => ({})) });
  return {
    ...parsed,
    workloads: parsed.workloads.map((workload, i) => ({
      ...workload,
      answer: answers[i] ?? workload.answer,
    })),
  };
}

describe('workloads', () => {
  it('number 0 is the unmapped source, the others follow in the order of the configuration', () => {
    const sketch = config({
      unmapped: 'report',
      workloads: [
        { name: 'b', mode: 'open' },
        { name: 'a', mode: 'enforce' },
      ],
    });
    const workloads = new Workloads(compileIdentity(sketch).workloads);
    expect(workloads.count).toBe(3);
    expect([0, 1, 2, 3].map((w) => workloads.nameOf(w))).toEqual(['(unmapped)', 'b', 'a', '']);
    expect([...workloads.mode]).toEqual([MODE_REPORT, MODE_OPEN, MODE_ENFORCE]);
    expect(workloads.answer[UNMAPPED]).toBe(ANSWER_REFUSED);
  });

  it('each answer to a denied query keeps its kind and its addresses', () => {
    const parsed = withAnswers([
      { kind: 'nxdomain' },
      { kind: 'nodata' },
      { kind: 'refused' },
      { kind: 'address', v4: V4, v6: null },
      { kind: 'address', v4: null, v6: V6 },
      { kind: 'address', v4: V4, v6: V6 },
    ]);
    const { workloads } = compileIdentity(parsed);
    expect([...workloads.answer].slice(1)).toEqual([
      ANSWER_NXDOMAIN,
      ANSWER_NODATA,
      ANSWER_REFUSED,
      ANSWER_ADDRESS,
      ANSWER_ADDRESS,
      ANSWER_ADDRESS,
    ]);
    expect([...workloads.addressFamilies].slice(4)).toEqual([HAS_V4, HAS_V6, HAS_V4 | HAS_V6]);
    expect([...workloads.v4.subarray(16, 20)]).toEqual([...V4]);
    expect([...workloads.v6.subarray(6 * 16)]).toEqual([...V6]);
    expect([...workloads.v6.subarray(4 * 16, 5 * 16)]).toEqual(new Array(16).fill(0));
  });

  it('fail_open and chain: inspect are per workload and never for unmapped sources', () => {
    const parsed = config({ workloads: [{}, {}] });
    const [first, second] = parsed.workloads;
    if (first === undefined || second === undefined) throw new Error('two workloads expected');
    const { workloads } = compileIdentity({
      ...parsed,
      workloads: [
        { ...first, failOpen: true },
        { ...second, chain: 'inspect' },
      ],
    });
    expect([...workloads.failOpen]).toEqual([0, 1, 0]);
    expect([...workloads.inspectChain]).toEqual([0, 0, 1]);
  });
});

describe('identify', () => {
  const parsed = config({ workloads: [{}, {}] });
  const at = { file: 'test.yaml', line: 1, col: 1 };
  const source = { bytes: SOURCE, length: 128, text: '10.1.2.3/32', at };
  const workloads = parsed.workloads.map((workload, i) =>
    i === 1 ? { ...workload, sources: [source] } : workload,
  );
  const prefixes = new Prefixes(compileIdentity({ ...parsed, workloads }).prefixes);

  it.each([
    ['a source that a workload claims', 3, 2],
    ['a source that none claims is unmapped, whatever was there before', 4, 0],
  ])('%s', (_name, lastOctet, want) => {
    const query = new Query();
    query.peer = new Uint8Array(3 * PEER_SIZE);
    query.peerAt = 2 * PEER_SIZE;
    query.peer.set(SOURCE, query.peerAt);
    query.peer[query.peerAt + 15] = lastOctet;
    query.workload = 7;
    identify(query, prefixes);
    expect(query.workload).toBe(want);
  });
});
