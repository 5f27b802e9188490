/** Answers that lead from an allowed name to a denied one, or to an internal address. */

import { BLOCKED, FILTERED, plain, record, u16 } from './rig.ts';

export const [A, CNAME, DNAME, AAAA, SVCB, HTTPS] = [1, 5, 39, 28, 64, 65];
export const QNAME = Buffer.from([0xc0, 12]);
export const PUBLIC = Buffer.from([8, 8, 8, 8]);
export const DENIED = plain('www.denied.test');

/** Records by their section; the owner is the qname where none is given. */
export interface Sections {
  readonly answers: readonly Buffer[];
  readonly additionals?: readonly Buffer[];
}

export interface Row {
  readonly rule: string;
  readonly type: number;
  readonly ede: number;
  readonly make: (qname: string) => Sections;
}

function row(rule: string, type: number, ...answers: readonly Buffer[]): Row {
  return { rule, type, ede: BLOCKED, make: () => ({ answers }) };
}

export function alias(from: string, to: string): Buffer {
  return record(plain(from), CNAME, plain(to));
}

/** @param params key and value of each SvcParam, in order */
export function service(
  type: number,
  target: Buffer,
  priority = 1,
  ...params: [number, Buffer][]
): Buffer {
  const octets = params.flatMap(([key, value]) => [u16(key, value.length), value]);
  return record(QNAME, type, Buffer.concat([u16(priority), target, ...octets]));
}

export const [SELF, OTHER] = [plain('.'), plain('other.allowed.test')];
const cname = record(QNAME, CNAME, DENIED);
const v4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
const v6 = (hex: string): Buffer => Buffer.from(hex.padEnd(32, '0'), 'hex');
const mapped = (text: string): Buffer =>
  Buffer.concat([v6('').subarray(0, 10), u16(0xffff), v4(text)]);
const nat64 = (text: string): Buffer => Buffer.concat([v6('0064ff9b').subarray(0, 12), v4(text)]);
const sixToFour = (text: string): Buffer =>
  Buffer.concat([u16(0x2002), v4(text), Buffer.alloc(10)]);

export const CHAINS: readonly Row[] = [
  row('a CNAME and its address', A, cname, record(DENIED, A, PUBLIC)),
  row('a CNAME only, which invites a chase', A, cname),
  row('a CNAME to a name in capitals', A, record(QNAME, CNAME, plain('WWW.DENIED.TEST'))),
  row('the address before the CNAME', A, record(DENIED, A, PUBLIC), cname),
  row('a CNAME that was asked for by its type', CNAME, cname),
  row('a CNAME in the answer for HTTPS', HTTPS, cname),
  row('a CNAME in the answer for AAAA', AAAA, cname, record(DENIED, AAAA, v6('2a00'))),
  row('a CNAME in the answer for TXT', 16, cname, record(DENIED, 16, Buffer.from([1, 97]))),
  row('a CNAME in the answer for an unknown type', 65280, cname),
  {
    rule: 'a denied name in the middle of many hops',
    type: A,
    ede: BLOCKED,
    make: (qname) => ({
      answers: [
        alias(qname, 'h1.cdn.test'),
        alias('h1.cdn.test', 'h2.cdn.test'),
        alias('h2.cdn.test', 'h3.denied.test'),
        alias('h3.denied.test', 'h4.cdn.test'),
        record(plain('h4.cdn.test'), A, PUBLIC),
      ],
    }),
  },
  {
    rule: 'a denied name at the end of fifteen hops, given backwards',
    type: A,
    ede: BLOCKED,
    make: (qname) => ({
      answers: [
        ...Array.from({ length: 14 }, (_, hop) => {
          const to = hop === 13 ? 'end.denied.test' : `h${hop + 1}.cdn.test`;
          return alias(`h${hop}.cdn.test`, to);
        }).reverse(),
        alias(qname, 'h0.cdn.test'),
      ],
    }),
  },
  {
    rule: 'a chain to a name that a feed denies',
    type: A,
    ede: FILTERED,
    make: (qname) => ({
      answers: [alias(qname, 'x.listed.test'), record(plain('x.listed.test'), A, PUBLIC)],
    }),
  },
  {
    rule: 'a DNAME above the name, and the CNAME that follows from it',
    type: A,
    ede: BLOCKED,
    make: (qname) => ({
      answers: [
        record(plain('allowed.test'), DNAME, plain('denied.test')),
        alias(qname, qname.replace('allowed.test', 'denied.test')),
      ],
    }),
  },
  {
    rule: 'a DNAME alone',
    type: A,
    ede: BLOCKED,
    make: () => ({ answers: [record(plain('allowed.test'), DNAME, plain('x.denied.test'))] }),
  },
  row('a DNAME that was asked for by its type', DNAME, record(QNAME, DNAME, DENIED)),
  row('HTTPS in alias mode', HTTPS, service(HTTPS, DENIED, 0)),
  row('HTTPS in service mode', HTTPS, service(HTTPS, DENIED, 1, [1, Buffer.from('\x02h2')])),
  row('SVCB in alias mode', SVCB, service(SVCB, DENIED, 0)),
  row('SVCB in service mode', SVCB, service(SVCB, DENIED, 9)),
  row('the second of two HTTPS records', HTTPS, service(HTTPS, SELF), service(HTTPS, DENIED, 2)),
  {
    rule: 'HTTPS behind a CNAME',
    type: HTTPS,
    ede: BLOCKED,
    make: (qname) => ({
      answers: [
        alias(qname, 'edge.cdn.test'),
        record(plain('edge.cdn.test'), HTTPS, Buffer.concat([u16(1), DENIED])),
      ],
    }),
  },
];

