import { describe, expect, it } from 'vitest';
import { problems } from './files.ts';

/** Rule, file, and the only line that must come out: its start, and a part of the rest. */
type Row = readonly [rule: string, yaml: string, place: string, part: string];

function holds(rows: readonly Row[]): void {
  it.each(rows)('%s', (_rule, yaml, place, part) => {
    const lines = problems(yaml);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.slice(0, place.length)).toBe(place);
    expect(lines[0]).toContain(part);
  });
}

const w = (body: string): string => `workloads:\n  app:\n    sources: [10.0.0.0/8]\n    ${body}\n`;
const allow = (entry: string): string => w(`allow: [${entry}]`);
const at = 'main.yaml:4:13: workloads.app.allow[0]: ';

describe('a file that is no configuration', () => {
  holds([
    ['an empty file', '', 'main.yaml: ', 'empty'],
    ['a file of comments', '# nothing\n', 'main.yaml: ', 'empty'],
    ['a list', '- a\n', 'main.yaml:1:1: ', 'a mapping of settings'],
    ['a text', 'hello\n', 'main.yaml:1:1: ', 'a mapping of settings'],
    ['two documents', 'workers: 1\n---\nworkers: 2\n', 'main.yaml:2:1: ', 'not YAML'],
    ['a tab as indentation', 'cache:\n\tsize: 1MB\n', 'main.yaml:2:1: ', 'not YAML'],
    ['an unknown tag', 'workers: !thing 1\n', 'main.yaml:1:10: ', 'not YAML'],
    [
      'a key twice',
      'workers: 1\nworkers: 2\n',
      'main.yaml:2:1: workers: ',
      'stands at 1:1 already',
    ],
    ['a key that is a list', '? [a]\n: 1\n', 'main.yaml:1:3: ', 'a key is plain text'],
    ['the key __proto__', '__proto__: 1\n', 'main.yaml:1:1: ', 'reserved'],
    ['an alias of nothing', 'include: *x\n', 'main.yaml:1:10: include: ', 'in quotes: "*x"'],
    [
      'nesting without end',
      `include: ${'['.repeat(60)}${']'.repeat(60)}\n`,
      'main.yaml:1:',
      'nested',
    ],
  ]);

  it('octets that are not UTF-8', () => {
    expect(problems(Uint8Array.of(0x61, 0x3a, 0xff, 0x0a))).toEqual(['main.yaml: not UTF-8 text']);
  });

  it('hostile nesting ends in a problem', () => {
    expect(problems(`a: ${'['.repeat(20_000)}`)[0]).toContain('main.yaml:1:');
  });

  it('aliases that multiply are stopped', () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const items = Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*a${i - 1}`));
      return `a${i}: &a${i} [${items.join(', ')}]`;
    });
    expect(problems(levels.join('\n')).join('\n')).toContain('aliases repeat over 100000 values');
  });

  it('an alias of its own parent is stopped', () => {
    expect(problems('include: &a [*a]\n').join('\n')).toContain('nested deeper');
  });
});

describe('keys', () => {
  holds([
    ['an unknown key', 'lisen: []\n', 'main.yaml:1:1: lisen: ', 'did you mean "listen"?'],
    [
      'a key like no other',
      'zzzzzzzz: 1\n',
      'main.yaml:1:1: zzzzzzzz: ',
      'known are include, listen',
    ],
    [
      'an unknown key of a mapping',
      'cache: { siz: 1MB }\n',
      'main.yaml:1:10: cache.siz: ',
      '"size"',
    ],
    [
      'an unknown key of a workload',
      w('alow: []'),
      'main.yaml:4:5: workloads.app.alow: ',
      '"allow"',
    ],
    [
      'an unknown key of an entry',
      allow('{ name: a.example, typs: [A] }'),
      'main.yaml:4:32: workloads.app.allow[0].typs: ',
      '"types"',
    ],
    [
      'a budget on a name that is denied',
      w('deny: [{ name: a.example, budget: 4kB/h }]'),
      'main.yaml:4:31: workloads.app.deny[0].budget: ',
      'unknown key',
    ],
    [
      'a budget without a time',
      allow('{ name: a.example, budget: 4kB }'),
      'main.yaml:4:40: workloads.app.allow[0].budget: ',
      'like "1kB/h"',
    ],
    [
      'a budget per week',
      allow('{ name: a.example, budget: 4kB/w }'),
      'main.yaml:4:40: workloads.app.allow[0].budget: ',
      'per s, m, h or d',
    ],
    [
      'a budget that no name fits in',
      allow('{ name: a.example, budget: { limit: 63B/h } }'),
      'main.yaml:4:49: workloads.app.allow[0].budget.limit: ',
      'accepted is 64B to 1GB',
    ],
    [
      'a budget with an action that there is not',
      allow('{ name: a.example, budget: { limit: 4kB/h, action: drop } }'),
      'main.yaml:4:64: workloads.app.allow[0].budget.action: ',
      'none of alert, deny',
    ],
    [
      'a quarantine',
      w('quarantine: true'),
      'main.yaml:4:5: workloads.app.quarantine: ',
      'are commands',
    ],
    [
      'an approver who is none of the people',
      `people: { alice: { uid: 7 } }\n${w('approvers: [alise]')}`,
      'main.yaml:5:17: workloads.app.approvers[0]: ',
      'there is no person "alise" (did you mean "alice"?)',
    ],
    [
      'an approver for all who is none of the people',
      'exceptions: { approvers: [bob] }\n',
      'main.yaml:1:27: exceptions.approvers[0]: ',
      'there is no person "bob"',
    ],
    [
      'one user number for two people',
      'people: { alice: { uid: 7 }, bob: { uid: 7 } }\n',
      'main.yaml:1:42: people.bob.uid: ',
      "7 is alice's already",
    ],
    [
      'a maximum for an environment that no workload has',
      `exceptions: { max: { prd: 1h } }\n${w('env: prod')}`,
      'main.yaml:1:27: exceptions.max.prd: ',
      'there is no workload with env "prd" (did you mean "prod"?)',
    ],
    [
      'an exception without end',
      'exceptions: { max: { default: 400d } }\n',
      'main.yaml:1:31: exceptions.max.default: ',
      'accepted is 1s to 90d',
    ],
    [
      'a missing key',
      'feeds:\n  a: { source: x }\n',
      'main.yaml:2:6: feeds.a.category: ',
      'missing',
    ],
    [
      'missing sources',
      'workloads:\n  app: { mode: open }\n',
      'main.yaml:2:8: workloads.app.sources: ',
      'missing; a list',
    ],
    [
      'nothing where a list is expected',
      w('allow:'),
      'main.yaml:4:',
      'a list is expected, not nothing',
    ],
    [
      'a list where a mapping is expected',
      'workloads: []\n',
      'main.yaml:1:12: workloads: ',
      'a mapping is expected',
    ],
    [
      'a mapping where a list is expected',
      'zones: {}\n',
      'main.yaml:1:8: zones: ',
      'a list is expected',
    ],
    [
      'text where true or false is expected',
      w('fail_open: yes'),
      'main.yaml:4:16: workloads.app.fail_open: ',
      'true or false',
    ],
  ]);
});

describe('names that people choose', () => {
  const named = (name: string): string => `bundles:\n  ${name}: []\n`;
  holds([
    ['capitals', named('AWS'), 'main.yaml:2:3: bundles.AWS: ', 'use "aws"'],
    ['blanks', named('my app'), 'main.yaml:2:3: bundles."my app": ', 'use "my-app"'],
    ['a dot first', named('.x'), 'main.yaml:2:3: bundles.".x": ', 'use "x"'],
    ['a reserved name', named('everyone'), 'main.yaml:2:3: bundles.everyone: ', 'reserved'],
    ['64 octets', named('a'.repeat(64)), 'main.yaml:2:3: ', '1 to 63'],
  ]);
});

describe('patterns', () => {
  holds([
    ['upper case', allow('"*.Example.com"'), at, 'use "*.example.com"'],
    ['a trailing dot', allow('example.com.'), at, 'use "example.com"'],
    ['letters beyond ASCII', allow('münchen.example'), at, 'use "xn--mnchen-3ya.example"'],
    ['a star without a dot', allow('"*example.com"'), at, 'use "*.example.com"'],
    ['a star in the middle', allow('a.*.example.com'), at, 'use "*.example.com"'],
    ['two stars', allow('"**.example.com"'), at, 'use "*.example.com"'],
    ['dots in front', allow('..example.com'), at, 'use ".example.com"'],
    ['an unquoted star', allow('*.example.com'), at, 'in quotes: "*.example.com"'],
    ['an empty label', allow('a..example.com'), at, 'has an empty label'],
    [
      'a label of 64 octets',
      allow(`${'a'.repeat(64)}.example`),
      at,
      'label of 64 octets, at most 63',
    ],
    ['a name of 254 octets', allow(`${'a.'.repeat(126)}ab`), at, 'has 254 octets, at most 253'],
    ['a blank inside', allow('a b.example'), at, 'characters other than'],
    ['blanks around', allow('" a.example "'), at, 'use "a.example"'],
    ['an IPv4 address', allow('192.0.2.1'), at, 'is an address'],
    ['an IPv6 address', allow('"2001:db8::1"'), at, 'is an address'],
    ['a prefix', allow('10.0.0.0/8'), at, 'is an address'],
    ['a last label of digits', allow('a.example.123'), at, 'label of digits'],
    ['a star alone', allow('"*"'), at, 'mode: open'],
    ['the root', allow('"."'), at, 'mode: open'],
    ['empty text', allow('""'), at, 'is empty'],
    ['a URL', allow('"https://a.example/"'), at, 'characters other than'],
    ['a number', allow('12'), at, 'not the number 12; quote it: "12"'],
    ['a list', allow('[a.example]'), at, 'text or a mapping is expected'],
    ['a wildcard under a public suffix', allow('"*.com"'), at, 'shared_suffix: true'],
    ['a wildcard under a private suffix', allow('"*.github.io"'), at, 'public suffix "github.io"'],
    ['both forms under a public suffix', allow('.co.uk'), at, 'public suffix "co.uk"'],
    ['a wildcard where suffixes begin', allow('"*.kawasaki.jp"'), at, 'suffix "kawasaki.jp"'],
    [
      'an unknown type',
      allow('{ name: a.example, types: [AAA] }'),
      'main.yaml:4:40: workloads.app.allow[0].types[0]: ',
      'did you mean "AAAA"?',
    ],
    [
      'a type that is no data',
      allow('{ name: a.example, types: [ANY] }'),
      'main.yaml:4:40: ',
      'no type of data',
    ],
    [
      'no types',
      allow('{ name: a.example, types: [] }'),
      'main.yaml:4:39: ',
      'would match nothing',
    ],
    [
      'control characters in a reason',
      allow('{ name: a.example, reason: "a\\e[1m" }'),
      'main.yaml:4:40: ',
      'control characters',
    ],
    [
      'a test with a wildcard',
      w('tests: [{ name: "*.a.example", expect: deny }]'),
      'main.yaml:4:21: workloads.app.tests[0].name: ',
      'use "a.example"',
    ],
  ]);
});

describe('addresses', () => {
  const sources = (text: string): string => `workloads:\n  app:\n    sources: [${text}]\n`;
  const here = 'main.yaml:3:15: workloads.app.sources[0]: ';
  const upstream = (text: string): string => `upstreams:\n  default: { servers: [${text}] }\n`;
  const server = 'main.yaml:2:24: upstreams.default.servers[0]: ';
  holds([
    ['host bits set', sources('10.1.2.3/24'), here, 'use "10.1.2.0/24"'],
    ['host bits set in IPv6', sources('"2001:db8::1/64"'), here, 'use "2001:db8::/64"'],
    ['a length beyond the family', sources('10.0.0.0/33'), here, 'length of 0 to 32'],
    ['no length behind the slash', sources('10.0.0.0/'), here, 'length of 0 to 32'],
    ['a leading zero', sources('10.0.0.010/32'), here, 'is not a prefix'],
    ['a zone index', sources('"fe80::1%eth0"'), here, 'is not a prefix'],
    ['a name', sources('app.example'), here, 'is not a prefix'],
    ['a server name', upstream('dns.example'), server, 'is not an address'],
    ['a port of 0', upstream('"192.0.2.1:0"'), server, 'port 0'],
    ['a port beyond 65535', upstream('"192.0.2.1:65536"'), server, 'port 65536'],
    ['a wildcard as server', upstream('0.0.0.0'), server, "no server's address"],
    ['another scheme', upstream('"quic://192.0.2.3"'), server, 'accepted are "192.0.2.1", "tls:'],
    ['DNS over TLS by name', upstream('"tls://dns.example"'), server, '"tls://192.0.2.3#dns.'],
    ['a name that is none', upstream('"tls://192.0.2.3#DNS.example"'), server, 'dns.example"'],
    ['a wildcard over TLS', upstream('"tls://0.0.0.0#dns.example"'), server, 'no address'],
    [
      'DNS over HTTPS by name without an address',
      upstream('https://dns.example/dns-query'),
      server,
      '{ server: "https://dns.example/dns-query", address: 192.0.2.3 }',
    ],
    ['a URL without a path', upstream('https://192.0.2.3'), server, 'has no path'],
    ['a template', upstream('"https://192.0.2.3/q{?dns}"'), server, 'leave out'],
    ['a fragment', upstream('"https://192.0.2.3/q#dns.example"'), server, 'has a "#"'],
    ['a password', upstream('"https://a:b@192.0.2.3/q"'), server, 'password'],
    [
      'a pin for a plain server',
      upstream('{ server: 192.0.2.1, pin: sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= }'),
      'main.yaml:2:50: upstreams.default.servers[0].pin: ',
      'only for tls:// and https:// servers',
    ],
    [
      'an address beside tls',
      upstream('{ server: "tls://192.0.2.3", address: 192.0.2.4 }'),
      'main.yaml:2:62: upstreams.default.servers[0].address: ',
      'only for https:// servers',
    ],
    [
      'a pin that is none',
      upstream('{ server: "tls://192.0.2.3", pin: AAAA }'),
      'main.yaml:2:58: upstreams.default.servers[0].pin: ',
      '44 characters of base64',
    ],
    [
      'a port beside the URL',
      upstream('{ server: "https://dns.example/q", address: "192.0.2.3:443" }'),
      'main.yaml:2:68: upstreams.default.servers[0].address: ',
      'the URL has it already',
    ],
    [
      'authorities in the open',
      upstream('{ server: "tls://192.0.2.3", ca: ca.pem }'),
      'main.yaml:2:57: upstreams.default.servers[0].ca: ',
      'file:PATH',
    ],
    ['no server', upstream(''), 'main.yaml:2:23: upstreams.default.servers: ', 'at least one'],
    [
      'a name to listen on',
      'listen: ["localhost:53"]\n',
      'main.yaml:1:10: listen[0]: ',
      'is not an address',
    ],
    [
      'a forwarder without an address',
      'trusted_forwarders: [{ sources: [], identity: proxy }]\n',
      'main.yaml:1:33: trusted_forwarders[0].sources: ',
      'at least one',
    ],
    [
      'a forwarder that says it some other way',
      'trusted_forwarders: [{ sources: [10.0.0.1], identity: xpf }]\n',
      'main.yaml:1:55: trusted_forwarders[0].identity: ',
      'none of proxy, client-subnet',
    ],
    [
      'a forwarder twice',
      'trusted_forwarders: [{ sources: [10.0.0.1, 10.0.0.1/32], identity: proxy }]\n',
      'main.yaml:1:44: trusted_forwarders[0].sources[1]: ',
      'given twice; first at',
    ],
    [
      'everybody as a forwarder',
      'trusted_forwarders: [{ sources: [0.0.0.0/0], identity: proxy }]\n',
      'main.yaml:1:34: trusted_forwarders[0].sources[0]: ',
      'would trust everybody',
    ],
    ['nothing to listen on', 'listen: []\n', 'main.yaml:1:9: listen: ', 'at least one'],
    [
      'an answer that is no word',
      w('answer: nxdomian'),
      'main.yaml:4:13: workloads.app.answer: ',
      'none of nxdomain',
    ],
    [
      'two answers of a family',
      w('answer: [192.0.2.1, 192.0.2.2]'),
      'main.yaml:4:13: ',
      'two IPv4 addresses',
    ],
  ]);
});

it('no control character of a file reaches the terminal', () => {
  const yaml = 'workloads: { "a\\e[1m\\u009b": { sources: ["\\e[2J"] } }\n';
  const lines = problems(yaml).join('\n');
  expect(lines).toContain('\\u001b');
  expect(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(lines)).toBe(false);
});

describe('numbers, sinks and feeds', () => {
  const sink = (text: string): string => `alerts:\n  - ${text}\n`;
  const feed = (text: string): string => `feeds:\n  f: { ${text}, category: x }\n`;
  holds([
    ['no workers', 'workers: 0\n', 'main.yaml:1:10: workers: ', 'at least 1'],
    ['half a worker', 'workers: 1.5\n', 'main.yaml:1:10: workers: ', 'whole number'],
    ['a duration without a unit', 'deny_ttl: 30\n', 'main.yaml:1:11: deny_ttl: ', 'like "30s"'],
    [
      'a duration with a strange unit',
      'deny_ttl: 30 sec\n',
      'main.yaml:1:11: deny_ttl: ',
      'like "30s"',
    ],
    [
      'a duration out of range',
      'deny_ttl: 2h\n',
      'main.yaml:1:11: deny_ttl: ',
      'accepted is 0s to 1h',
    ],
    [
      'a size without a unit',
      'cache: { size: 64 }\n',
      'main.yaml:1:16: cache.size: ',
      'like "4kB"',
    ],
    ['a size out of range', 'cache: { size: 1kB }\n', 'main.yaml:1:16: cache.size: ', '1MB to 4GB'],
    [
      'an unknown mode',
      w('mode: enfroce'),
      'main.yaml:4:11: workloads.app.mode: ',
      'did you mean "enforce"?',
    ],
    [
      'a sink over TLS by name',
      sink('to: "syslog+tls://siem.example"'),
      'main.yaml:2:9: alerts[0].to: ',
      '"syslog+tls://192.0.2.1:6514#siem.example"',
    ],
    [
      'a name of a certificate that is none',
      sink('to: "syslog+tls://192.0.2.1#Siem.example"'),
      'main.yaml:2:9: alerts[0].to: ',
      'behind "#"',
    ],
    [
      'a webhook in the clear',
      sink('to: "http://hooks.example/"'),
      'main.yaml:2:9: alerts[0].to: ',
      'is no sink',
    ],
    [
      'a webhook with a password',
      sink('to: "https://me:pass@hooks.example/"'),
      'main.yaml:2:9: alerts[0].to: ',
      'secret: file:PATH',
    ],
    [
      'a secret in the configuration',
      sink('{ to: "https://hooks.example/", secret: hunter2 }'),
      'main.yaml:2:45: alerts[0].secret: ',
      'secrets do not stand in the configuration',
    ],
    [
      'a certificate where there is no TLS',
      sink('{ to: "syslog+tcp://192.0.2.1", ca: "file:x" }'),
      'main.yaml:2:41: alerts[0].ca: ',
      'only for syslog+tls:// and https:// sinks',
    ],
    [
      'a framing that RFC 5425 does not have',
      sink('{ to: "syslog+tls://192.0.2.1", framing: lf }'),
      'main.yaml:2:46: alerts[0].framing: ',
      'only for syslog+tcp:// sinks',
    ],
    [
      'a certificate without its key',
      sink('{ to: "syslog+tls://192.0.2.1", cert: "file:x" }'),
      'main.yaml:2:43: alerts[0].cert: ',
      'needs `key`',
    ],
    [
      'a port beside the one of the URL',
      sink('{ to: "https://hooks.example/", address: "192.0.2.1:80" }'),
      'main.yaml:2:46: alerts[0].address: ',
      'has a port',
    ],
    [
      'a sink by name',
      sink('to: "syslog+udp://siem:514"'),
      'main.yaml:2:9: alerts[0].to: ',
      'addresses, no names',
    ],
    [
      'a sink of an unknown kind',
      sink('to: "kafka:x"'),
      'main.yaml:2:9: alerts[0].to: ',
      'is no sink',
    ],
    ['a relative socket', sink('to: "unix:log"'), 'main.yaml:2:9: alerts[0].to: ', 'absolute path'],
    [
      'syslog format in a file',
      sink('{ to: "file:x", format: rfc5424 }'),
      'main.yaml:2:29: alerts[0].format: ',
      'a file takes json, cef, ecs, ocsf, not rfc5424',
    ],
    [
      'an unknown facility',
      sink('{ to: "unix:/dev/log", facility: local8 }'),
      'main.yaml:2:38: alerts[0].facility: ',
      'did you mean',
    ],
    [
      'an unknown alert type',
      sink('{ to: "unix:/dev/log", types: [tunnels] }'),
      'main.yaml:2:36: alerts[0].types[0]: ',
      'did you mean "tunnel"?',
    ],
    [
      'no alert type at all',
      sink('{ to: "unix:/dev/log", types: [] }'),
      'main.yaml:2:35: alerts[0].types: ',
      'name alert types or remove the key',
    ],
    [
      'a severity by number',
      sink('{ to: "unix:/dev/log", severity: 4 }'),
      'main.yaml:2:38: alerts[0].severity: ',
      'is none of emergency, alert, critical, error, warning',
    ],
    [
      'a sink for a workload that nobody gives',
      `${w('')}${sink('{ to: "unix:/dev/log", workloads: [unmapped, ap] }')}`,
      'main.yaml:6:50: alerts[0].workloads[1]: ',
      'there is no workload "ap" (did you mean "app"?)',
    ],
    [
      'a cap that lets nothing through',
      sink('{ to: "unix:/dev/log", max_per_minute: 0 }'),
      'main.yaml:2:44: alerts[0].max_per_minute: ',
      'is not at least 1',
    ],
    [
      'a feed over plain HTTP',
      feed('source: "http://feeds.example/x"'),
      'main.yaml:2:16: feeds.f.source: ',
      'https://',
    ],
    [
      'a feed with credentials',
      feed('source: "https://u:p@feeds.example/x"'),
      'main.yaml:2:16: feeds.f.source: ',
      'https://',
    ],
    [
      'an unknown feed format',
      feed('source: x, format: host'),
      'main.yaml:2:27: feeds.f.format: ',
      'did you mean "hosts"?',
    ],
  ]);
});

it('a glob that is too long to search', () => {
  expect(problems(`include: ${'a'.repeat(70_000)}*\n`)[0]).toContain('include: cannot be searched');
});

describe('one part against another', () => {
  const two = 'workloads:\n  a: { sources: [10.0.0.0/8] }\n  b: { sources: [10.0.0.0/8] }\n';
  holds([
    [
      'a shortest time above the longest',
      'cache: { min_ttl: 1h, max_ttl: 1m }\n',
      'main.yaml:1:19: cache.min_ttl: ',
      'longer than cache.max_ttl',
    ],
    [
      'a bundle that nobody gives',
      `bundles: { aws: [] }\n${w('use: [asw]')}`,
      'main.yaml:5:11: workloads.app.use[0]: ',
      'did you mean "aws"?',
    ],
    [
      'an upstream that nobody gives',
      'forward: { .: defalt }\n',
      'main.yaml:1:15: forward.".": ',
      'did you mean "default"?',
    ],
    [
      'a source of two workloads',
      two,
      'main.yaml:3:18: workloads.b.sources[0]: ',
      'workload "a" at main.yaml:2:18',
    ],
    [
      'a source twice',
      'workloads:\n  a: { sources: [10.0.0.1, 10.0.0.1/32] }\n',
      'main.yaml:2:28: workloads.a.sources[1]: ',
      'given twice',
    ],
    [
      'an IPv4 source in its mapped form',
      'workloads:\n  a: { sources: [10.0.0.1, "::ffff:10.0.0.1"] }\n',
      'main.yaml:2:28: ',
      '10.0.0.1/32 is given twice',
    ],
    [
      'a forward suffix in capitals',
      'forward: { Corp.example: default }\n',
      'main.yaml:1:12: ',
      'use "corp.example"',
    ],
    [
      'a zone twice',
      'zones:\n  - { name: a.example, file: a }\n  - { name: a.example, file: b }\n',
      'main.yaml:3:5: zones[1]: ',
      'first at main.yaml:2:5',
    ],
    [
      'the root as a zone',
      'zones: [{ name: ., file: a }]\n',
      'main.yaml:1:17: zones[0].name: ',
      'a name is expected',
    ],
  ]);
});

it('all problems come at once, in the order of the file', () => {
  const lines = problems(`lisen: []
workers: 0
bundles:
  b: [A.example, "*.com"]
workloads:
  app:
    sources: [10.0.0.1/8, 10.0.0.0/8]
    use: [c]
    allow: [x..example, "*.io", ok.example]
  other:
    sources: [10.0.0.0/8]
    deny: [B.example]
cache: { size: 1 }
`);
  expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
    'main.yaml:1:1 lisen',
    'main.yaml:2:10 workers',
    'main.yaml:4:7 bundles.b[0]',
    'main.yaml:4:18 bundles.b[1]',
    'main.yaml:7:15 workloads.app.sources[0]',
    'main.yaml:8:11 workloads.app.use[0]',
    'main.yaml:9:13 workloads.app.allow[0]',
    'main.yaml:9:25 workloads.app.allow[1]',
    'main.yaml:11:15 workloads.other.sources[0]',
    'main.yaml:12:12 workloads.other.deny[0]',
    'main.yaml:13:16 cache.size',
  ]);
});
