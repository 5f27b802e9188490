/** PROXY headers: the shapes of the specification, cut anywhere, and what is none. */

import { describe, expect, it } from 'vitest';
import { PEER_FAMILY, PEER_HAS_LOCAL, PEER_LOCAL, PEER_PORT, PEER_SIZE } from '../../src/batch.ts';
import { addressToText } from '../../src/native/addresses.ts';
import { PROXY_BAD, PROXY_MAX, PROXY_MORE, readProxy } from '../../src/wire/proxy.ts';
import { hold, mutate, Random } from '../fuzz/mutate.ts';
import { proxyHeader, SIGNATURE } from '../support/proxy.ts';

/** What a record holds before: something, so that what is not written shows. */
const before = (): Uint8Array => new Uint8Array(PEER_SIZE).fill(0xee);

function read(octets: Uint8Array, record = before()): { size: number; record: Uint8Array } {
  return { size: readProxy(octets, 0, octets.length, record, 0), record };
}

const V4 = { source: '10.1.0.7', destination: '10.2.0.1', port: 4000 };
const V6 = { source: '2001:db8::7', destination: '2001:db8::53', port: 4001 };

describe('a header with addresses', () => {
  it.each([
    ['IPv4 over a stream', proxyHeader({ ...V4, family: 0x11 }), V4, 4],
    ['IPv4 in a datagram', proxyHeader({ ...V4, family: 0x12 }), V4, 4],
    ['IPv6 over a stream', proxyHeader({ ...V6, family: 0x21 }), V6, 6],
    ['IPv6 in a datagram', proxyHeader({ ...V6, family: 0x22 }), V6, 6],
    ['IPv4 with TLVs', proxyHeader({ ...V4, family: 0x11, more: Buffer.alloc(500, 5) }), V4, 4],
    ['IPv6 with TLVs', proxyHeader({ ...V6, family: 0x21, more: Buffer.alloc(70, 5) }), V6, 6],
  ] as const)('%s', (_, header, { source, destination, port }, family) => {
    const { size, record } = read(header);
    expect(size).toBe(header.length);
    expect(addressToText(record, 0)).toBe(source);
    expect(addressToText(record, PEER_LOCAL)).toBe(destination);
    expect(Buffer.from(record).readUInt16BE(PEER_PORT)).toBe(port);
    expect([record[PEER_FAMILY], record[PEER_HAS_LOCAL]]).toEqual([family, 1]);
    expect([...record.subarray(20, 24), ...record.subarray(40)]).toEqual(Array(12).fill(0));
  });

  it('a mapped IPv6 source is the IPv4 address that it means', () => {
    const header = proxyHeader({ ...V6, source: '::ffff:10.1.0.7', family: 0x21 });
    expect(addressToText(read(header).record, 0)).toBe('10.1.0.7');
  });

  it('what follows it is not part of it', () => {
    const header = proxyHeader({ ...V4, family: 0x11 });
    const { size } = read(Buffer.concat([header, Buffer.alloc(100, 1)]));
    expect(size).toBe(28);
  });
});

describe('LOCAL is the forwarder itself, whatever the rest says', () => {
  it.each([
    ['without a family', proxyHeader({ command: 0x20, family: 0 }), 16],
    ['with addresses', proxyHeader({ ...V4, command: 0x20, family: 0x11 }), 28],
    ['with TLVs', proxyHeader({ command: 0x20, family: 0, more: Buffer.alloc(9) }), 25],
    ['of an unknown family', proxyHeader({ command: 0x20, family: 0xff }), 16],
  ] as const)('%s', (_, header, length) => {
    const { size, record } = read(header);
    expect(size).toBe(length);
    expect(record).toEqual(before());
  });
});

