/**
 * Ways round a filter by the spelling of a name: what only looks like an allowed name is denied,
 * for every type, over UDP and TCP, from a cold store and from one that others filled. What a reload
 * changes is in matrix.test.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/client.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import { BLOCKED, NOERROR, NXDOMAIN, plain, queryFor, Rig, record, wire } from './rig.ts';
import { DENIED_NAMES, NOT_FORWARDED } from './ways-names.ts';

const [A, NULL, TXT, AAAA, HTTPS, ANY, UNKNOWN] = [1, 10, 16, 28, 65, 255, 65280];
const TYPES = [A, 2, 5, NULL, 12, TXT, AAAA, 33, 64, HTTPS, ANY, UNKNOWN];

const ALLOWED: readonly (readonly [string, readonly string[]])[] = [
  ['the apex, in capitals', ['ALLOWED', 'TEST']],
  ['any octets below it', ['\0\n*.\xff\x1b', 'allowed', 'test']],
  ['an asterisk below a wildcard', ['*', 'wild', 'test']],
  ['a label of 63 octets', ['z'.repeat(63), 'allowed', 'test']],
  ['a name of 255 octets', [...Array.from({ length: 120 }, () => 'b'), 'allowed', 'test']],
];

const answer = (asked: Asked): void => {
  const type = asked.question.readUInt16BE(asked.question.length - 4);
  const rdata = Buffer.alloc(type === AAAA ? 16 : type === A ? 4 : 40, 8);
  const carriesNoName = type === A || type === AAAA || type === TXT || type === UNKNOWN;
  const answers = carriesNoName ? [record(Buffer.from([0xc0, 12]), type, rdata)] : [];
  asked.reply(answerTo(asked, { answers }));
};

describe.each(BACKENDS)('names through %s sockets', (backend) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start(backend, answer);
  });

  afterAll(async () => rig?.stop());

  async function isDenied(labels: readonly string[]): Promise<void> {
    const leaked = await rig.leaked(async () => {
      for (const transport of TRANSPORTS) {
        for (const type of TYPES) {
          const got = await rig.send('strict', transport, queryFor(wire(labels), type));
          expect([got.rcode, got.answers, got.ede]).toEqual([NXDOMAIN, [], BLOCKED]);
        }
      }
    });
    expect(leaked).toEqual([]);
  }

  describe('from a cold store', () => {
    it.each(DENIED_NAMES)('%s is denied', async (_, labels) => isDenied(labels));
  });

  describe('from a store that another workload filled', () => {
    it.each(DENIED_NAMES)('%s is denied', async (_, labels) => {
      for (const type of TYPES) await rig.send('open', 'udp', queryFor(wire(labels), type));
      await isDenied(labels);
    });
  });

  it.each(ALLOWED)('%s is allowed, and every octet survives', async (_, labels) => {
    const name = wire(labels);
    for (const transport of TRANSPORTS) {
      const got = await rig.send('strict', transport, queryFor(name, A));
      expect([got.rcode, got.answers.length]).toEqual([NOERROR, 1]);
      expect(got.question.subarray(0, -4).equals(name)).toBe(true);
    }
    const lower = name.toString('latin1').toLowerCase();
    const asked = rig.upstream.asked.map(({ question }) => question.subarray(0, -4));
    expect(asked.map((octets) => octets.toString('latin1').toLowerCase())).toContain(lower);
  });

  it.each(NOT_FORWARDED)('%s goes nowhere, even from a workload that is open', async (name) => {
    const leaked = await rig.leaked(async () => {
      for (const transport of TRANSPORTS) {
        for (const type of TYPES) {
          const got = await rig.send('open', transport, queryFor(plain(name), type));
          expect([NOERROR, NXDOMAIN]).toContain(got.rcode);
        }
      }
    });
    expect(leaked).toEqual([]);
  });
});
