import { describe, expect, it } from 'vitest';
import { nameToWire } from '../../src/wire/text.ts';
import { Zones } from '../../src/zones/answer.ts';
import { builtinZones } from '../../src/zones/builtin.ts';
import { compileZones } from '../../src/zones/compile.ts';
import { answerOf, ask, served } from './messages.ts';

function zonesWith(own: readonly string[], forwarded: readonly string[]): Zones {
  const suffixes = forwarded.map(nameToWire);
  const claimed = [...own.map(nameToWire), ...suffixes];
  const zones = own.map((name) => served(name, '@ A 192.0.2.1'));
  return new Zones(compileZones([...zones, ...builtinZones(claimed)], suffixes));
}

/** `RCODE answers...` or `-` for a name that may go upstream. */
function said(zones: Zones, name: string, type: string): string {
  const response = answerOf(zones, ask(name, type));
  if (response === null) return '-';
  if (response.authorities.length !== (response.answers.length === 0 ? 1 : 0)) return 'no SOA';
  const data = response.answers.map((line) => line.split(' ').slice(2).join(' '));
  return [response.rcode, ...data].join(' ');
}

const ZEROS = '0.'.repeat(31);

describe('special-use names never go upstream', () => {
  const zones = zonesWith([], ['.']);
  const rows: [name: string, type: string, want: string][] = [
    ['localhost', 'A', 'NOERROR A 7f000001'],
    ['localhost', 'AAAA', 'NOERROR AAAA 00000000000000000000000000000001'],
    ['localhost', 'MX', 'NOERROR'],
    ['a.b.LOCALHOST', 'A', 'NOERROR A 7f000001'],
    ['invalid', 'A', 'NXDOMAIN'],
    ['x.invalid', 'A', 'NXDOMAIN'],
    ['abc.onion', 'A', 'NXDOMAIN'],
    ['x.alt', 'TXT', 'NXDOMAIN'],
    ['printer.local', 'A', 'NXDOMAIN'],
    ['local', 'SOA', 'NXDOMAIN'],
    ['use-application-dns.net', 'A', 'NXDOMAIN'],
    ['mask.icloud.com', 'AAAA', 'NXDOMAIN'],
    ['mask-h2.icloud.com', 'A', 'NXDOMAIN'],
    ['icloud.com', 'A', '-'],
    ['notmask.icloud.com', 'A', '-'],
    ['home.arpa', 'NS', 'NOERROR NS home.arpa'],
    ['x.home.arpa', 'A', 'NXDOMAIN'],
    ['resolver.arpa', 'SVCB', 'NOERROR'],
    ['_dns.resolver.arpa', 'SVCB', 'NOERROR'],
    ['1.0.0.127.in-addr.arpa', 'PTR', 'NOERROR PTR localhost'],
    ['2.0.0.127.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.2.3.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.15.172.in-addr.arpa', 'PTR', '-'],
    ['1.1.16.172.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.31.172.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.32.172.in-addr.arpa', 'PTR', '-'],
    ['1.1.168.192.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.167.192.in-addr.arpa', 'PTR', '-'],
    ['1.1.63.100.in-addr.arpa', 'PTR', '-'],
    ['1.1.64.100.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.127.100.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['254.169.254.169.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.2.0.192.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.100.51.198.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.113.0.203.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['1.1.1.0.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    ['255.255.255.255.in-addr.arpa', 'PTR', 'NOERROR'],
    ['8.8.8.8.in-addr.arpa', 'PTR', '-'],
    [`1.${ZEROS}ip6.arpa`, 'PTR', 'NOERROR PTR localhost'],
    [`0.${ZEROS}ip6.arpa`, 'PTR', 'NOERROR'],
    [`2.${ZEROS}ip6.arpa`, 'PTR', '-'],
    ['1.d.f.ip6.arpa', 'PTR', 'NXDOMAIN'],
    ['1.8.e.f.ip6.arpa', 'PTR', 'NXDOMAIN'],
    ['1.b.e.f.ip6.arpa', 'PTR', 'NXDOMAIN'],
    ['1.8.b.d.0.1.0.0.2.ip6.arpa', 'PTR', 'NXDOMAIN'],
    ['ip6.arpa', 'PTR', '-'],
    ['example', 'A', '-'],
    ['x.test', 'A', '-'],
    ['x.internal', 'A', '-'],
  ];
  for (const [name, type, want] of rows) {
    it(`${name} ${type}: ${want}`, () => expect(said(zones, name, type)).toBe(want));
  }

  it('all of them are marked', () => {
    expect(builtinZones([]).every((zone) => zone.builtin && !zone.private)).toBe(true);
    expect(builtinZones([]).length).toBeGreaterThan(90);
  });
});

describe('what the user says about a special-use name wins', () => {
  it('a zone of the same name', () => {
    expect(said(zonesWith(['local'], []), 'local', 'A')).toBe('NOERROR A c0000201');
    expect(said(zonesWith(['local'], []), 'x.local', 'A')).toBe('NXDOMAIN');
  });

  it('a zone above it', () => {
    expect(said(zonesWith(['in-addr.arpa'], []), '10.in-addr.arpa', 'NS')).toBe('NXDOMAIN');
  });

  it('a zone below it, and nothing but that', () => {
    const zones = zonesWith(['nas.local'], []);
    expect(said(zones, 'nas.local', 'A')).toBe('NOERROR A c0000201');
    expect(said(zones, 'tv.local', 'A')).toBe('NXDOMAIN');
    expect(said(zones, 'local', 'A')).toBe('NOERROR');
  });

  it('a forward rule of the same name, or above it', () => {
    expect(said(zonesWith([], ['10.in-addr.arpa']), '1.10.in-addr.arpa', 'PTR')).toBe('-');
    expect(said(zonesWith([], ['arpa']), '1.10.in-addr.arpa', 'PTR')).toBe('-');
    expect(said(zonesWith([], ['10.in-addr.arpa']), '1.127.in-addr.arpa', 'PTR')).toBe('NXDOMAIN');
  });

  it('a forward rule below it, and nothing but that', () => {
    const zones = zonesWith([], ['1.10.in-addr.arpa', 'Corp.Local']);
    expect(said(zones, '2.1.10.in-addr.arpa', 'PTR')).toBe('-');
    expect(said(zones, '2.2.10.in-addr.arpa', 'PTR')).toBe('NXDOMAIN');
    expect(said(zones, 'x.corp.local', 'A')).toBe('-');
    expect(said(zones, 'x.local', 'A')).toBe('NXDOMAIN');
  });

  it('a forward rule for everything says nothing about them', () => {
    expect(said(zonesWith([], ['.']), 'x.onion', 'A')).toBe('NXDOMAIN');
  });
});
