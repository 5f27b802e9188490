import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureReader, isCapture } from '../../../src/detect/eval/capture-reader.ts';
import { Conversation } from '../../../src/detect/eval/conversation.ts';
import { DnsvalveError } from '../../../src/errors.ts';
import {
  ANSWERING,
  ASKING,
  datagram,
  framed,
  message,
  pcap,
  pcapng,
  SYN,
  segment,
} from './captures.ts';

interface Seen {
  readonly seconds: number;
  readonly linkType: number;
  readonly hex: string;
}

function read(file: Buffer, chunkSize = file.length): { frames: Seen[]; cut: number } {
  const frames: Seen[] = [];
  const reader = new CaptureReader('x.pcap', {
    frame: (exact, linkType, octets, start, end) => {
      // A double has a fraction of a microsecond to spare.
      const seconds = Math.round(exact * 1e6) / 1e6;
      frames.push({
        seconds,
        linkType,
        hex: Buffer.from(octets.subarray(start, end)).toString('hex'),
      });
    },
  });
  for (let at = 0; at < file.length; at += chunkSize)
    reader.feed(file.subarray(at, at + chunkSize));
  return { frames, cut: reader.finish() };
}

const FRAMES = [
  { seconds: 1_700_000_000.25, octets: Buffer.from('00112233', 'hex') },
  { seconds: 1_700_000_001.5, octets: Buffer.from('44', 'hex') },
];
const WANT = FRAMES.map(({ seconds, octets }) => ({
  ...{ seconds, linkType: 113, hex: octets.toString('hex') },
}));

describe('capture files', () => {
  for (const [name, write] of [
    ['pcap', pcap],
    ['pcapng', pcapng],
  ] as const) {
    for (const bytes of ['little', 'big'] as const) {
      for (const ticks of [1e6, 1e9]) {
        it(`${name}, ${bytes} endian, ${ticks} ticks a second`, () => {
          const file = write(FRAMES, { linkType: 113, bytes, ticks });
          expect(isCapture(file)).toBe(true);
          expect(read(file)).toEqual({ frames: WANT, cut: 0 });
        });
      }
    }

    it(`${name} that comes octet by octet is the same`, () => {
      const file = write(FRAMES, { linkType: 113 });
      expect(read(file, 1)).toEqual({ frames: WANT, cut: 0 });
    });

    it(`${name} that ends within its last packet gives those before it, and says so`, () => {
      const file = write(FRAMES, { linkType: 113 });
      const { frames, cut } = read(file.subarray(0, file.length - 1));
      expect(frames).toEqual(WANT.slice(0, 1));
      expect(cut).toBeGreaterThan(0);
    });
  }

  it('a second section of pcapng has interfaces of its own', () => {
    const first = pcapng(FRAMES.slice(0, 1), { linkType: 113 });
    const second = pcapng(FRAMES.slice(1), { linkType: 101, bytes: 'big' });
    const { frames } = read(Buffer.concat([first, second]));
    expect(frames.map(({ linkType }) => linkType)).toEqual([113, 101]);
  });

  const huge = Buffer.from(pcap(FRAMES));
  huge.writeUInt32LE(0x7fffffff, 24 + 8);
  const short = Buffer.from(pcapng(FRAMES));
  short.writeUInt32LE(8, 28 + 4);
  const wrong: readonly (readonly [string, Buffer, string])[] = [
    ['a file that is none', Buffer.alloc(64), 'x.pcap: octet 0: neither pcap nor pcapng'],
    ['a file shorter than a header', Buffer.alloc(5), 'x.pcap: octet 0: too short for a capture'],
    ['a packet larger than any', huge, 'x.pcap: octet 24: a packet of 2147483647 octets'],
    ['a block shorter than its own lengths', short, 'x.pcap: octet 28: a block of 8 octets'],
  ];
  it.each(wrong)('%s is refused with its place', (_rule, file, want) => {
    expect(() => read(file)).toThrow(want);
  });

  it('mutations are read or refused, never a crash', () => {
    const frames = [
      datagram(ASKING, message(1, 'www.example.com')),
      datagram(ANSWERING, message(1, 'www.example.com', 1, 0x8180)),
      segment(ASKING, { sequence: 1, flags: SYN }),
      segment(ASKING, { sequence: 2, payload: framed(message(2, 'b.example.com')) }),
    ].map((octets, i) => ({ seconds: i, octets }));
    const files = [pcap(frames), pcapng(frames), pcapng(frames, { bytes: 'big' })];
    let read = 0;
    let refused = 0;
    const edits = fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...files), edits, fc.nat(2000), (file, changes, keep) => {
        const octets = Buffer.from(file);
        for (const [at, value] of changes) octets[at % octets.length] = value;
        const conversation = new Conversation('x');
        const reader = new CaptureReader('x.pcap', conversation);
        try {
          reader.feed(octets.subarray(0, 24 + (keep % octets.length)));
          reader.finish();
          for (const { samples } of conversation.finish()) read += samples.length;
        } catch (error) {
          if (!(error instanceof DnsvalveError)) throw error;
          refused++;
        }
      }),
      { seed: 4, numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(50);
  });
});
