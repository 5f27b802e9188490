/** The age of a message that lay in some cache of HTTP. */

import { describe, expect, it } from 'vitest';
import { ageMessage } from '../../src/wire/age.ts';

const HEADER = [0, 0, 0x81, 0x80, 0, 1, 0, 2, 0, 1, 0, 1];
const QUESTION = [1, 0x61, 0, 0, 1, 0, 1];
const address = (ttl: readonly number[]) => [0xc0, 12, 0, 1, 0, 1, ...ttl, 0, 4, 192, 0, 2, 1];
/** A cut name as a mailbox, so that the SOA is short. */
const SOA = [0, 0, 6, 0, 1, 0, 0, 1, 0, 0, 22, 0, 0, ...Array(20).fill(9)];
/** In the place of a TTL: extended rcode, version, DO. */
const OPT = [0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0];
const MESSAGE = [
  ...HEADER,
  ...QUESTION,
  ...address([0, 0, 0, 250]),
  ...address([0x01, 0, 0, 0]),
  ...SOA,
  ...OPT,
];
const FIRST = HEADER.length + QUESTION.length + 6;
const SECOND = FIRST + 16;
const THIRD = SECOND + 10 + 5;

function aged(seconds: number, start = 0): Buffer {
  const octets = Buffer.from([...Array(start).fill(7), ...MESSAGE]);
  ageMessage(octets, start, octets.length, seconds);
  return octets.subarray(start);
}

describe('an answer that is some seconds old', () => {
  it.each([
    { name: 'no age changes nothing', seconds: 0, want: [250, 0x1000000, 256] },
    { name: 'it comes off every TTL', seconds: 100, want: [150, 0x1000000 - 100, 156] },
    { name: 'what is over is 0', seconds: 251, want: [0, 0x1000000 - 251, 5] },
    { name: 'the largest age there is', seconds: 2 ** 31, want: [0, 0, 0] },
  ])('$name', ({ seconds, want }) => {
    for (const start of [0, 13]) {
      const octets = aged(seconds, start);
      expect([FIRST, SECOND, THIRD].map((at) => octets.readUInt32BE(at))).toEqual(want);
    }
  });

  it('nothing else of the message changes, and OPT does not', () => {
    const octets = aged(100);
    for (const at of [FIRST, SECOND, THIRD]) octets.writeUInt32BE(0, at);
    const before = Buffer.from(MESSAGE);
    for (const at of [FIRST, SECOND, THIRD]) before.writeUInt32BE(0, at);
    expect(octets).toEqual(before);
  });

  it('a message that is cut anywhere is read to there, and not beyond', () => {
    for (let length = HEADER.length; length < MESSAGE.length; length++) {
      const octets = Buffer.from([...MESSAGE.slice(0, length), 0x55, 0x55, 0x55, 0x55]);
      ageMessage(octets, 0, length, 2 ** 31);
      expect(octets.subarray(length)).toEqual(Buffer.alloc(4, 0x55));
    }
  });
});
