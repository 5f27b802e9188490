import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Packet } from '../../../src/detect/eval/packet.ts';
import { TcpStreams } from '../../../src/detect/eval/streams.ts';
import { ASKING, FIN, framed, ipv4, message, RST, type Segment, SYN, tcp } from './captures.ts';

const START = 0xfffffff0; // the numbers go round within the connection

/** Names of the messages that come out, in order, and how often something was lost. */
function read(segments: readonly Segment[]): { ids: number[]; lost: number } {
  const streams = new TcpStreams();
  const ids: number[] = [];
  const take = (octets: Uint8Array): void => {
    ids.push(Buffer.from(octets).readUInt16BE(0));
  };
  for (const shape of segments) {
    const octets = ipv4(ASKING, { protocol: 6 }, tcp(ASKING, shape));
    const packet = new Packet();
    packet.read(101, octets, 0, octets.length);
    streams.segment(packet, octets, take);
  }
  streams.finish(take);
  return { ids, lost: streams.lostCount };
}

const MESSAGES = [1, 2, 3, 4, 5].map((id) => framed(message(id, `name-${id}.example.com`)));
const SIZE = MESSAGES[0]?.length ?? 0;
const [ONE, TWO, THREE, FOUR] = MESSAGES as [Buffer, Buffer, Buffer, Buffer];
const BEGIN: Segment = { sequence: START, flags: SYN };

/** Octets of the connection from `offset` on. */
function at(offset: number, payload: Buffer, flags = 16): Segment {
  return { sequence: (START + 1 + offset) >>> 0, flags, payload };
}

describe('messages of a TCP connection', () => {
  const two = Buffer.concat([ONE, TWO]);
  const rows: readonly (readonly [string, readonly Segment[], number[], number])[] = [
    ['one a segment', [BEGIN, at(0, ONE), at(SIZE, TWO)], [1, 2], 0],
    ['two in a segment', [BEGIN, at(0, two)], [1, 2], 0],
    [
      'over segments, cut in the length',
      [BEGIN, at(0, two.subarray(0, 1)), at(1, two.subarray(1))],
      [1, 2],
      0,
    ],
    ['a segment sent again counts once', [BEGIN, at(0, ONE), at(0, ONE), at(SIZE, TWO)], [1, 2], 0],
    ['sent again with more behind it', [BEGIN, at(0, ONE), at(0, two)], [1, 2], 0],
    [
      'sent again after the end',
      [BEGIN, at(0, ONE), at(SIZE, Buffer.alloc(0), FIN), at(0, ONE)],
      [1],
      0,
    ],
    ['out of order', [BEGIN, at(SIZE, TWO), at(0, ONE)], [1, 2], 0],
    [
      'out of order, overlapping',
      [BEGIN, at(SIZE - 3, two.subarray(SIZE - 3)), at(0, ONE)],
      [1, 2],
      0,
    ],
    [
      'one segment missing',
      [BEGIN, at(0, ONE), at(2 * SIZE, THREE), at(3 * SIZE, FOUR)],
      [1, 3, 4],
      1,
    ],
    [
      'the middle of a message missing',
      [BEGIN, at(0, ONE.subarray(0, 9)), at(20, ONE.subarray(20)), at(SIZE, TWO)],
      [2],
      1,
    ],
    [
      'a capture that begins within the connection',
      [at(SIZE, TWO), at(2 * SIZE, THREE)],
      [2, 3],
      0,
    ],
    ['one that begins within a message', [at(9, ONE.subarray(9)), at(SIZE, TWO)], [2], 0],
    [
      'another connection on the same ports',
      [BEGIN, at(0, ONE), { sequence: 7, flags: SYN }, { sequence: 8, payload: TWO }],
      [1, 2],
      0,
    ],
    [
      'the same without its SYN',
      [BEGIN, at(0, ONE), { sequence: 0x40000000, payload: TWO }],
      [1, 2],
      1,
    ],
    [
      'a reset ends what came before',
      [
        BEGIN,
        at(0, ONE),
        at(SIZE, Buffer.alloc(0), RST),
        { sequence: 7, flags: SYN },
        { sequence: 8, payload: TWO },
      ],
      [1, 2],
      0,
    ],
    ['octets that are no message', [BEGIN, at(0, Buffer.alloc(40)), at(40, TWO)], [2], 1],
    ['a message that never ends', [BEGIN, at(0, ONE.subarray(0, 20))], [], 1],
  ];
  it.each(rows)('%s', (_rule, segments, ids, lost) => {
    expect(read(segments)).toEqual({ ids, lost });
  });

  it('in any cut and order, with doubles, nothing is lost or said twice', () => {
    const whole = Buffer.concat(MESSAGES);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat(1000)), (places, random) => {
        const ends = [...places.toSorted((a, b) => a - b), whole.length];
        const segments = ends.map((end, i) => {
          const begin = ends[i - 1] ?? 0;
          return at(begin, whole.subarray(begin, end));
        });
        const shuffled = [...segments, ...segments.slice(0, 3)]
          .map((segment) => ({ segment, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ segment }) => segment);
        expect(read([BEGIN, ...shuffled])).toEqual({ ids: [1, 2, 3, 4, 5], lost: 0 });
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
