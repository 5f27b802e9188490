import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { nameToWire } from '../../src/wire/text.ts';
import { load, problems, withFiles } from './files.ts';

const NO_RESOLVERS = { resolvConf: '/nonexistent/resolv.conf' };

describe('defaults', () => {
  const config = load('workloads: {}\n', {}, NO_RESOLVERS);
  const rows: [string, unknown, unknown][] = [
    ['listen on port 53 of all addresses', config.listen.map((a) => a.address), ['0.0.0.0', '::']],
    ['a worker per core', config.workers >= 1, true],
    [
      'unmapped sources are refused',
      { ...config.unmapped, rateLimit: null },
      { mode: 'enforce', answer: { kind: 'refused' }, rateLimit: null },
    ],
    ['64 MB of answers', config.cache.sizeBytes, 64e6],
    ['answers up to a day', config.cache.maxTtlSeconds, 86_400],
    ['negative answers up to an hour', config.cache.maxNegativeTtlSeconds, 3600],
    ['denials for 30 s', config.denyTtlSeconds, 30],
    ['history for 400 days', config.history.retentionMs, 400 * 86_400_000],
    ['1,000 names per domain', config.history.namesPerDomain, 1000],
    ['64 MB of pages of the history', config.history.cacheBytes, 64e6],
    ['alerts fold for 10 minutes', config.alertWindowMs, 600_000],
    ['nowhere to send alerts', config.alerts, []],
    ['no metrics', config.metrics, null],
    ['no workload floods', config.rateLimit, { queries: 20_000, misses: 0, burstMs: null }],
    [
      'an upstream "default" without servers',
      config.upstreams.map((u) => [u.name, u.servers]),
      [['default', []]],
    ],
    ['"." goes to it', config.forward.map((f) => [f.suffix, f.upstream]), [['.', 'default']]],
  ];
  it.each(rows)('%s', (_rule, got, want) => {
    expect(got).toEqual(want);
  });

  it('everything is frozen', () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.cache)).toBe(true);
    expect(Object.isFrozen(config.listen[0])).toBe(true);
  });
});

