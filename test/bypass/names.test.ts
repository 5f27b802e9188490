/**
 * Ways round a filter by the spelling of a name: what only looks like an allowed name is denied,
 * for every type, over UDP and TCP, from a cold store, from one that others filled, and right after a
 * reload that took the name away.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/client.ts';
import { BACKENDS } from '../support/valve.ts';
import { type Asked, answerTo } from '../upstream/fake-server.ts';
import { BLOCKED, NOERROR, NXDOMAIN, plain, queryFor, Rig, record, wire } from './rig.ts';

/** UTF-8 octets as a label. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const [A, NULL, TXT, AAAA, HTTPS, ANY, UNKNOWN] = [1, 10, 16, 28, 65, 255, 65280];
const TYPES = [A, 2, 5, NULL, 12, TXT, AAAA, 33, 64, HTTPS, ANY, UNKNOWN];

/** Allowed are: .allowed.test, exact.test, *.wild.test, a-1.test, kelvin.test. */
const DENIED: readonly (readonly [string, readonly string[]])[] = [
  ['a dot inside a label', ['a.allowed', 'test']],
  ['a whole name in one label', ['a.allowed.test']],
  ['a dot inside the label of an exact name', ['exact.test']],
  ['a dot at the end of the first label', ['allowed.', 'test']],
  ['a dot at the end of the last label', ['allowed', 'test.']],
  ['a dot at the start', ['.allowed', 'test']],
  ['NUL behind a label', ['allowed\0', 'test']],
  ['NUL behind the last label', ['allowed', 'test\0']],
  ['NUL and an allowed name before the real one', ['x.allowed.test\0', 'evil']],
  ['NUL before a label', ['\0allowed', 'test']],
  ['a space behind a label', ['allowed ', 'test']],
  ['a space before a label', [' allowed', 'test']],
  ['a tab behind the last label', ['allowed', 'test\t']],
  ['a newline behind the last label', ['allowed', 'test\n']],
  ['CR and LF behind the last label', ['allowed', 'test\r\n']],
  ['a newline before an allowed name', ['evil\nallowed', 'test']],
  ['a backslash escape of a dot', ['a\\.allowed', 'test']],
  ['a decimal escape', ['\\097llowed', 'test']],
  ['a percent escape', ['%61llowed', 'test']],
  ['a percent escape of the dot', ['x%2eallowed', 'test']],
  ['an HTML entity', ['&#97;llowed', 'test']],
  ['the high bit set on one octet', ['\xe1llowed', 'test']],
  ['the high bit set on all octets', ['\xe1\xec\xec\xef\xf7\xe5\xe4', 'test']],
  ['an octet that is not UTF-8', ['allowed\xff', 'test']],
  ['full-width letters', [utf8('ａｌｌｏｗｅｄ'), 'test']],
  ['an ideographic full stop', [utf8('x。allowed'), 'test']],
  ['an ideographic full stop between the labels', [utf8('allowed。test')]],
  ['a half-width full stop', [utf8('allowed｡test')]],
  ['a soft hyphen', [utf8('allo\u00adwed'), 'test']],
  ['a zero-width joiner', [utf8('allo\u200dwed'), 'test']],
  ['a byte-order mark', [utf8('\ufeffallowed'), 'test']],
  ['the Kelvin sign for k', [utf8('\u212aelvin'), 'test']],
  ['the long s', ['kelvin', utf8('te\u017ft')]],
  ['the dotless i', [utf8('kelv\u0131n'), 'test']],
  ['the dotted capital I', [utf8('KELV\u0130N'), 'test']],
  ['a Cyrillic a', [utf8('\u0430llowed'), 'test']],
  ['punycode of ASCII', ['xn--allowed-', 'test']],
  ['punycode of the top label', ['allowed', 'xn--test-']],
  ['a literal asterisk for a label', ['*', 'test']],
  ['a literal asterisk below an exact name', ['*', 'exact', 'test']],
  ['a literal asterisk alone', ['*']],
  ['bit 5 of a hyphen', ['a\r1', 'test']],
  ['bit 5 of a digit', ['a-\x11', 'test']],
  ['bit 5 beyond the letters', ['a-1', 'test', '\x00']],
  ['__proto__', ['__proto__', 'test']],
  ['constructor', ['constructor']],
  ['hasOwnProperty', ['hasOwnProperty', 'test']],
  ['toString below an exact name', ['toString', 'exact', 'test']],
  ['a suffix without a label boundary', ['notallowed', 'test']],
  ['a suffix without a boundary behind a hyphen', ['x-wild', 'test']],
  ['an allowed name with more behind it', ['allowed', 'test', 'evil']],
  ['an allowed name with letters behind it', ['allowed', 'testing']],
  ['an allowed name with letters before its top', ['allowed', 'xtest']],
  ['the labels the other way round', ['test', 'allowed']],
  ['a label that is split', ['allo', 'wed', 'test']],
  ['a child of an exact name', ['a', 'exact', 'test']],
  ['a child of an exact name with its own again', ['exact', 'test', 'exact', 'test']],
  ['the apex of a wildcard', ['wild', 'test']],
  ['the parent', ['test']],
  ['the root', []],
  ['another top level', ['com']],
  ['a name that is denied to everybody', ['x', 'denied', 'test']],
  ['the longest name that is not allowed', Array.from({ length: 127 }, () => 'a')],
  ['labels of 63 octets', ['x'.repeat(63), 'y'.repeat(63), 'allowed', 'tes']],
];

