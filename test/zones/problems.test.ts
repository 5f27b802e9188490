import { describe, expect, it } from 'vitest';
import { problemsOf, SOA } from './parsing.ts';

describe('what is wrong is named with its place and the accepted form', () => {
  const rows: { name: string; text: string; want: string }[] = [
    { name: 'no type', text: 'a 5 IN', want: 'f:2:5: type is missing' },
    {
      name: 'an unknown type',
      text: 'a 5 AAA x',
      want: 'f:2:5: type "AAA"; use a mnemonic or TYPEn',
    },
    { name: 'another class', text: 'a 5 CH TXT x', want: 'f:2:5: class "CH"; use IN' },
    {
      name: 'a query type',
      text: 'a 5 ANY x',
      want: 'f:2:5: type "ANY" does not stand in a zone; use a data type',
    },
    {
      name: 'OPT',
      text: 'a 5 OPT x',
      want: 'f:2:5: type "OPT" does not stand in a zone; use a data type',
    },
    { name: 'too few words', text: 'a 5 MX 10', want: 'f:2:8: target is missing' },
    { name: 'too many words', text: 'a 5 A 192.0.2.1 x', want: 'f:2:17: "x" is more than A takes' },
    {
      name: 'a number out of range',
      text: 'a 5 MX 65536 m',
      want: 'f:2:8: preference "65536"; use a number from 0 to 65535',
    },
    {
      name: 'a TTL out of range',
      text: 'a 2147483648 A 192.0.2.1',
      want: 'f:2:3: TTL "2147483648"; use seconds from 0 to 2147483647, or units as in 1h30m',
    },
    {
      name: 'an IPv4 address',
      text: 'a 5 A 192.0.2.256',
      want: 'f:2:7: address "192.0.2.256"; use IPv4 as in 192.0.2.1',
    },
    {
      name: 'an IPv4 address in octal',
      text: 'a 5 A 192.0.2.01',
      want: 'f:2:7: address "192.0.2.01"; use IPv4 as in 192.0.2.1',
    },
    {
      name: 'an IPv6 address with a scope',
      text: 'a 5 AAAA fe80::1%eth0',
      want: 'f:2:10: address "fe80::1%eth0"; use IPv6 as in 2001:db8::1',
    },
    {
      name: 'an empty label',
      text: 'a..b 5 A 192.0.2.1',
      want: 'f:2:1: empty label; use single dots between labels',
    },
    {
      name: 'a leading dot',
      text: '.a 5 A 192.0.2.1',
      want: 'f:2:1: empty label; use single dots between labels',
    },
    {
      name: 'a long label',
      text: `${'a'.repeat(64)} 5 A 192.0.2.1`,
      want: 'f:2:1: a label has 64 octets; at most 63',
    },
    {
      name: 'a long name',
      text: `${'abc.'.repeat(62)}a 5 A 192.0.2.1`,
      want: 'f:2:1: the name has 261 octets; at most 255',
    },
    {
      name: 'a name that is not ASCII',
      text: 'b\xfccher 5 A 192.0.2.1',
      want: 'f:2:1: not plain ASCII; use A-labels (xn--...), or \\DDD for an octet',
    },
    {
      name: 'a character that is no octet',
      text: 'a 5 TXT \u20ac',
      want: 'f:2:9: not an octet; write \\DDD for each octet',
    },
    {
      name: 'a control octet',
      text: 'a 5 TXT x\x00',
      want: 'f:2:10: control octet; write it as \\DDD',
    },
    {
      name: 'an escape over 255',
      text: 'a 5 TXT \\256',
      want: 'f:2:9: escape "\\256"; use three digits from \\000 to \\255',
    },
    {
      name: 'an escape of two digits',
      text: 'a 5 TXT \\25',
      want: 'f:2:9: escape "\\25"; use three digits from \\000 to \\255',
    },
    {
      name: 'a backslash at the end',
      text: 'a 5 TXT x\\\n',
      want: 'f:2:11: "\\" at the end of a line; an escape is \\DDD or \\ and a character',
    },
    {
      name: 'an open quote',
      text: 'a 5 TXT "x\nb 5 TXT y',
      want: 'f:2:9: the quote is not closed on its line',
    },
    {
      name: 'a quote inside a word',
      text: 'a 5 TXT v="x y"',
      want: 'f:2:9: a quote inside a word; put quotes around the whole text',
    },
    {
      name: 'an open parenthesis',
      text: 'a 5 A ( 192.0.2.1\n',
      want: 'f:2:7: "(" is never closed by ")"',
    },
    { name: 'a closing parenthesis', text: 'a 5 A 192.0.2.1 )', want: 'f:2:17: ")" without "("' },
    {
      name: 'a long text',
      text: `a 5 TXT ${'x'.repeat(256)}`,
      want: 'f:2:9: text has 256 octets; at most 255, split it',
    },
    {
      name: '$GENERATE',
      text: '$GENERATE 1-9 a$ A 192.0.2.$',
      want: 'f:2:1: $GENERATE is not taken; write the records out',
    },
    {
      name: 'an unknown directive',
      text: '$TLL 5',
      want: 'f:2:1: "$TLL"; use $ORIGIN, $TTL or $INCLUDE',
    },
    { name: 'words after a directive', text: '$TTL 5 6', want: 'f:2:8: "6" is more than it takes' },
    { name: 'a directive without its word', text: '$TTL', want: 'f:2:1: TTL is missing' },
    {
      name: 'an owner outside of the zone',
      text: 'a.example. 5 A 192.0.2.1',
      want: 'f:2:1: a.example is not in z.example; use a name in the zone',
    },
    {
      name: 'a suffix without a label boundary',
      text: 'az.example. 5 A 192.0.2.1',
      want: 'f:2:1: az.example is not in z.example; use a name in the zone',
    },
    {
      name: 'a suffix that begins inside of a label',
      text: 'a\\001z.example. 5 A 192.0.2.1',
      want: 'f:2:1: a\\001z.example is not in z.example; use a name in the zone',
    },
    {
      name: 'a second SOA',
      text: '@ 5 SOA ns host 2 2 3 4 5',
      want: 'f:2:1: z.example has two SOA records; keep one',
    },
    {
      name: 'a SOA below the apex',
      text: 'a 5 SOA ns host 2 2 3 4 5',
      want: 'f:2:1: SOA at a.z.example; it stands at the apex only',
    },
    {
      name: 'a CNAME with other data',
      text: 'a 5 CNAME b\na 5 A 192.0.2.1',
      want: 'f:2:1: a.z.example has a CNAME and A; a CNAME stands alone',
    },
    {
      name: 'two CNAMEs',
      text: 'a 5 CNAME b\na 5 CNAME c',
      want: 'f:3:1: a.z.example has two CNAME records; keep one',
    },
    {
      name: 'a name below a DNAME',
      text: 'a 5 DNAME b\nx.a 5 A 192.0.2.1',
      want: 'f:3:1: x.a.z.example lies below the DNAME of a.z.example; remove one of them',
    },
    {
      name: 'opaque data of another length',
      text: 'a 5 TYPE65280 \\# 3 0a0b',
      want: 'f:2:20: the data has 2 octets, not 3 as it says',
    },
    {
      name: 'opaque data in odd digits',
      text: 'a 5 TYPE65280 \\# 1 0a0',
      want: 'f:2:20: data; use hexadecimal, two digits for each octet',
    },
    {
      name: 'opaque data that is not what the type holds',
      text: 'a 5 A \\# 3 0a0b0c',
      want: 'f:2:12: not the wire form of A; use its text form',
    },
    {
      name: 'an opaque CNAME with a pointer',
      text: 'a 5 CNAME \\# 2 c00c',
      want: 'f:2:16: not the wire form of CNAME; use its text form',
    },
    {
      name: 'a type without a text form',
      text: 'a 5 APL 1:192.0.2.0/24',
      want: 'f:2:5: APL has no text form here; use "\\# octets hex"',
    },
    {
      name: 'base64',
      text: 'a 5 OPENPGPKEY AQI',
      want: 'f:2:16: key; use base64 with its padding',
    },
    {
      name: 'an SVCB key twice',
      text: 'a 5 SVCB 1 . port=1 port=2',
      want: 'f:2:21: "port=2": give each key once',
    },
    {
      name: 'an unknown SVCB key',
      text: 'a 5 SVCB 1 . prot=1',
      want: 'f:2:14: key "prot"; use mandatory, alpn, no-default-alpn, port, ipv4hint, ech, ipv6hint, dohpath, ohttp or keyNNNNN',
    },
    {
      name: 'a mandatory SVCB key that is not there',
      text: 'a 5 SVCB 1 . mandatory=port',
      want: 'f:2:14: mandatory names port: give it too',
    },
    {
      name: 'LOC',
      text: 'a 5 LOC 91 N 0 E 0',
      want: 'f:2:12: latitude; use "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m"',
    },
    {
      name: 'a signature time',
      text: 'a 5 RRSIG A 8 2 5 20301301000000 0 1 @ AA==',
      want: 'f:2:19: expiration "20301301000000"; use YYYYMMDDHHmmSS',
    },
  ];
  for (const { name, text, want } of rows) {
    it(name, () => expect(problemsOf(SOA + text)).toBe(want));
  }

  it('no control octet of the file reaches a message, and no endless word', () => {
    const said = problemsOf(`${SOA}a 5 A \x9b31m\nb 5 A ${'x'.repeat(5000)}`).split('\n');
    expect(said[0]).toBe('f:2:7: address "\\15531m"; use IPv4 as in 192.0.2.1');
    expect(said[1]?.length).toBeLessThan(350);
  });

  it('an RRset that fits no message', () => {
    const text = Array.from({ length: 3000 }, (_, i) => `a 5 TXT ${i + 1000}-many`).join('\n');
    expect(problemsOf(`${SOA}${text}`)).toBe('f:2:1: 66000 octets of TXT fit no message');
  });

  it('no TTL at all', () => {
    const text = 'a A 192.0.2.1\n@ 5 SOA ns host 1 2 3 4 5';
    expect(problemsOf(text)).toBe('f:1:5: no TTL; give one, or $TTL before the first record');
  });

  it('no SOA', () => {
    expect(problemsOf('a 5 A 192.0.2.1')).toBe('f: no SOA record at z.example; a zone has one');
  });

  it('a SOA that cannot be read is not missing as well', () => {
    expect(problemsOf('@ 5 SOA ns host 1 2 3 4')).toBe('f:1:23: minimum is missing');
  });

  it('no owner on the first line', () => {
    const said = 'f:1:5: no owner; the record before has none';
    expect(problemsOf(`  5 A 192.0.2.1\n${SOA}`)).toBe(said);
  });

  it('all problems of a file at once, and the good lines do no harm', () => {
    const text = `${SOA}a 5 A 1\nb 5 A 192.0.2.1\n$TTL x\nc 5 AAAA 1\n`;
    expect(
      problemsOf(text)
        .split('\n')
        .map((line) => line.slice(0, 5)),
    ).toEqual(['f:2:7', 'f:4:6', 'f:5:1']);
  });

  it('a file that is no master file ends its list', () => {
    const lines = problemsOf('x y z\n'.repeat(5000)).split('\n');
    expect(lines.length).toBeLessThan(600);
    expect(lines.at(-1)).toContain('and more problems');
  });
});
