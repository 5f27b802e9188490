/** What `_dns.resolver.arpa` says of the encrypted listeners (RFC 9462 section 4, RFC 9461). */

import { describe, expect, it } from 'vitest';
import type { Encrypted, Listener } from '../../src/config/listeners.ts';
import { designatedRecords } from '../../src/zones/designated.ts';

const FILE = { kind: 'file', path: 'x' } as unknown as Encrypted['cert'];
const AT = { file: 'x.yaml', line: 1, column: 1 } as unknown as Encrypted['at'];

function listener(address: string, port: number, more: Partial<Encrypted> | null): Listener {
  const family = address.includes(':') ? 6 : 4;
  if (more === null) return { address, port, family };
  const given: Encrypted = {
    transport: 'tls',
    cert: FILE,
    key: FILE,
    name: 'dns.example',
    path: '',
    at: AT,
  };
  return { address, port, family, encrypted: { ...given, ...more } };
}

const HTTPS = { transport: 'https', path: '/ask' } as const;

const rows: readonly {
  readonly name: string;
  readonly listen: readonly Listener[];
  readonly want: readonly string[];
}[] = [
  { name: 'none that is encrypted', listen: [listener('192.0.2.1', 53, null)], want: [] },
  {
    name: 'one without a name is not told of',
    listen: [listener('192.0.2.1', 853, { name: null })],
    want: [],
  },
  {
    name: 'TLS with its port and address',
    listen: [listener('192.0.2.1', 8853, {})],
    want: ['_dns 300 SVCB 1 dns.example. alpn=dot port=8853 ipv4hint=192.0.2.1'],
  },
  {
    name: 'HTTPS with its path as a template',
    listen: [listener('192.0.2.1', 8443, HTTPS)],
    want: [
      '_dns 300 SVCB 1 dns.example. alpn=h2 port=8443 dohpath="/ask{?dns}" ipv4hint=192.0.2.1',
    ],
  },
  {
    name: 'the addresses of one service together, by family',
    listen: [
      listener('192.0.2.1', 853, {}),
      listener('2001:db8::1', 853, {}),
      listener('192.0.2.2', 853, {}),
      listener('2001:db8::2', 853, {}),
    ],
    want: [
      '_dns 300 SVCB 1 dns.example. alpn=dot port=853 ipv4hint=192.0.2.1,192.0.2.2 ' +
        'ipv6hint=2001:db8::1,2001:db8::2',
    ],
  },
  {
    name: 'no address of a wildcard',
    listen: [listener('0.0.0.0', 853, {}), listener('::', 853, {})],
    want: ['_dns 300 SVCB 1 dns.example. alpn=dot port=853'],
  },
  {
    name: 'services in the order of the configuration, each with a priority of its own',
    listen: [
      listener('192.0.2.1', 443, HTTPS),
      listener('192.0.2.1', 853, {}),
      listener('192.0.2.1', 853, { name: 'other.example' }),
    ],
    want: [
      '_dns 300 SVCB 1 dns.example. alpn=h2 port=443 dohpath="/ask{?dns}" ipv4hint=192.0.2.1',
      '_dns 300 SVCB 2 dns.example. alpn=dot port=853 ipv4hint=192.0.2.1',
      '_dns 300 SVCB 3 other.example. alpn=dot port=853 ipv4hint=192.0.2.1',
    ],
  },
];

describe('designated resolvers', () => {
  it.each(rows)('$name', ({ listen, want }) => {
    expect(designatedRecords(listen).split('\n').slice(0, -1)).toEqual(want);
  });
});
