import { describe, expect, it } from 'vitest';
import {
  PACKET_CUT,
  PACKET_FRAGMENT,
  PACKET_OTHER,
  PACKET_TCP,
  PACKET_UDP,
  Packet,
} from '../../../src/detect/eval/packet.ts';
import { addressToText } from '../../../src/native/addresses.ts';
import { ASKING, ethernet, ipv4, ipv6, tcp, u16, udp } from './captures.ts';

const PAYLOAD = Buffer.from('payload');
const V4 = ipv4(ASKING, { protocol: 17 }, udp(ASKING, PAYLOAD));
const V6_ENDS = { ...ASKING, from: '2001:db8::7', to: '2001:db8::53' };
const V6 = ipv6(V6_ENDS, 17, udp(V6_ENDS, PAYLOAD));
/** Hop-by-hop options, then destination options, then UDP. */
const EXTENSIONS = Buffer.from([60, 0, 0, 0, 0, 0, 0, 0, 17, 1, ...new Array(14).fill(0)]);
const FRAGMENT_HEADER = Buffer.from([17, 0, 0, 1, 0, 0, 0, 1]);

function read(linkType: number, octets: Buffer): string {
  const packet = new Packet();
  const kind = packet.read(linkType, octets, 0, octets.length);
  if (kind === PACKET_OTHER) return 'other';
  if (kind === PACKET_CUT) return 'cut';
  if (kind === PACKET_FRAGMENT) return 'fragment';
  const name = kind === PACKET_TCP ? 'tcp' : 'udp';
  const from = `${addressToText(packet.source, 0)}:${packet.sourcePort}`;
  const to = `${addressToText(packet.destination, 0)}:${packet.destinationPort}`;
  return `${name} ${from} ${to} ${octets.toString('latin1', packet.payload, packet.payloadEnd)}`;
}

const OVER_V4 = 'udp 10.1.0.7:40000 10.0.0.53:53 payload';
const OVER_V6 = 'udp 2001:db8::7:40000 2001:db8::53:53 payload';

describe('a frame', () => {
  const cooked = Buffer.concat([Buffer.alloc(14), u16(0x0800), V4]);
  const cooked2 = Buffer.concat([u16(0x0800), Buffer.alloc(18), V4]);
  const segment = ipv4(ASKING, { protocol: 6 }, tcp(ASKING, { sequence: 1, payload: PAYLOAD }));
  const rows: readonly (readonly [string, number, Buffer, string])[] = [
    ['Ethernet, IPv4', 1, ethernet(V4), OVER_V4],
    ['Ethernet, IPv6', 1, ethernet(V6), OVER_V6],
    ['Ethernet with a VLAN tag', 1, ethernet(V4, 7), OVER_V4],
    ['Ethernet with two VLAN tags', 1, ethernet(V4, 7, 8), OVER_V4],
    ['Ethernet, padded behind the packet', 1, Buffer.concat([ethernet(V4), PAYLOAD]), OVER_V4],
    ['Linux cooked', 113, cooked, OVER_V4],
    ['Linux cooked, version 2', 276, cooked2, OVER_V4],
    ['raw IP', 101, V4, OVER_V4],
    ['raw IP by its BSD number', 12, V6, OVER_V6],
    ['loopback', 0, Buffer.concat([Buffer.from([2, 0, 0, 0]), V4]), OVER_V4],
    ['loopback of OpenBSD', 108, Buffer.concat([Buffer.from([0, 0, 0, 24]), V6]), OVER_V6],
    ['TCP', 101, segment, OVER_V4.replace('udp', 'tcp')],
    [
      'IPv6 with extension headers',
      101,
      ipv6(V6_ENDS, 0, udp(V6_ENDS, PAYLOAD), EXTENSIONS),
      OVER_V6,
    ],
    ['an unknown link type', 9999, V4, 'other'],
    ['ARP', 1, Buffer.concat([Buffer.alloc(12), u16(0x0806), Buffer.alloc(28)]), 'other'],
    ['ICMP', 101, ipv4(ASKING, { protocol: 1 }, PAYLOAD), 'other'],
    [
      'the first fragment',
      101,
      ipv4(ASKING, { protocol: 17, fragment: 0x2000 }, PAYLOAD),
      'fragment',
    ],
    ['a later fragment', 101, ipv4(ASKING, { protocol: 17, fragment: 5 }, PAYLOAD), 'fragment'],
    ['an IPv6 fragment', 101, ipv6(V6_ENDS, 44, PAYLOAD, FRAGMENT_HEADER), 'fragment'],
    ['a datagram cut by the snapshot length', 101, V4.subarray(0, V4.length - 1), 'cut'],
    ['a header cut', 101, V4.subarray(0, 19), 'cut'],
    ['nothing behind the link layer', 113, cooked.subarray(0, 16), 'cut'],
  ];
  it.each(rows)('%s', (_rule, linkType, octets, want) => {
    expect(read(linkType, octets)).toBe(want);
  });

  it('cut anywhere is never more than it holds', () => {
    for (const whole of [ethernet(V4), ethernet(V6), ethernet(segment, 7)]) {
      for (let size = 0; size < whole.length; size++) {
        const packet = new Packet();
        const kind = packet.read(1, whole, 0, size);
        if (kind === PACKET_UDP || kind === PACKET_TCP) {
          expect(packet.payloadEnd).toBeLessThanOrEqual(size);
        }
      }
    }
  });
});
