/** Whom a client subnet says that a query is of, and when it says nothing. */

import { describe, expect, it } from 'vitest';
import { PEER_FAMILY, PEER_HAS_LOCAL, PEER_PORT, PEER_SIZE } from '../../src/batch.ts';
import { BY_PROXY, BY_SUBNET, DIRECT, isSaid, UNSAID } from '../../src/identity/forwarded.ts';
import { addressToBytes, addressToText } from '../../src/native/addresses.ts';
import { Query } from '../../src/query.ts';

const FORWARDER = '192.0.2.8';
const PORT_HIGH = 0x35;
const AT = 40;
const V4 = [0, 1, 32, 0, 10, 1, 0, 7];
const V6 = [0, 2, 128, 0, 0x20, 1, 0x0d, 0xb8, 0, 1, ...Array<number>(9).fill(0), 7];

/** @param at where the option's data is; 0 for no option, -1 for two */
function passedOn(data: readonly number[], at = AT, relay: number = BY_SUBNET): Query {
  const query = new Query();
  query.octets = new Uint8Array(128);
  query.octets.set(data, Math.max(0, at));
  query.peer = new Uint8Array(2 * PEER_SIZE);
  query.peerAt = PEER_SIZE;
  addressToBytes(FORWARDER, query.peer, PEER_SIZE);
  query.peer[PEER_SIZE + PEER_FAMILY] = 4;
  query.peer[PEER_SIZE + PEER_HAS_LOCAL] = 1;
  query.peer[PEER_SIZE + PEER_PORT] = PORT_HIGH;
  query.subnetAt = at;
  query.relay = relay;
  return query;
}

describe('a client subnet', () => {
  const said = [
    { name: 'IPv4', data: V4, source: '10.1.0.7', family: 4 },
    { name: 'IPv6', data: V6, source: '2001:db8:1::7', family: 6 },
  ];

  it.each(said)('says whose a query is: $name', ({ data, source, family }) => {
    const query = passedOn(data);
    // What an earlier query left.
    query.claimed.fill(0xee);
    expect(isSaid(query)).toBe(true);
    expect(addressToText(query.peer, query.peerAt)).toBe(source);
    expect(query.peer[query.peerAt + PEER_FAMILY]).toBe(family);
    // The answer goes by the forwarder's port.
    expect(query.peer[query.peerAt + PEER_PORT]).toBe(PORT_HIGH);
    // Where the client asked is known to nobody here.
    expect(query.peer[query.peerAt + PEER_HAS_LOCAL]).toBe(0);
  });

  it('of IPv4 is whole though the forwarder itself is of IPv6', () => {
    const query = passedOn(V4);
    addressToBytes('2001:db8::8', query.peer, query.peerAt);
    expect(isSaid(query)).toBe(true);
    expect(addressToText(query.peer, query.peerAt)).toBe('10.1.0.7');
  });

  it('leaves the record of the forwarder as it was', () => {
    const query = passedOn(V4);
    const { peer } = query;
    const before = peer.slice();
    isSaid(query);
    expect(peer).toEqual(before);
  });

  const nobody = [
    { name: 'no option', query: passedOn(V4, 0) },
    { name: 'two options', query: passedOn(V4, -1) },
    { name: 'a part of the address', query: passedOn([0, 1, 24, 0, 10, 1, 0]) },
    { name: 'a scope', query: passedOn([0, 1, 32, 32, 10, 1, 0, 7]) },
    { name: 'a family that is not assigned', query: passedOn([0, 3, 32, 0, 10, 1, 0, 7]) },
    { name: 'a family that is not assigned, and no bits', query: passedOn([0, 3, 0, 0]) },
    { name: 'family 0 and no bits', query: passedOn([0, 0, 0, 0]) },
    { name: 'the size of the other family', query: passedOn([0, 1, 128, 0, ...V6.slice(4)]) },
    { name: 'a forwarder that says it by PROXY headers', query: passedOn(V4, AT, BY_PROXY) },
    { name: 'one of those that left its header out', query: passedOn(V4, AT, UNSAID) },
    { name: 'no forwarder at all', query: passedOn(V4, AT, DIRECT) },
  ];

  it.each(nobody)('says nothing: $name', ({ query }) => {
    expect(isSaid(query)).toBe(false);
    expect(addressToText(query.peer, query.peerAt)).toBe(FORWARDER);
  });
});