const ALLOWED: readonly (readonly [string, readonly string[]])[] = [
  ['the apex, in capitals', ['ALLOWED', 'TEST']],
  ['any octets below it', ['\0\n*.\xff\x1b', 'allowed', 'test']],
  ['an asterisk below a wildcard', ['*', 'wild', 'test']],
  ['a label of 63 octets', ['z'.repeat(63), 'allowed', 'test']],
  ['a name of 255 octets', [...Array.from({ length: 120 }, () => 'b'), 'allowed', 'test']],
];

/** Never forwarded, for whomever: RFC 6303, 6761, 6762, 7686, 7793, 8375, 9462, 9476. */
const NOT_FORWARDED = [
  ...['a.onion', 'ONION', 'a.alt', 'b.c.local', 'LOCAL', 'a.invalid', 'b.localhost'],
  ...['home.arpa', 'x.y.home.arpa', 'use-application-dns.net', 'x.use-application-dns.net'],
  ...['mask.icloud.com', 'mask-h2.icloud.com', 'Mask.iCloud.Com', '_dns.resolver.arpa'],
  ...['resolver.arpa', '1.2.3.10.in-addr.arpa', '10.in-addr.arpa', '1.0.0.127.in-addr.arpa'],
  ...['1.0.16.172.in-addr.arpa', '1.0.31.172.in-addr.arpa', '9.9.168.192.in-addr.arpa'],
  ...['254.169.254.169.in-addr.arpa', '1.0.64.100.in-addr.arpa', '1.0.127.100.in-addr.arpa'],
  ...['0.0.0.0.in-addr.arpa', '255.255.255.255.in-addr.arpa', '1.2.0.192.in-addr.arpa'],
  ...['1.0.0.0.d.f.ip6.arpa', '2.8.e.f.ip6.arpa', 'b.e.f.ip6.arpa', '8.b.d.0.1.0.0.2.ip6.arpa'],
  `1.${'0.'.repeat(31)}ip6.arpa`,
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
    it.each(DENIED)('%s is denied', async (_, labels) => isDenied(labels));
  });

  describe('from a store that another workload filled', () => {
    it.each(DENIED)('%s is denied', async (_, labels) => {
      for (const type of TYPES) await rig.send('open', 'udp', queryFor(wire(labels), type));
      await isDenied(labels);
    });
  });

  it('after a reload that took them away, the first query for each is denied', async () => {
    await rig.reload('open');
    for (const [, labels] of DENIED) {
      const got = await rig.send('strict', 'udp', queryFor(wire(labels), A));
      expect(got.rcode).toBe(labels.includes('denied') ? NXDOMAIN : NOERROR);
    }
    await rig.reload('enforce');
    for (const [what, labels] of DENIED) {
      const leaked = await rig.leaked(async () => {
        for (const transport of TRANSPORTS) {
          const got = await rig.send('strict', transport, queryFor(wire(labels), A));
          expect([got.rcode, got.ede, got.answers], what).toEqual([NXDOMAIN, BLOCKED, []]);
        }
      });
      expect(leaked, what).toEqual([]);
    }
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
