import { beforeAll, describe, expect, it } from 'vitest';
import { Inspection, inspect, targetsPass } from '../../src/cache/inspect.ts';
import { CleanAnswer, sanitise, setMessage } from '../../src/cache/sanitise.ts';
import { REASON_CHAIN, REASON_NONE, REASON_REBINDING } from '../../src/events/kinds.ts';
import { addressToText } from '../../src/native/addresses.ts';
import { Tables } from '../../src/tables.ts';
import { readName, WireName } from '../../src/wire/name.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { answerTo, typeNumber } from '../support/replay-message.ts';
import { compileFiles } from '../support/replay-valve.ts';

const CONFIG = `
upstreams: { default: { servers: [192.0.2.53] }, corp: { servers: [192.0.2.54] } }
forward: { .: default, corp.example: corp, lent.example: { upstream: corp, internal: false } }
rebinding: { allow: [10.7.0.0/16, "fd07::/16"] }
feeds: { bad: { source: [feed.example], category: malware } }
everyone: { deny: [.banned.example] }
workloads:
  one: { sources: [10.1.0.0/16], allow: [.example.com], chain: inspect }
  watched: { sources: [10.2.0.0/16], mode: report, chain: inspect }
`;

let tables: Tables;

beforeAll(async () => {
  tables = new Tables((await compileFiles({ 'main.yaml': CONFIG }, 1)).memory);
});

const clean = new CleanAnswer();
const found = new Inspection();
const name = new WireName();

/** Puts an answer through sanitise, as settle does. */
function settle(text: string, type: string, answer: readonly string[]): void {
  const wire = nameToWire(text);
  readName(wire, 0, wire.length, name);
  const octets = answerTo(text, type, { answer });
  setMessage(octets, 0, octets.length);
  const question = { name, qtype: typeNumber(type), dnssecOk: 0 };
  expect(sanitise(question, tables.limits, clean)).toBe(true);
}

function reasonOf(text: string, type: string, answer: readonly string[]): number {
  settle(text, type, answer);
  inspect(clean.octets, 0, clean.length, name, tables, found);
  return found.reason;
}

/** RDATA of an SVCB record with one parameter, as the message has it. */
function svcb(target: string, key: number, value: string): string {
  const octets = Buffer.from(value, 'hex');
  const head = Buffer.alloc(4);
  head.writeUInt16BE(key, 0);
  head.writeUInt16BE(octets.length, 2);
  const rdata = Buffer.concat([
    Buffer.from('0001', 'hex'),
    Buffer.from(target, 'hex'),
    head,
    octets,
  ]);
  return `\\# ${rdata.length} ${rdata.toString('hex')}`;
}

const V4 = 4;
const V6 = 6;
const ULA = 'fd000000000000000000000000000001';
const GLOBAL = '20010db9000000000000000000000001';