describe('values', () => {
  const config = load(
    `
listen: ["127.0.0.1:5353", "[::1]:5354", "::1"]
upstreams:
  default: { servers: [192.0.2.1, "[2001:DB8::1]:5353", "::ffff:192.0.2.9"] }
  corp: { servers: ["192.0.2.2:5300"] }
forward: { corp.example: { upstream: corp, internal: true } }
feeds:
  a: { source: lists/a.txt, category: malware }
  b: { source: "https://feeds.example/b", category: nrd, action: alert, refresh: 6h }
  c: { source: [x.example], category: own, format: plain }
bundles:
  constructor: [.x.example]
everyone: { allow: [a.example], deny: ["*.b.example"] }
workloads:
  toString:
    sources: [10.0.0.0/8, "2001:DB8::/32", "::ffff:192.0.2.0/120", 192.0.2.1]
    use: [constructor]
    allow:
      - plain.example
      - { name: "*.github.io", shared_suffix: true, types: [a, AAAA, TYPE65280], reason: r, ticket: t }
    deny: ["*.zip"]
    answer: [192.0.2.80, "2001:db8::80"]
    tests: [{ name: x.example, expect: deny }]
  5353: { sources: [] }
alerts:
  - { to: "syslog+udp://192.0.2.5" }
  - { to: "syslog+tcp://[2001:db8::5]:601", facility: daemon }
  - { to: "syslog+tcp://192.0.2.5", framing: lf }
  - to: "syslog+tls://192.0.2.5#siem.example"
    ca: file:/etc/tls/ca.pem
    cert: file:/etc/tls/client.pem
    key: env:CLIENT_KEY
  - { to: "syslog+tls://[2001:db8::5]:6515" }
  - { to: "https://hooks.example/a?b", address: 192.0.2.6, secret: "env:HOOK", batch: 7 }
  - to: "unix:/dev/log"
    types: [tunnel, dga]
    severity: warning
    workloads: [tostring, unmapped]
    max_per_minute: 60
cache: { size: 1GiB, min_ttl: 5m }
`.replace('toString', 'tostring'),
  );
  const [workload, numeric] = config.workloads.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  const entry = workload?.allow[1];
  const answer = workload?.answer.kind === 'address' ? workload.answer : null;
  const rows: [string, unknown, unknown][] = [
    [
      'ports',
      config.listen.map((a) => `${a.address} ${a.port} ${a.family}`),
      ['127.0.0.1 5353 4', '::1 5354 6', '::1 53 6'],
    ],
    [
      'server addresses are canonical',
      config.upstreams[0]?.servers.map((a) => `${a.address} ${a.port}`),
      ['192.0.2.1 53', '2001:db8::1 5353', '192.0.2.9 53'],
    ],
    ['an internal suffix', config.forward[0]?.internal, true],
    ['"." goes to the upstream default', config.forward[1]?.upstream, 'default'],
    ['a feed URL', config.feeds[1]?.source, { kind: 'url', url: 'https://feeds.example/b' }],
    ['a feed refresh', config.feeds.map((f) => f.refreshMs / 3_600_000), [24, 6, 24]],
    ['a list as feed', config.feeds[2]?.source, { kind: 'inline', entries: ['x.example'] }],
    ['names that objects have already', config.bundles[0]?.name, 'constructor'],
    ['names of digits', numeric?.name, '5353'],
    [
      'prefixes',
      workload?.sources.map((p) => `${p.text} ${p.length}`),
      ['10.0.0.0/8 104', '2001:db8::/32 32', '192.0.2.0/24 120', '192.0.2.1/32 128'],
    ],
    [
      'an IPv4 prefix is held mapped',
      [...(workload?.sources[0]?.bytes ?? [])],
      [...Array(10).fill(0), 255, 255, 10, 0, 0, 0],
    ],
    ['types by name and number', entry?.types, [1, 28, 65280]],
    [
      'the words of an entry',
      [entry?.reason, entry?.ticket, entry?.sharedSuffix],
      ['r', 't', true],
    ],
    ['the place of an entry', [entry?.at.line, entry?.at.col], [20, 9]],
    ['a pattern in wire form', entry?.pattern.wire, nameToWire('github.io')],
    ['denying under a public suffix is safe', workload?.deny[0]?.pattern.text, '*.zip'],
    ['enforce unless said otherwise', workload?.mode, 'enforce'],
    ['IPv4 of an answer', [...(answer?.v4 ?? [])], [192, 0, 2, 80]],
    ['IPv6 of an answer', answer?.v6?.length, 16],
    ['tests are about A', workload?.tests[0]?.type, 1],
    [
      'sinks',
      config.alerts.map((s) => JSON.stringify(s.target)),
      [
        '{"kind":"syslog-udp","host":"192.0.2.5","port":514}',
        '{"kind":"syslog-tcp","host":"2001:db8::5","port":601,"framing":"octet-counting"}',
        '{"kind":"syslog-tcp","host":"192.0.2.5","port":514,"framing":"lf"}',
        '{"kind":"syslog-tls","host":"192.0.2.5","port":6514,"peer":"siem.example","tls":' +
          '{"ca":{"kind":"file","path":"/etc/tls/ca.pem"},' +
          '"cert":{"kind":"file","path":"/etc/tls/client.pem"},' +
          '"key":{"kind":"env","name":"CLIENT_KEY"}}}',
        '{"kind":"syslog-tls","host":"2001:db8::5","port":6515,"peer":"2001:db8::5","tls":' +
          '{"ca":null,"cert":null,"key":null}}',
        '{"kind":"https","url":"https://hooks.example/a?b","address":"192.0.2.6","tls":' +
          '{"ca":null,"cert":null,"key":null},"secret":{"kind":"env","name":"HOOK"},"batch":7}',
        '{"kind":"unix","path":"/dev/log"}',
      ],
    ],
    ['facilities', config.alerts.slice(0, 3).map((s) => s.facility), [20, 3, 20]],
    [
      'what a sink takes',
      config.alerts.slice(-2).map(({ types, severity, workloads, maxPerMinute }) => [
        [types, severity],
        [workloads, maxPerMinute],
      ]),
      [
        [[], []],
        [
          [['tunnel', 'dga'], 4],
          [['tostring', 'unmapped'], 60],
        ],
      ].map((takes) => takes.map((pair) => (pair.length === 0 ? [undefined, undefined] : pair))),
    ],
    ['binary sizes', config.cache.sizeBytes, 2 ** 30],
    ['TTLs in seconds', config.cache.minTtlSeconds, 300],
  ];
  it.each(rows)('%s', (_rule, got, want) => {
    expect(got).toEqual(want);
  });

  it('overlapping sources of different length are fine', () => {
    const text = 'workloads:\n  a: { sources: [10.0.0.0/8] }\n  b: { sources: [10.0.0.0/16] }\n';
    expect(load(text).workloads).toHaveLength(2);
  });

  it('an alias repeats what its anchor says', () => {
    const text = 'bundles:\n  a: &x [a.example]\n  b: *x\n';
    expect(load(text).bundles.map((b) => b.entries[0]?.at.line)).toEqual([2, 2]);
  });
});

