/** What leaves over UDP towards networks that may have asked for nothing: how often, and how much. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { PASS, Responses, SLIP, WITHHOLD } from '../../src/overload/responses.ts';
import { Query } from '../../src/query.ts';
import { buildQuery } from '../support/message.ts';
import { compileFiles, Valve } from '../support/replay-valve.ts';

const LIMIT = { rate: 10, slip: 3, workloads: 0 };
const STRANGER = '192.0.2.7';

interface Asked {
  readonly from?: string;
  readonly workload?: number;
  readonly atMs?: number;
  /** Octets of query and response. */
  readonly sizes?: readonly [number, number];
}

function queryOf({ from = STRANGER, workload = 0, atMs = 1e6, sizes = [40, 100] }: Asked): Query {
  const query = new Query();
  query.peer = new Uint8Array(PEER_SIZE);
  addressToBytes(from, query.peer, 0);
  query.workload = workload;
  query.nowMs = atMs;
  query.end = sizes[0];
  query.outLength = sizes[1];
  return query;
}

function judgeAll(table: Responses, times: number, asked: Asked, limit = LIMIT): number[] {
  return Array.from({ length: times }, () => table.judge(queryOf(asked), limit));
}

const passed = (all: readonly number[]): number => all.filter((one) => one === PASS).length;

describe('responses to one network', () => {
  it('beyond the rate nothing leaves, but for every third, which is TC', () => {
    const all = judgeAll(new Responses(), 16, {});
    expect(all.slice(0, 10).every((one) => one === PASS)).toBe(true);
    expect(all.slice(10)).toEqual([WITHHOLD, WITHHOLD, SLIP, WITHHOLD, WITHHOLD, SLIP]);
  });

  it('a second later as many may leave again', () => {
    const table = new Responses();
    judgeAll(table, 50, {});
    expect(passed(judgeAll(table, 50, { atMs: 1e6 + 1000 }))).toBe(10);
    expect(passed(judgeAll(table, 50, { atMs: 1e6 + 1500 }))).toBe(5);
  });

  it.each([
    ['of one IPv4 /24 share', '192.0.2.200', 0],
    ['of another /24 do not', '192.0.3.7', 10],
    ['of IPv6 are others', '2001:db8::1', 10],
  ])('addresses %s', (_rule, other, left) => {
    const table = new Responses();
    judgeAll(table, 10, {});
    expect(passed(judgeAll(table, 20, { from: other }))).toBe(left);
  });

  it('addresses of one IPv6 /56 share', () => {
    const table = new Responses();
    judgeAll(table, 10, { from: '2001:db8:0:aa01::1' });
    expect(passed(judgeAll(table, 20, { from: '2001:db8:0:aaff::9' }))).toBe(0);
    expect(passed(judgeAll(table, 20, { from: '2001:db8:0:ab00::1' }))).toBe(10);
  });

  it('workloads are exempt, and where they are not, what is larger than its query counts', () => {
    const table = new Responses();
    expect(passed(judgeAll(table, 50, { workload: 1 }))).toBe(50);
    const all = { ...LIMIT, workloads: 1 };
    expect(passed(judgeAll(table, 50, { workload: 1 }, all))).toBe(10);
    expect(passed(judgeAll(table, 50, { workload: 1, sizes: [40, 40] }, all))).toBe(50);
  });

  it('a rate of 0 limits nothing, a slip of 0 sends nothing', () => {
    const table = new Responses();
    expect(passed(judgeAll(table, 50, {}, { ...LIMIT, rate: 0 }))).toBe(50);
    expect(judgeAll(table, 50, {}, { ...LIMIT, slip: 0 })).not.toContain(SLIP);
  });

  it('a million networks take no memory, and let no one network have more', () => {
    const table = new Responses();
    const query = queryOf({});
    const before = process.memoryUsage().arrayBuffers;
    let victims = 0;
    for (let i = 0; i < 1_000_000; i++) {
      query.peer.set([10 + (i >>> 16), i >>> 8, i], 12);
      table.judge(query, LIMIT);
      if (i % 1000 === 0 && table.judge(queryOf({}), LIMIT) === PASS) victims++;
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 16);
    // A row that gave way begins anew: the flood that costs it is far more than it brings.
    expect(victims).toBeLessThanOrEqual(1000);
  });
});

const CONFIG = `
feeds: { bad: { source: [listed.test], category: malware } }
everyone: { deny: [.banned.test] }
upstreams: { default: { servers: [192.0.2.53] } }
workloads:
  a-workload-with-quite-a-long-name-as-people-give-them: { owner: team-with-a-name, sources: [10.1.0.0/16] }
  refused: { sources: [10.2.0.0/16], answer: refused }
  sunk: { sources: [10.3.0.0/16], answer: [192.0.2.1, "2001:db8::1"] }
  nodata: { sources: [10.4.0.0/16], answer: nodata }
`;
const snapshot = await compileFiles({ 'main.yaml': CONFIG }, 1);
const label = fc.stringMatching(/^[a-z0-9]{1,63}$/);
const names = fc
  .tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom('test', 'listed.test', 'banned.test'))
  .map(([labels, end]) => [...labels, end].join('.'));
interface Question {
  readonly name: string;
  readonly type: string;
  readonly hasEdns: boolean;
}
const asked = fc.record({
  name: names,
  type: fc.constantFrom('A', 'AAAA', 'TXT', 'ANY', 'HTTPS'),
  hasEdns: fc.boolean(),
});
/** An SOA record, the EDE option and its longest text. */
const SOA = 79;
const EDE = 6 + 230;

describe('what a denial over UDP adds to its query', () => {
  const valve = new Valve(snapshot);

  /** Octets of the response less those of the query. */
  function added(from: string, { name, type, hasEdns }: Question): number {
    const octets = buildQuery(hasEdns ? { name, type, edns: { size: 4096 } } : { name, type });
    const { client } = valve.send({ from, octets });
    return (valve.response(client)?.length ?? 0) - octets.length;
  }

  it.each([
    ['10.1.0.1', SOA + EDE],
    ['10.2.0.1', EDE],
    ['10.3.0.1', SOA + EDE],
    ['10.4.0.1', SOA + EDE],
  ])('from %s: at most %i octets; without EDNS at most an SOA record', (from, most) => {
    fc.assert(
      fc.property(asked, (one) => {
        const more = added(from, one);
        expect(more).toBeLessThanOrEqual(one.hasEdns ? most : SOA);
      }),
    );
  });

  it('a stranger without EDNS gets no octet more than it sent, with it at most an EDE', () => {
    fc.assert(
      fc.property(asked, (one) => {
        expect(added(STRANGER, one)).toBeLessThanOrEqual(one.hasEdns ? EDE : 0);
      }),
    );
  });

  it('a stranger whose name no list holds gets 56 octets more', () => {
    const one = { name: 'x.test', type: 'A', hasEdns: true };
    expect(added(STRANGER, one)).toBe(56);
  });
});
