import { describe, expect, it } from 'vitest';
import { type CaptureCounts, Conversation } from '../../../src/detect/eval/conversation.ts';
import type { Timeline } from '../../../src/detect/eval/sample.ts';
import { nameToText } from '../../../src/wire/text.ts';
import {
  ANSWERING,
  ASKING,
  datagram,
  type Ends,
  ethernet,
  framed,
  ipv4,
  message,
  response,
  SYN,
  segment,
} from './captures.ts';

function converse(frames: readonly Buffer[]): { timelines: Timeline[]; counts: CaptureCounts } {
  const conversation = new Conversation('x');
  for (const [i, octets] of frames.entries()) {
    conversation.frame(1_700_000_000 + i, 1, octets, 0, octets.length);
  }
  return { timelines: conversation.finish(), counts: conversation.counts };
}

/** `seconds client name answered` of each query. */
function shown(frames: readonly Buffer[]): string[] {
  return converse(frames).timelines.flatMap(({ samples }) =>
    samples.map(({ at, client, name, reply }) => {
      return `${at} ${client} ${nameToText(name)} ${reply === null ? 'no' : 'yes'}`;
    }),
  );
}

const ask = (id: number, name: string): Buffer => datagram(ASKING, message(id, name));
const answer = (id: number, name: string, flags = 0x8180): Buffer =>
  datagram(ANSWERING, message(id, name, 1, flags));

describe('queries of a capture', () => {
  const other: Ends = { ...ANSWERING, toPort: 40_001 };
  const rows: readonly (readonly [string, readonly Buffer[], string[]])[] = [
    ['a query and its response', [ask(1, 'a.x'), answer(1, 'a.x')], ['0 10.1.0.7 a.x yes']],
    ['letter case differs on the way', [ask(1, 'A.x'), answer(1, 'a.X')], ['0 10.1.0.7 A.x yes']],
    ['the response of another id', [ask(1, 'a.x'), answer(2, 'a.x')], ['0 10.1.0.7 a.x no']],
    ['the response about another name', [ask(1, 'a.x'), answer(1, 'b.x')], ['0 10.1.0.7 a.x no']],
    [
      'the response to another port',
      [ask(1, 'a.x'), datagram(other, message(1, 'a.x', 1, 0x8180))],
      ['0 10.1.0.7 a.x no'],
    ],
    [
      'what is sent again is asked again, and the first has the answer',
      [ask(1, 'a.x'), ask(1, 'a.x'), answer(1, 'a.x')],
      ['0 10.1.0.7 a.x yes', '1 10.1.0.7 a.x no'],
    ],
    [
      'an id that comes again later is another query',
      [ask(1, 'a.x'), answer(1, 'a.x'), ask(1, 'a.x'), answer(1, 'a.x')],
      ['0 10.1.0.7 a.x yes', '2 10.1.0.7 a.x yes'],
    ],
    ['a cut response is none', [ask(1, 'a.x'), answer(1, 'a.x', 0x8380)], ['0 10.1.0.7 a.x no']],
    ['an update is no query', [datagram(ASKING, message(1, 'a.x', 6, 0x2800))], []],
    ['another port', [datagram({ ...ASKING, toPort: 5353 }, message(1, 'a.x'))], []],
    [
      'a query from the server’s port is the server’s',
      [datagram(ANSWERING, message(1, 'a.x'))],
      [],
    ],
  ];
  it.each(rows)('%s', (_rule, frames, want) => {
    expect(shown(frames)).toEqual(want);
  });

  it('the same over TCP, in segments that are cut and sent again', () => {
    const asked = framed(message(1, 'a.example'));
    const answered = framed(response(1, 'a.example', 16, Buffer.from('\x03abc')));
    const frames = [
      segment(ASKING, { sequence: 99, flags: SYN }),
      segment(ANSWERING, { sequence: 499, flags: SYN | 16 }),
      segment(ASKING, { sequence: 100, payload: asked.subarray(0, 9) }),
      segment(ASKING, { sequence: 109, payload: asked.subarray(9) }),
      segment(ASKING, { sequence: 109, payload: asked.subarray(9) }),
      segment(ANSWERING, { sequence: 500, payload: answered }),
    ];
    const { timelines, counts } = converse(frames);
    const [sample] = timelines[0]?.samples ?? [];
    expect(sample?.reply).toEqual({ kind: 'message', octets: answered.subarray(2) });
    expect(counts).toMatchObject({ overTcp: 1, overUdp: 0, lost: 0, unasked: 0 });
  });

  it('counts what it leaves out', () => {
    const fragment = ethernet(ipv4(ASKING, { protocol: 17, fragment: 0x2000 }, Buffer.alloc(8)));
    const frames = [
      fragment,
      ask(1, 'a.x').subarray(0, 50),
      datagram(ASKING, Buffer.from('nothing')),
      answer(9, 'a.x'),
      ask(1, 'a.x'),
    ];
    expect(converse(frames).counts).toEqual({
      ...{ frames: 5, overUdp: 1, overTcp: 0, fragments: 1, cut: 1, unreadable: 1 },
      ...{ lost: 0, unasked: 1 },
    });
  });
});