const IPV4 = [
  ...['10.0.0.1', '172.16.0.1', '172.31.255.254', '192.168.1.1', '127.0.0.1', '127.9.9.9'],
  ...['169.254.169.254', '100.64.0.1', '100.127.255.254', '0.0.0.0', '255.255.255.255'],
  ...['192.0.0.8', '198.18.0.1', '0.1.2.3', '168.63.129.16'],
];
const IPV6: readonly (readonly [string, Buffer])[] = [
  ['unspecified', v6('')],
  ['loopback', v6('00000000000000000000000000000001')],
  ['unique local', v6('fd00')],
  ['unique local fc00', v6('fc00')],
  ['the metadata service', v6('fd000ec2000000000000000000000254')],
  ['link-local', v6('fe80')],
  ['link-local febf', v6('febf')],
  ['site-local', v6('fec0')],
  ['v4-mapped private', mapped('10.0.0.1')],
  ['v4-mapped metadata', mapped('169.254.169.254')],
  ['v4-compatible', Buffer.concat([Buffer.alloc(12), v4('192.168.0.1')])],
  ['NAT64 private', nat64('10.0.0.1')],
  ['NAT64 metadata', nat64('169.254.169.254')],
  ['NAT64 local-use', v6('0064ff9b0001')],
  ['6to4 private', sixToFour('192.168.0.1')],
  ['6to4 loopback', sixToFour('127.0.0.1')],
];

export const INTERNAL = v4('10.1.2.3');
export const ADDRESSES: readonly Row[] = [
  ...IPV4.map((text) => row(`the address ${text}`, A, record(QNAME, A, v4(text)))),
  ...IPV6.map(([what, octets]) => row(`AAAA: ${what}`, AAAA, record(QNAME, AAAA, octets))),
  row('behind a public one', A, record(QNAME, A, PUBLIC), record(QNAME, A, INTERNAL)),
  row('before a public one', A, record(QNAME, A, INTERNAL), record(QNAME, A, PUBLIC)),
  row(
    'the last of thirty',
    A,
    ...Array.from({ length: 29 }, (_, i) => record(QNAME, A, Buffer.from([8, 8, 4, i]))),
    record(QNAME, A, INTERNAL),
  ),
  {
    rule: 'behind two CNAMEs',
    type: A,
    ede: BLOCKED,
    make: (qname) => ({
      answers: [
        alias(qname, 'a.cdn.test'),
        alias('a.cdn.test', 'b.cdn.test'),
        record(plain('b.cdn.test'), A, INTERNAL),
      ],
    }),
  },
  row('in an IPv4 hint of HTTPS', HTTPS, service(HTTPS, SELF, 1, [4, INTERNAL])),
  row(
    'in the second IPv4 hint',
    HTTPS,
    service(HTTPS, SELF, 1, [4, Buffer.concat([PUBLIC, INTERNAL])]),
  ),
  row('in an IPv6 hint of HTTPS', HTTPS, service(HTTPS, SELF, 1, [6, v6('fd00')])),
  row('in an IPv6 hint, mapped', SVCB, service(SVCB, OTHER, 1, [6, mapped('127.0.0.1')])),
  row(
    'in a hint behind other parameters',
    HTTPS,
    service(HTTPS, SELF, 1, [1, Buffer.from('\x02h2')], [3, u16(443)], [4, INTERNAL]),
  ),
  row(
    'in the second of two records',
    HTTPS,
    service(HTTPS, SELF, 1, [4, PUBLIC]),
    service(HTTPS, SELF, 2, [4, INTERNAL]),
  ),
];