describe('no header', () => {
  const cut = (length: number) => proxyHeader({ ...V4, family: 0x11, length });
  it.each([
    ['a DNS query', Buffer.from('000101000001000000000000', 'hex')],
    ['version 1', Buffer.from('PROXY TCP4 10.1.0.7 10.2.0.1 4000 53\r\n', 'latin1')],
    ['a signature with its last octet wrong', Buffer.from([...SIGNATURE.subarray(0, 11), 0x0b])],
    ['version 1 behind the signature', proxyHeader({ ...V4, family: 0x11, command: 0x11 })],
    ['version 3', proxyHeader({ ...V4, family: 0x11, command: 0x31 })],
    ['a command that is not assigned', proxyHeader({ ...V4, family: 0x11, command: 0x22 })],
    ['PROXY without a family', proxyHeader({ ...V4, family: 0 })],
    ['PROXY of a Unix socket', proxyHeader({ family: 0x31, more: Buffer.alloc(216) })],
    ['PROXY of a family that is not assigned', proxyHeader({ ...V4, family: 0x41 })],
    ['PROXY without a transport', proxyHeader({ ...V4, family: 0x10 })],
    ['PROXY of a transport that is not assigned', proxyHeader({ ...V4, family: 0x13 })],
    ['a length that holds no address', cut(0)],
    ['an IPv4 address cut short', cut(11)],
    ['an IPv6 address cut short', proxyHeader({ ...V6, family: 0x21, length: 35 })],
    ['an octet more than the longest', cut(PROXY_MAX - 16 + 1)],
    ['the greatest length', cut(0xffff)],
    ['LOCAL of the greatest length', proxyHeader({ command: 0x20, family: 0, length: 0xffff })],
  ])('%s', (_, octets) => {
    const { size, record } = read(octets);
    expect(size).toBe(PROXY_BAD);
    expect(record).toEqual(before());
  });
});

it('cut anywhere, more must come, and nothing is written', () => {
  const header = proxyHeader({ ...V6, family: 0x21, more: Buffer.alloc(PROXY_MAX - 16 - 36) });
  expect(header.length).toBe(PROXY_MAX);
  for (let length = 0; length < header.length; length++) {
    const { size, record } = read(header.subarray(0, length));
    expect([length, size]).toEqual([length, PROXY_MORE]);
    expect(record).toEqual(before());
  }
  expect(read(header).size).toBe(PROXY_MAX);
});

/** The same rules, written down another way: on buffers, whole headers only, with views. */
function secondOpinion(octets: Buffer): { size: number; source: string | null } {
  const bad = { size: PROXY_BAD, source: null };
  const more = { size: PROXY_MORE, source: null };
  const known = SIGNATURE.subarray(0, Math.min(12, octets.length));
  if (!octets.subarray(0, known.length).equals(known)) return bad;
  if (octets.length < 16) return more;
  const length = octets.readUInt16BE(14);
  const isLocal = octets[12] === 0x20;
  if ((octets[12] !== 0x21 && !isLocal) || length > 2032) return bad;
  const needed = new Map([
    [0x11, 12],
    [0x12, 12],
    [0x21, 36],
    [0x22, 36],
  ]).get(octets[13] ?? 0);
  if (!isLocal && (needed === undefined || length < needed)) return bad;
  if (octets.length < 16 + length) return more;
  if (isLocal) return { size: 16 + length, source: null };
  const raw = octets.subarray(16, needed === 12 ? 20 : 32);
  const mapped = Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), raw]);
  return { size: 16 + length, source: addressToText(needed === 12 ? mapped : raw, 0) };
}

it('200,000 mutated headers: read as a second reader reads them, and nothing beyond them', () => {
  const random = new Random(20261126);
  const seeds = [
    proxyHeader({ ...V4, family: 0x11 }),
    proxyHeader({ ...V6, family: 0x22, more: Buffer.alloc(20, 3) }),
    proxyHeader({ command: 0x20, family: 0 }),
    Buffer.concat([proxyHeader({ ...V4, family: 0x12 }), Buffer.alloc(40, 1)]),
  ];
  const room = Buffer.alloc(4096);
  const met = new Map<string, number>();
  for (let round = 0; round < 200_000; round++) {
    const from = random.pick([0, 12, 12, 14]);
    const length = mutate(random.pick(seeds), from, room, random);
    const cut = random.next(3) === 0 ? random.next(length + 1) : length;
    const octets = room.subarray(0, cut);
    const record = before();
    const size = readProxy(room, 0, cut, record, 0);
    const expected = secondOpinion(octets);
    hold(size === expected.size, `size ${size}, not ${expected.size}: ${octets.toString('hex')}`);
    const isWritten = record[PEER_FAMILY] !== 0xee;
    hold(isWritten === (expected.source !== null), 'written only with an address');
    if (isWritten) hold(addressToText(record, 0) === expected.source, 'the source');
    const kind = size > 0 ? (isWritten ? 'address' : 'local') : String(size);
    met.set(kind, (met.get(kind) ?? 0) + 1);
  }
  for (const kind of ['address', 'local', '0', '-1']) {
    expect([kind, (met.get(kind) ?? 0) > 1000]).toEqual([kind, true]);
  }
});
