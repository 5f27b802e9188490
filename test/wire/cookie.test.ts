/** Server cookies by the published vectors of SipHash and of RFC 9018 appendix A. */

import { describe, expect, it } from 'vitest';
import { PEER_SIZE } from '../../src/batch.ts';
import { addressToBytes } from '../../src/native/addresses.ts';
import { Query } from '../../src/query.ts';
import { CookieSecrets } from '../../src/server/cookie-secrets.ts';
import { SECRETS_SIZE, ServerCookies } from '../../src/wire/cookie.ts';
import { sipHash, sipHigh, sipLow } from '../../src/wire/siphash.ts';

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function wordsOf(secret: string): number[] {
  return [0, 4, 8, 12].map((at) => hex(secret).readInt32LE(at));
}

/** @param secrets the one in use, then the one before it */
function cookiesBy(...secrets: readonly string[]): ServerCookies {
  const words = new Int32Array(SECRETS_SIZE);
  const [now = '', before = '00'.repeat(16)] = secrets;
  words.set(wordsOf(now), 1);
  words.set(wordsOf(before), 9);
  return new ServerCookies(words);
}

function judged(
  cookies: ServerCookies,
  address: string,
  cookie: string,
  seconds: number,
): { isValid: boolean; cookie: string } {
  const query = new Query();
  query.peer = new Uint8Array(PEER_SIZE);
  addressToBytes(address, query.peer, 0);
  query.octets = Buffer.concat([Buffer.alloc(3), hex(cookie)]);
  query.cookieAt = 3;
  query.cookieLength = hex(cookie).length;
  query.wallMs = seconds * 1000 + 999;
  const isValid = cookies.judge(query);
  return { isValid, cookie: Buffer.from(query.cookie).toString('hex') };
}

describe('SipHash-2-4', () => {
  // The reference code's vectors_sip64, key and message 00 01 02 and on.
  const rows = [
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
    [63, '724506eb4c328a95'],
  ] as const;
  const key = Int32Array.from([7, ...wordsOf('000102030405060708090a0b0c0d0e0f')]);
  const message = Uint8Array.from({ length: 66 }, (_, i) => i - 2);

  it.each(rows)('of %i octets', (length, wanted) => {
    sipHash(message, 2, 2 + length, key, 1);
    const hash = Buffer.alloc(8);
    hash.writeInt32LE(sipLow, 0);
    hash.writeInt32LE(sipHigh, 4);
    expect(hash.toString('hex')).toBe(wanted);
  });
});

describe('RFC 9018 appendix A', () => {
  const secret = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
  const cookies = cookiesBy(secret);

  it('A.1: a client learns its cookie', () => {
    const got = judged(cookies, '198.51.100.100', '2464c4abcf10c957', 1559731985);
    const cookie = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
    expect(got).toEqual({ isValid: false, cookie });
  });

  it('A.2: a cookie of half an hour is valid and made anew', () => {
    const old = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
    const got = judged(cookies, '198.51.100.100', old, 1559734385);
    const cookie = '2464c4abcf10c957010000005cf7a871d4a564a1442aca77';
    expect(got).toEqual({ isValid: true, cookie });
  });

  it('A.3: reserved octets are hashed as they came, and are zero in what is made', () => {
    const other = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
    expect(judged(cookies, '203.0.113.203', other, 1559728100).isValid).toBe(true);
    const got = judged(cookies, '203.0.113.203', other, 1559734700);
    expect(got.cookie).toBe('fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e');
  });

  it('A.4: IPv6, by the secret before, which was rolled', () => {
    const old = '22681ab97d52c298010000005cf7c57926556bd0934c72f8';
    const address = '2001:db8:220:1:59de:d0f4:8769:82b8';
    const rolled = cookiesBy(
      '445536bcd2513298075a5d379663c962',
      'dd3bdf9344b678b185a6f5cb60fca715',
    );
    const got = judged(rolled, address, old, 1559741961);
    const cookie = '22681ab97d52c298010000005cf7c609a6bb79d16625507a';
    expect(got).toEqual({ isValid: true, cookie });
  });
});

describe('a server cookie', () => {
  const cookies = cookiesBy('000102030405060708090a0b0c0d0e0f');
  const AT = 1_800_000_000;
  const { cookie } = judged(cookies, '192.0.2.1', '0102030405060708', AT);
  const isValid = (given: string, seconds = AT, address = '192.0.2.1'): boolean =>
    judged(cookies, address, given, seconds).isValid;

  it.each([
    ['is valid at once', 0, true],
    ['is valid after an hour', 3600, true],
    ['is not valid after it', 3601, false],
    ['may come from a clock five minutes ahead', -300, true],
    ['and not more', -301, false],
  ])('%s', (_rule, later, wanted) => {
    expect(isValid(cookie, AT + later)).toBe(wanted);
  });

  it('is sent again as it came for half an hour, then made anew', () => {
    expect(judged(cookies, '192.0.2.1', cookie, AT + 1800).cookie).toBe(cookie);
    expect(judged(cookies, '192.0.2.1', cookie, AT + 1801).cookie).not.toBe(cookie);
  });

  it('is of one address only', () => {
    expect(isValid(cookie, AT, '192.0.2.2')).toBe(false);
    expect(isValid(cookie, AT, '::ffff:192.0.2.1')).toBe(true);
    expect(isValid(cookie, AT, '2001:db8::1')).toBe(false);
  });

  it('is of one client cookie only', () => {
    expect(isValid(`ff${cookie.slice(2)}`)).toBe(false);
  });

  it('is not valid with any octet changed', () => {
    for (let at = 0; at < 24; at++) {
      const octets = hex(cookie);
      octets.writeUInt8(octets.readUInt8(at) ^ 1, at);
      expect(isValid(octets.toString('hex')), `octet ${at}`).toBe(false);
    }
  });

  it.each([8, 16, 23, 25, 40])('of %i octets in all is none of ours', (size) => {
    const given = hex(`${cookie}${'00'.repeat(16)}`).subarray(0, size);
    const got = judged(cookies, '192.0.2.1', given.toString('hex'), AT);
    expect([got.isValid, got.cookie]).toEqual([false, cookie]);
  });

  it('survives the turn of the clock in 2106', () => {
    const turn = 2 ** 32;
    const { cookie: before } = judged(cookies, '192.0.2.1', '0102030405060708', turn - 5);
    expect(isValid(before, turn + 5)).toBe(true);
    expect(isValid(before, turn + 3600)).toBe(false);
  });

  it('outlives one roll of the secret and not two', () => {
    const secrets = new CookieSecrets();
    const rolled = new ServerCookies(secrets.words);
    const first = judged(rolled, '192.0.2.1', '0102030405060708', AT).cookie;
    secrets.roll();
    const second = judged(rolled, '192.0.2.1', first, AT);
    expect(second.isValid).toBe(true);
    expect(second.cookie).not.toBe(first);
    secrets.roll();
    expect(judged(rolled, '192.0.2.1', first, AT).isValid).toBe(false);
    expect(judged(rolled, '192.0.2.1', second.cookie, AT).isValid).toBe(true);
    secrets.close();
  });

  it('secrets are drawn anew by each start', () => {
    const [one, other] = [new CookieSecrets(), new CookieSecrets()];
    expect(one.words.slice(1, 5)).not.toEqual(other.words.slice(1, 5));
    one.close();
    other.close();
  });
});