describe('included files', () => {
  it('are merged, and everyone adds up', () => {
    const config = load('include: [teams/*.yaml]\neveryone: { allow: [a.example] }\n', {
      'teams/a.yaml':
        'everyone: { allow: [b.example] }\nworkloads: { a: { sources: [10.0.0.1], use: [x] } }\n',
      'teams/b.yaml': 'bundles: { x: [c.example] }\nzones: [{ name: z.example, file: z.zone }]\n',
    });
    expect(config.everyone.allow.map((e) => e.pattern.text)).toEqual(['a.example', 'b.example']);
    expect(config.workloads[0]?.use).toEqual(['x']);
    expect(config.zones[0]?.file).toMatch(/\/teams\/z\.zone$/);
    expect(config.files.map((f) => f.split('/').slice(-1)[0])).toEqual([
      'main.yaml',
      'a.yaml',
      'b.yaml',
    ]);
  });

  const rows: [string, string, Record<string, string>, string[]][] = [
    [
      'a name in two files names both places',
      'include: t/*.yaml\nbundles: { x: [] }\n',
      { 't/a.yaml': 'bundles: { x: [] }\n' },
      ['t/a.yaml:1:12: bundles.x: "x" is given twice; first at main.yaml:2:12'],
    ],
    [
      'a source in two files names both places',
      'include: t/*.yaml\nworkloads: { a: { sources: [10.0.0.1] } }\n',
      { 't/a.yaml': 'workloads: { b: { sources: [10.0.0.1/32] } }\n' },
      [
        't/a.yaml:1:29: workloads.b.sources[0]: 10.0.0.1/32 is claimed by workload "a" at main.yaml:2:29 already',
      ],
    ],
    [
      'settings of the main file are refused elsewhere',
      'include: t/*.yaml\n',
      { 't/a.yaml': 'listen: ["127.0.0.1"]\n' },
      ['t/a.yaml:1:1: listen: only the main file has this key; move it there'],
    ],
    [
      'an included file includes none',
      'include: t/*.yaml\n',
      { 't/a.yaml': 'include: b.yaml\n' },
      ['t/a.yaml:1:1: include: only the main file has this key; move it there'],
    ],
    [
      'an empty included file is a problem of its own',
      'include: t/*.yaml\nworkers: 0\n',
      { 't/a.yaml': '' },
      [
        'main.yaml:2:10: workers: the number 0 is not at least 1',
        't/a.yaml: empty; a mapping of settings is expected',
      ],
    ],
  ];
  it.each(rows)('%s', (_rule, main, files, want) => {
    expect(problems(main, files)).toEqual(want);
  });

  it('a plain name that is not there is a problem, a glob without a match is not', () => {
    expect(problems('include: [a/*.yaml, b.yaml]\n')[0]).toContain(
      'main.yaml:1:21: include[1]: no such file',
    );
    expect(load('include: a/*.yaml\n').files).toHaveLength(1);
  });

  it('a file that two globs find, or that is the main file, is read once', () => {
    const files = { 'a.yaml': 'bundles: { x: [] }\n' };
    expect(load('include: ["*.yaml", a.yaml]\n', files).bundles).toHaveLength(1);
  });
});

