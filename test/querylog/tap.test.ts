/** Which queries are told of, and what a record says: the real configuration, decide and ring. */

import { describe, expect, it } from 'vitest';
import { PEER_FAMILY, PEER_PORT, PEER_SIZE } from '../../src/batch.ts';
import { ByteRingReader, createByteRing } from '../../src/events/byte-ring.ts';
import { createRing, RingWriter } from '../../src/events/ring.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { decideSafely } from '../../src/pipeline.ts';
import { Query } from '../../src/query.ts';
import { jsonLine } from '../../src/querylog/json-line.ts';
import { KIND_QUERY, TO_DNSTAP, TO_LOG } from '../../src/querylog/kinds.ts';
import { Revisions, readTapped } from '../../src/querylog/record.ts';
import { revisionNames, type Snapshot } from '../../src/server/snapshot.ts';
import { Tables } from '../../src/tables.ts';
import { workerMemory } from '../support/memory.ts';
import { buildQuery } from '../support/message.ts';
import { compileFiles } from '../support/replay-valve.ts';

const POLICY = `
feeds: { bad: { source: [listed.example], category: malware } }
workloads:
  all: { sources: [10.1.0.0/16] }
  some: { sources: [10.2.0.0/16], query_log: 0.25, dnstap: 0.5 }
  none: { sources: [10.3.0.0/16], query_log: 0, dnstap: 0 }
`;
const LOG = 'query_log: { path: q }\n';
const DNSTAP = 'dnstap: { to: "tcp://192.0.2.1", sample: 0.1 }\n';

interface Seen {
  readonly kind: number;
  readonly outputs: number;
  readonly line: Record<string, unknown>;
}

class Rig {
  readonly #snapshot: Snapshot;
  readonly #tables: Tables;
  readonly #ring = createByteRing(1 << 20);
  readonly #memory = workerMemory({
    ring: new RingWriter(createRing(1024)),
    storeOctets: 1 << 20,
    namesPerPair: 64,
    tapRing: this.#ring,
  });
  readonly #revisions = new Revisions();
  /** One for all messages, as a listener has it. */
  readonly #query = new Query();

  private constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#tables = new Tables(snapshot.memory);
    this.#revisions.add(revisionNames(this.#snapshot, 0));
  }

  static async open(more: string): Promise<Rig> {
    return new Rig(await compileFiles({ 'main.yaml': `${POLICY}${more}` }, 1));
  }

  /** Decides a message and gives what was told of it. */
  ask(message: Uint8Array, from: string, port = 5353): Seen[] {
    const query = this.#query;
    query.octets = message;
    query.end = message.length;
    query.out = new Uint8Array(4096);
    query.outRoom = 4096;
    query.peer = new Uint8Array(PEER_SIZE);
    query.peer[PEER_FAMILY] = 4;
    query.peer[PEER_PORT] = port >>> 8;
    query.peer[PEER_PORT + 1] = port;
    query.wallMs = 1_764_000_000_123;
    addressToBytes(from, query.peer, 0);
    decideSafely(query, this.#tables, this.#memory, (error) => {
      throw error;
    });
    return this.#read();
  }

  #read(): Seen[] {
    const reader = new ByteRingReader(this.#ring);
    const octets = Buffer.from(this.#ring.octets.buffer);
    const seen: Seen[] = [];
    for (let at = reader.peek(); at !== -1; at = reader.peek()) {
      const tapped = readTapped(octets, at, this.#revisions);
      const { kind, outputs } = tapped;
      seen.push({ kind, outputs, line: JSON.parse(jsonLine(tapped)) as Seen['line'] });
      reader.release(at);
    }
    return seen;
  }
}

/** How many of 2,000 queries of an address are told to an output, as a share. */
function shareOf(rig: Rig, from: string, output: number): number {
  let told = 0;
  for (let id = 0; id < 2000; id++) {
    const seen = rig.ask(buildQuery({ name: `n${id}.example`, id }), from, 1024 + id);
    if (seen.some(({ outputs }) => (outputs & output) !== 0)) told++;
    const pair = seen.filter(({ outputs }) => (outputs & TO_DNSTAP) !== 0);
    expect([0, 2]).toContain(pair.length);
  }
  return told / 2000;
}

describe('what is told', () => {
  it('is nothing while neither output is there', async () => {
    const rig = await Rig.open('');
    expect(rig.ask(buildQuery({ name: 'a.example' }), '10.1.0.1')).toEqual([]);
  });

  it.each([
    ['all of it by the share of the main file', '10.1.0.1', TO_LOG, 1, 1],
    ['a tenth where the main file says so', '10.1.0.1', TO_DNSTAP, 0.07, 0.13],
    ['the share of the workload', '10.2.0.1', TO_LOG, 0.21, 0.29],
    ['the share of the workload, for each output', '10.2.0.1', TO_DNSTAP, 0.45, 0.55],
    ['nothing of a workload without a share', '10.3.0.1', TO_LOG, 0, 0],
    ['unmapped sources by the share of the main file', '192.0.2.1', TO_DNSTAP, 0.07, 0.13],
  ])('is %s; of a query both messages or none', async (_, from, output, low, high) => {
    const rig = await Rig.open(LOG + DNSTAP);
    const share = shareOf(rig, from, output);
    expect(share).toBeGreaterThanOrEqual(low);
    expect(share).toBeLessThanOrEqual(high);
  });

  it('names what decided, and not what decided about the query before', async () => {
    const rig = await Rig.open(LOG);
    const [listed] = rig.ask(buildQuery({ name: 'listed.example' }), '10.1.0.1');
    expect(listed?.line).toMatchObject({
      workload: 'all',
      qname: 'listed.example',
      verdict: 'denied',
      reason: 'feed',
      rcode: 'NXDOMAIN',
      policy_revision: 1,
      time: '2025-11-24T16:00:00.123Z',
      port: 5353,
    });
    const broken = Buffer.from(buildQuery({ name: 'listed.example' })).fill(0xff, 12, 13);
    const [malformed] = rig.ask(broken, '10.1.0.1');
    expect(malformed?.line).toMatchObject({
      ...{ workload: 'all', qname: null, qtype: null, verdict: 'refused', mode: 'enforce' },
      ...{ reason: null, rule: null, policy_revision: 1, rcode: 'FORMERR' },
    });
    const response = Buffer.from(buildQuery({ name: 'listed.example' })).fill(0x80, 2, 3);
    const [dropped] = rig.ask(response, '10.1.0.1');
    expect(dropped?.line).toMatchObject({ verdict: 'dropped', rcode: null, octets: 0 });
  });

  it('is to dnstap the query alone where there is no response', async () => {
    const rig = await Rig.open('dnstap: { to: "unix:/x" }');
    const response = Buffer.from(buildQuery({ name: 'listed.example' })).fill(0x80, 2, 3);
    expect(rig.ask(response, '10.1.0.1').map(({ kind }) => kind)).toEqual([KIND_QUERY]);
  });
});