describe('what may be given out', () => {
  const w = 'www.example.com.';
  const rows: readonly (readonly [string, string, string, readonly string[], number])[] = [
    ['a public address', w, 'A', [`${w} 60 A 192.0.2.1`], REASON_NONE],
    ['a private address', w, 'A', [`${w} 60 A 10.0.0.1`], REASON_REBINDING],
    ['a metadata address', w, 'A', [`${w} 60 A 169.254.169.254`], REASON_REBINDING],
    [
      'a private address behind a public one',
      w,
      'A',
      [`${w} 60 A 192.0.2.1`, `${w} 60 A 10.0.0.1`],
      REASON_REBINDING,
    ],
    [
      'a private address behind a CNAME',
      w,
      'A',
      [`${w} 60 CNAME x.example.`, 'x.example. 60 A 127.0.0.1'],
      REASON_REBINDING,
    ],
    ['a unique local address', w, 'AAAA', [`${w} 60 AAAA fd00::1`], REASON_REBINDING],
    ['a mapped private address', w, 'AAAA', [`${w} 60 AAAA ::ffff:192.168.0.1`], REASON_REBINDING],
    [
      'a NAT64 form of a private address',
      w,
      'AAAA',
      [`${w} 60 AAAA 64:ff9b::a00:1`],
      REASON_REBINDING,
    ],
    [
      'a private address of an internal name',
      'db.corp.example.',
      'A',
      ['db.corp.example. 60 A 10.0.0.1'],
      REASON_NONE,
    ],
    [
      'a public name that leads to an internal one',
      w,
      'A',
      [`${w} 60 CNAME db.corp.example.`, 'db.corp.example. 60 A 10.0.0.1'],
      REASON_REBINDING,
    ],
    [
      'a forward rule that is not internal',
      'x.lent.example.',
      'A',
      ['x.lent.example. 60 A 10.0.0.1'],
      REASON_REBINDING,
    ],
    ['a prefix of rebinding.allow', w, 'A', [`${w} 60 A 10.7.255.1`], REASON_NONE],
    ['an IPv6 prefix of rebinding.allow', w, 'AAAA', [`${w} 60 AAAA fd07:1::1`], REASON_NONE],
    [
      'a mapped address of an allowed IPv4 prefix',
      w,
      'AAAA',
      [`${w} 60 AAAA ::ffff:10.7.0.1`],
      REASON_NONE,
    ],
    [
      'a public IPv4 hint',
      w,
      'HTTPS',
      [`${w} 60 HTTPS ${svcb('00', V4, 'c0000201')}`],
      REASON_NONE,
    ],
    [
      'a private IPv4 hint',
      w,
      'HTTPS',
      [`${w} 60 HTTPS ${svcb('00', V4, '0a000001')}`],
      REASON_REBINDING,
    ],
    [
      'a private hint as the second',
      w,
      'SVCB',
      [`${w} 60 SVCB ${svcb('00', V4, 'c00002010a000001')}`],
      REASON_REBINDING,
    ],
    ['a private IPv6 hint', w, 'HTTPS', [`${w} 60 HTTPS ${svcb('00', V6, ULA)}`], REASON_REBINDING],
    ['a public IPv6 hint', w, 'HTTPS', [`${w} 60 HTTPS ${svcb('00', V6, GLOBAL)}`], REASON_NONE],
    [
      'a private hint behind a compressed target',
      w,
      'HTTPS',
      [`${w} 60 HTTPS ${svcb('c00c', V4, '0a000001')}`],
      REASON_REBINDING,
    ],
    [
      'a parameter that is no hint',
      w,
      'HTTPS',
      [`${w} 60 HTTPS ${svcb('00', 1, '0a000001')}`],
      REASON_NONE,
    ],
    [
      'a parameter that runs out',
      w,
      'HTTPS',
      [`${w} 60 HTTPS \\# 7 00010000040008`],
      REASON_REBINDING,
    ],
    [
      'octets behind the parameters',
      w,
      'HTTPS',
      [`${w} 60 HTTPS \\# 5 0001000000`],
      REASON_REBINDING,
    ],
    ['a service that is its owner', w, 'HTTPS', [`${w} 60 HTTPS 1 . alpn=h2`], REASON_NONE],
    ['a CNAME to a denied name', w, 'A', [`${w} 60 CNAME x.banned.example.`], REASON_CHAIN],
    [
      'a CNAME to a denied name in capitals',
      w,
      'A',
      [`${w} 60 CNAME X.BANNED.example.`],
      REASON_CHAIN,
    ],
    ['a CNAME to a listed name', w, 'A', [`${w} 60 CNAME feed.example.`], REASON_CHAIN],
    [
      'a denied name two CNAMEs away',
      w,
      'A',
      [`${w} 60 CNAME a.example.`, 'a.example. 60 CNAME feed.example.'],
      REASON_CHAIN,
    ],
    ['a DNAME to a denied name', w, 'A', ['example.com. 60 DNAME banned.example.'], REASON_CHAIN],
    [
      'an HTTPS alias of a denied name',
      w,
      'HTTPS',
      [`${w} 60 HTTPS 0 feed.example.`],
      REASON_CHAIN,
    ],
    [
      'an HTTPS service at a denied name',
      w,
      'HTTPS',
      [`${w} 60 HTTPS 1 feed.example. alpn=h2`],
      REASON_CHAIN,
    ],
    [
      'an SVCB service at a denied name',
      w,
      'SVCB',
      [`${w} 60 SVCB 2 x.banned.example.`],
      REASON_CHAIN,
    ],
    ['an MX at a denied name: no chain', w, 'MX', [`${w} 60 MX 5 feed.example.`], REASON_NONE],
    ['a TXT that holds private octets', w, 'TXT', [`${w} 60 TXT "10.0.0.1"`], REASON_NONE],
    ['an empty answer', w, 'A', [], REASON_NONE],
  ];
  for (const [rule, qname, type, answer, want] of rows) {
    it(rule, () => expect(reasonOf(qname, type, answer)).toBe(want));
  }

  it('the refused address is noted first', () => {
    reasonOf('www.example.com.', 'A', [
      'www.example.com. 60 A 192.0.2.1',
      'www.example.com. 60 A 10.0.0.9',
    ]);
    expect([found.addressCount, addressToText(found.addresses, 0)]).toEqual([1, '10.0.0.9']);
  });

  it('of many addresses the first four are noted', () => {
    const answer = [1, 2, 3, 4, 5, 6].map((i) => `www.example.com. 60 A 192.0.2.${i}`);
    reasonOf('www.example.com.', 'A', answer);
    const noted = [0, 16, 32, 48].map((at) => addressToText(found.addresses, at));
    expect([found.addressCount, ...noted]).toEqual([
      4,
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.3',
      '192.0.2.4',
    ]);
  });
});

describe('chain: inspect', () => {
  const rows: readonly (readonly [string, number, readonly string[], boolean])[] = [
    ['a target on the list passes', 1, ['www.example.com. 60 CNAME cdn.example.com.'], true],
    ['a target off the list does not', 1, ['www.example.com. 60 CNAME cdn.example.net.'], false],
    [
      'the second target counts too',
      1,
      ['www.example.com. 60 CNAME a.example.com.', 'a.example.com. 60 CNAME b.example.net.'],
      false,
    ],
    [
      'a workload in report mode has it through',
      2,
      ['www.example.com. 60 CNAME cdn.example.net.'],
      true,
    ],
  ];
  for (const [rule, workload, answer, want] of rows) {
    it(rule, () => {
      settle('www.example.com', 'A', answer);
      const query = { name, qtype: 1, workload };
      expect(targetsPass(clean.octets, 0, clean.length, query, tables, found)).toBe(want);
    });
  }
});