describe('files that cannot be read', () => {
  it('a missing main file says how to start', () => {
    expect(() => loadConfig('/nonexistent/x.yaml')).toThrow(
      '/nonexistent/x.yaml: no such file; write one, or name another with `dnsvalve serve --config FILE`',
    );
  });

  it('a directory is none', () => {
    withFiles({}, (directory) => {
      mkdirSync(join(directory, 'd'));
      expect(() => loadConfig(join(directory, 'd'))).toThrow('a directory; a file is expected');
    });
  });

  it.skipIf(process.getuid?.() === 0)('a file without permission is named', () => {
    withFiles({ 'a.yaml': 'workers: 1\n' }, (directory) => {
      chmodSync(join(directory, 'a.yaml'), 0);
      expect(() => loadConfig(join(directory, 'a.yaml'))).toThrow('permission denied');
    });
  });
});

describe('overrides and the system', () => {
  const main = 'upstreams:\n  default: { servers: system }\nlisten: ["127.0.0.1:53"]\n';
  const resolv =
    '# comment\nsearch x\nnameserver 127.0.0.1\nnameserver\t192.0.2.7 # x\nnameserver 192.0.2.7\nnameserver fe80::1%eth0\nnameserver 2001:DB8::7\n';
  const servers = (listen: string): string[] =>
    withFiles({ 'main.yaml': main, 'resolv.conf': resolv }, (directory) => {
      const options = { listen: [listen], resolvConf: join(directory, 'resolv.conf') };
      const config = loadConfig(join(directory, 'main.yaml'), options);
      return config.upstreams[0]?.servers.map((server) => server.address) ?? [];
    });

  const rows: [string, string, string[]][] = [
    ['our own address is no server', '127.0.0.1:53', ['192.0.2.7', '2001:db8::7']],
    ['a wildcard covers our own addresses', '0.0.0.0:53', ['192.0.2.7', '2001:db8::7']],
    ['another port is somebody else', '127.0.0.1:5353', ['127.0.0.1', '192.0.2.7', '2001:db8::7']],
  ];
  it.each(rows)('%s', (_rule, listen, want) => {
    expect(servers(listen)).toEqual(want);
  });

  it('--upstream replaces the servers of default, --listen replaces listen', () => {
    const config = load(main, {}, { upstream: ['192.0.2.9:5300'], listen: ['127.0.0.2:5353'] });
    expect(config.upstreams.map((u) => u.servers)).toEqual([
      [{ address: '192.0.2.9', port: 5300, family: 4 }],
    ]);
    expect(config.listen).toEqual([{ address: '127.0.0.2', port: 5353, family: 4 }]);
  });

  it('a bad override is a problem beside those of the file', () => {
    expect(problems('workers: 0\n', {}, { upstream: ['dns.example'] })).toEqual([
      '--upstream: "dns.example" is not an address; accepted are "192.0.2.1", "192.0.2.1:5353" and "[2001:db8::1]:53"',
      'main.yaml:1:10: workers: the number 0 is not at least 1',
    ]);
  });

  it('"." stays with the upstream that the file names', () => {
    const config = load(
      'upstreams: { default: { servers: [10.0.0.1] }, corp: { servers: [10.0.0.2] } }\nforward: { .: corp }\n',
    );
    expect(config.forward.map((rule) => [rule.suffix, rule.upstream])).toEqual([['.', 'corp']]);
  });

  it('without an upstream "default" nothing is forwarded but what forward names', () => {
    const config = load(
      'upstreams: { corp: { servers: [10.0.0.2] } }\nforward: { corp.example: corp }\n',
    );
    expect(config.forward.map((rule) => rule.suffix)).toEqual(['corp.example']);
  });
});
