/** What is read ahead of a batch changes nothing of what is decided about it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ahead } from '../src/ahead.ts';
import { BATCH_CAPACITY, Batch, PEER_SIZE, SLOT_STRIDE } from '../src/batch.ts';
import { addressToBytes } from '../src/native/addresses.ts';
import { Query } from '../src/query.ts';
import { parse } from '../src/wire/parse.ts';
import { buildQuery } from './support/message.ts';
import { Valve } from './support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] } }
zones: []
workloads:
  api: { sources: [10.1.0.0/16], allow: [.example.com] }
  slow: { sources: [10.2.0.0/16], allow: [.example.com], rate_limit: { queries: 1, burst: 1s } }
`;

const valve = await Valve.open({ 'main.yaml': CONFIG });
const { tables } = valve.forwarder;

function put(batch: Batch, i: number, octets: Uint8Array, from: string): void {
  batch.rx.set(octets, i * SLOT_STRIDE);
  batch.rxLength[i] = octets.length;
  addressToBytes(from, batch.peer, i * PEER_SIZE);
}

/** The cursor at a datagram, as the listener aims it. */
function aimed(batch: Batch, i: number): Query {
  const query = new Query();
  query.octets = batch.rx;
  query.start = i * SLOT_STRIDE;
  query.end = query.start + (batch.rxLength[i] ?? 0);
  query.peer = batch.peer;
  query.peerAt = i * PEER_SIZE;
  return query;
}

/** What `parse` makes of a message, with and without what was read ahead. */
function parsed(query: Query): unknown {
  const result = parse(query);
  const { name, qtype, qclass, questionEnd, udpSize, hasEdns, dnssecOk } = query;
  const { length, labelCount } = name;
  const suffixes = labelCount + 1;
  const hashes = [name.labelAt, name.low, name.high].map((part) => [...part.slice(0, suffixes)]);
  const read = result === 2 ? [name.octets.slice(0, length), labelCount, hashes] : [];
  return [result, qtype, qclass, questionEnd, udpSize, hasEdns, dnssecOk, read];
}

function expectSame(messages: readonly Uint8Array[]): void {
  const batch = new Batch();
  for (const [i, octets] of messages.entries()) put(batch, i, octets, '10.1.0.7');
  const ahead = new Ahead();
  ahead.look(batch, messages.length, tables, valve.memory);
  for (const i of messages.keys()) {
    const query = aimed(batch, i);
    ahead.hand(query, i);
    expect(parsed(query)).toEqual(parsed(aimed(batch, i)));
  }
}

describe('read ahead', () => {
  it('queries are parsed as they are without it', () => {
    const edns = { size: 1232, dnssecOk: true };
    expectSame([
      buildQuery({ name: 'www.example.com' }),
      buildQuery({ name: 'WWW.Example.com', type: 'AAAA', edns }),
      buildQuery({ name: '.' }),
      buildQuery({ name: Array(60).fill('abc').join('.') }),
    ]);
  });

  it('whatever a datagram holds, it is parsed as it is without it', () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 80 }).map((rest) => {
        const head = buildQuery({ name: 'www.example.com' }).subarray(0, 12);
        return Buffer.concat([head, rest]);
      }),
    );
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: BATCH_CAPACITY }), expectSame),
    );
  });

  it('a datagram that was cut has no name', () => {
    const batch = new Batch();
    put(batch, 0, buildQuery({ name: 'www.example.com' }), '10.1.0.7');
    batch.rxLength[0] = -5000;
    const ahead = new Ahead();
    ahead.look(batch, 1, tables, valve.memory);
    const query = aimed(batch, 0);
    ahead.hand(query, 0);
    expect(query.nameEnd).toBe(0);
  });

  it('of a flood beyond its limit nothing is read', () => {
    const batch = new Batch();
    const octets = buildQuery({ name: 'www.example.com' });
    put(batch, 0, octets, '10.2.0.7');
    const ahead = new Ahead();
    const query = aimed(batch, 0);
    ahead.look(batch, 1, tables, valve.memory);
    ahead.hand(query, 0);
    expect(query.nameEnd).toBeGreaterThan(0);
    valve.send({ from: '10.2.0.7', octets });
    ahead.look(batch, 1, tables, valve.memory);
    ahead.hand(query, 0);
    expect(query.nameEnd).toBe(0);
  });
});
