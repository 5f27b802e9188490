/** What cannot be carried over is listed with its line and the reason, and nothing is made wider. */

import { describe, expect, it } from 'vitest';
import { writeYaml } from '../../src/import/write.ts';
import { InForce, imported, losses } from './support.ts';

const PORTS = 'a resolver sees names, not ports: close them in the network';
const PARTS = 'its wildcard matches parts of names; "*.example.com" (below it) is accepted';
const EVERYTHING = 'names everything: that is no entry, but `mode: open`';

function allowed(policy: ReturnType<typeof imported>, workload = 0): string[] {
  return policy.workloads[workload]?.allow.map(({ pattern }) => pattern) ?? [];
}

describe('a Smokescreen ACL', () => {
  const ACL = `version: v1
services:
  - name: Ledger
    project: money
    action: enforce
    allowed_domains: [api.example, 192.0.2.1, "*.io"]
    mitm_domains: [{ domain: api.example }]
  - name: scraper
    project: web
    action: open
    allowed_domains: ["ok.bad.example"]
    frobnicate: 1
default: { project: rest, action: watch, allowed_domains: [default.example] }
global_deny_list: ["*.bad.example"]
`;
  const policy = imported('smokescreen', ACL);

  it('loses addresses, settings of the proxy, unknown keys and actions, and a deny within an allow', () => {
    expect(losses(policy)).toEqual([
      'line 7: Ledger: mitm_domains: about a proxy, not names',
      expect.stringMatching(/^line 6: 192\.0\.2\.1: "192\.0\.2\.1" is an address; rules are about/),
      'line 8: scraper: frobnicate: a key that is not known here',
      'line 13: default: action watch: not known; `enforce` is set',
      'line 14: global_deny_list *.bad.example: scraper allows ok.bad.example before it; here the deny wins',
    ]);
  });

  it('has a workload for each service and the default, with owner and mode', () => {
    const said = policy.workloads.map(({ name, owner, mode }) => [name, owner, mode]);
    expect(said).toEqual([
      ['ledger', 'money', 'enforce'],
      ['scraper', 'web', 'open'],
      ['default', 'rest', 'enforce'],
    ]);
    expect(policy.notes).toContain('service "Ledger" is called ledger here');
  });

  it('keeps a wildcard on a shared suffix, marked as such', () => {
    expect(writeYaml(policy, '')).toContain(
      '      - { name: "*.io", shared_suffix: true }  # any stranger can get a name there\n',
    );
  });

  it('gives one service, by its name here', () => {
    const { workloads } = imported('smokescreen', ACL, { workload: 'scraper' });
    expect(workloads.map(({ name }) => name)).toEqual(['scraper']);
    expect(() => imported('smokescreen', ACL, { workload: 'x' })).toThrow(
      'no workload "x"; there are: ledger, scraper, default',
    );
  });
});

describe('endpoints of harden-runner', () => {
  const WORKFLOW = `jobs:
  build:
    steps:
      - uses: step-security/harden-runner@v2
        with:
          egress-policy: block
          policy: shared
          allowed-endpoints: >
            github.com:443 *.docker.io:443
            prod*.blob.example:443 192.0.2.1:80 x.internal:443 \${{ vars.MORE }}
  test:
    steps:
      - uses: step-security/harden-runner@0123abc
        with: { egress-policy: audit, allowed-endpoints: "proxy.example" }
      - uses: actions/checkout@v4
`;
  const policy = imported('harden-runner', WORKFLOW);

  it('lose ports, addresses, parts of labels, expressions, and what is kept elsewhere', () => {
    expect(losses(policy)).toEqual([
      'line 7: job build: policy: its names are kept elsewhere, or it is not known',
      expect.stringMatching(/^line 8: job build: \$\{\{ vars\.MORE \}\}: an expression: its value/),
      `line 8: prod*.blob.example:443: ${PARTS}`,
      expect.stringMatching(/^line 8: 192\.0\.2\.1:80: .* is an address/),
      'line 8: x.internal:443: the agent asks for no name under `internal`, and so it is left out',
      `ports 443 (3): ${PORTS}`,
    ]);
  });

  it('are a workload for each job: audit is report, block is enforce', () => {
    expect(policy.workloads.map(({ name, mode }) => [name, mode])).toEqual([
      ['build', 'enforce'],
      ['test', 'report'],
    ]);
    expect([allowed(policy, 0), allowed(policy, 1)]).toEqual([
      ['github.com', '*.docker.io'],
      ['proxy.example'],
    ]);
  });

  it('of a plain list are one workload, named by the caller', () => {
    const plain = imported('harden-runner', 'a.example:443 # one\n\n b.example', {
      workload: 'ci',
    });
    expect([plain.workloads[0]?.name, allowed(plain)]).toEqual(['ci', ['a.example', 'b.example']]);
  });

  it('of a workflow without the action are a loss', () => {
    expect(losses(imported('harden-runner', 'jobs: { a: { steps: [{ run: x }] } }'))).toEqual([
      'the workflow: no step of it uses step-security/harden-runner',
    ]);
  });
});

describe('a policy of Cilium', () => {
  const POLICY = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: to-fqdn, namespace: prod }
spec:
  endpointSelector: { matchLabels: { app: shop } }
  ingress: [{}]
  enableDefaultDeny: { egress: false }
  egress:
    - toEndpoints: [{}]
      toPorts: [{ ports: [{ port: "53" }], rules: { dns: [{ matchPattern: "*" }] } }]
    - toFQDNs:
        - matchName: Api.Example.
        - matchPattern: "*.one.example"
        - matchPattern: "**.deep.example"
        - matchPattern: "sub*.x.example"
        - matchPattern: "*"
      toPorts: [{ ports: [{ port: "443" }], rules: { http: [{}] } }]
---
kind: ConfigMap
metadata: { name: other }
`;
  const one = 'line 13: matchPattern *.one.example';

  it('loses what is not about names, parts of labels, everything, and a star of one label', () => {
    expect(losses(imported('cilium', POLICY))).toEqual([
      'line 6: to-fqdn: ingress: not about names asked for',
      'line 7: to-fqdn: enableDefaultDeny: it denies nothing; `enforce` is set here',
      'line 9: to-fqdn: toEndpoints: about addresses, not names',
      `${one}: one label there, any depth as *.one.example here; --widen takes it so`,
      `line 15: matchPattern sub*.x.example: ${PARTS}`,
      `line 16: matchPattern *: ${EVERYTHING}`,
      `line 17: to-fqdn: ports 443: ${PORTS}`,
      'line 17: to-fqdn: rules http: about what is said after the name',
      'line 19: ConfigMap other: not a kind that is read',
    ]);
  });

  it('takes the star of one label only when it is told to, and says so', () => {
    expect(allowed(imported('cilium', POLICY))).toEqual(['api.example', '*.deep.example']);
    const widened = imported('cilium', POLICY, { widen: true });
    expect(allowed(widened)).toEqual(['api.example', '*.deep.example', '*.one.example']);
    expect(losses(widened)).toContain(`${one}: widened: one label there, any depth here`);
    expect(new InForce(widened).allows('a.b.one.example')).toBe(true);
  });

  it('of a list, and with several specs, is a workload for each', () => {
    const metadata = { name: 'p' };
    const spec = { egress: [{ toFQDNs: [{ matchName: 'a.example' }] }] };
    const kind = 'CiliumClusterwideNetworkPolicy';
    const items = [
      { kind, metadata, spec },
      { kind, metadata, specs: [spec, spec] },
    ];
    const { workloads } = imported('cilium', JSON.stringify({ kind: 'List', items }));
    expect(workloads.map(({ name }) => name)).toEqual(['p', 'p-2', 'p-3']);
  });
});

describe('a list', () => {
  const rows: { name: string; format: string; line: string; why: RegExp }[] = [
    { name: 'a regular expression', format: 'pihole', line: '/^ad[0-9]/', why: /regular expr/ },
    { name: 'a URL', format: 'adguard', line: '||a.example/ads', why: /a URL/ },
    { name: 'a cosmetic rule', format: 'adguard', line: 'a.example##.ad', why: /of a page/ },
    { name: 'a modifier', format: 'adguard', line: '||a.example^$client=x', why: /narrows it/ },
    {
      name: 'an anchor without end',
      format: 'adguard',
      line: '||a.example',
      why: /parts of names/,
    },
    { name: 'a wildcard inside', format: 'adguard', line: '||a*.example^', why: /parts of names/ },
    { name: 'an address', format: 'hosts', line: '0.0.0.0', why: /an address, not a name/ },
    { name: 'a redirect', format: 'hosts', line: '192.0.2.1 a.example', why: /a local zone/ },
    { name: 'a bare name', format: 'hosts', line: 'a.example', why: /no line of a hosts file/ },
    { name: 'a name that is none', format: 'pihole', line: 'a..example', why: /an empty label/ },
    {
      name: 'an address trigger',
      format: 'rpz',
      line: '32.1.2.0.192.rpz-ip CNAME .',
      why: /trigger/,
    },
    {
      name: 'an action that is none',
      format: 'rpz',
      line: 'a.example. CNAME rpz-pass.',
      why: /no action that is known/,
    },
  ];

  it.each(rows)('$format: $name is lost, and the rest is not', ({ format, line, why }) => {
    const kept = format === 'rpz' ? 'kept.example. CNAME .' : '0.0.0.0 kept.example';
    const policy = imported(format, `${kept}\n${line}\n`);
    expect(losses(policy)).toEqual([expect.stringMatching(why)]);
    expect(losses(policy)[0]).toMatch(/^line 2: /);
    expect(policy.feeds[0]?.lines).toEqual(['kept.example. CNAME .']);
  });

  it('a rule that another takes back by $badfilter is no rule', () => {
    const lines = ['||a.example^', '||b.example^$important', '||a.example^$badfilter'];
    const policy = imported('adguard', [...lines, '||b.example^$important,badfilter'].join('\n'));
    expect([policy.feeds[0]?.lines, policy.lost]).toEqual([[], []]);
  });

  it('comments, and what every hosts file begins with, are neither entries nor lost', () => {
    const text =
      '\uFEFF! x\n# x\n#\n[Adblock Plus]\n127.0.0.1 localhost # x\n::1 ip6-localhost\n#x\n';
    const policy = imported('adguard', text);
    expect([policy.feeds[0]?.lines, policy.lost]).toEqual([[], []]);
  });

  it('of a zone keeps what the listed name gets', () => {
    const records = [
      'a CNAME *.',
      '*.a CNAME rpz-drop.',
      'b CNAME w.example.',
      'c AAAA 2001:db8::1',
      'd TXT "x y"',
    ];
    const policy = imported('rpz', `$ORIGIN z.example.\n${records.join('\n')}`);
    expect(policy.lost).toEqual([]);
    expect(policy.feeds[0]?.lines).toEqual([
      'a. CNAME *.',
      '*.a. CNAME rpz-drop.',
      'b. CNAME w.example.',
      'c. AAAA 2001:db8:0:0:0:0:0:1',
      'd. TYPE16 \\# 4 03782079',
    ]);
    const own = imported('rpz', records.join('\n'), { workload: 'w' });
    expect(losses(own)).toHaveLength(5);
  });

  it.each([
    ['DNAME x.', 'CNAME *.', /NODATA/],
    ['TXT "', 'CNAME *.', /NODATA/],
    ['CNAME *.x.', 'CNAME .', /is denied/],
  ])('of a zone says what becomes of a name with %s', (data, action, why) => {
    const policy = imported('rpz', `a.example. ${data}`);
    expect(losses(policy)).toEqual([expect.stringMatching(why)]);
    expect(policy.feeds[0]?.lines).toEqual([`a.example. ${action}`]);
  });

  it('of Route 53 must be said to be for something, and a star alone is no entry', () => {
    expect(() => imported('route53', 'a.example')).toThrow('--as allow, or --as deny');
    expect(losses(imported('route53', '*\nx*.example', { as: 'allow' }))).toEqual([
      `line 1: *: ${EVERYTHING}`,
      `line 2: x*.example: ${PARTS}`,
    ]);
  });

  it('as long as a configuration may hold is written, with as many losses', () => {
    const lines = Array.from({ length: 150_000 }, (_, i) => `||n${i}.example^\n||x${i}.example`);
    for (const workload of [null, 'w']) {
      const yaml = writeYaml(imported('adguard', lines.join('\n'), { workload }), '');
      expect(yaml.split('\n').length).toBeGreaterThan(300_000);
    }
  });

  it('too long for a configuration is refused, with what to do instead', () => {
    const text = Array.from({ length: 200_001 }, (_, i) => `0.0.0.0 n${i}.example`).join('\n');
    expect(() => imported('hosts', text)).toThrow('at most 200000; read the file itself');
  });
});

describe('hostile input', () => {
  it.each(['smokescreen', 'cilium'])('%s: what is not of the format is refused', (format) => {
    for (const text of ['', '{', 'a: [', '- x', '\u0000', 'a: *b', '42', 'null']) {
      expect(() => imported(format, text)).toThrow(/^no (Smokescreen ACL|network policy)/);
    }
  });

  it.each(Object.keys(SHAPES()))('%s: values of other shapes are empty or lost', (format) => {
    for (const text of SHAPES()[format] ?? []) {
      const policy = imported(format, text, { as: 'deny' });
      expect(() => new InForce(policy)).not.toThrow();
    }
  });

  it('text of the source stays one line of comment', () => {
    const evil = 'x\u001b[31m\nworkloads: { evil: { sources: [0.0.0.0/0] } }\u2028';
    const acl = { services: [{ name: evil, project: evil, action: evil, [evil]: 1 }] };
    const yaml = writeYaml(imported('smokescreen', JSON.stringify(acl)), evil);
    expect(yaml).not.toMatch(/[\u001b\u2028]|^workloads: \{/m);
    expect(() => new InForce(imported('smokescreen', JSON.stringify(acl)))).not.toThrow();
  });
});

/** Texts of odd shapes, which are read all the same. */
function SHAPES(): Record<string, string[]> {
  return {
    smokescreen: [
      'services: [1, null, [], { name: null, allowed_domains: 3, action: enforce }]',
      'services: []\ndefault: 7\nglobal_deny_list: { a: b }\nglobal_allow_list: [1, null, {}]',
      'services: [{ name: everyone, action: open }, { name: "---", action: open }]',
    ],
    cilium: [
      'kind: CiliumNetworkPolicy\nspec: { egress: [1, { toFQDNs: [1, {}, { matchName: [] }] }] }',
      'kind: CiliumNetworkPolicy\nspec: { egress: [{ toPorts: [{ ports: 1, rules: { dns: 1 } }] }] }',
    ],
    'harden-runner': ['', ':::: * *. .', 'jobs: { a: { steps: 1 }, b: null }'],
    route53: ['{"Domains": [1, null, {}, "a.example"]}', '{}', '\u0000\n*.\n.'],
    rpz: ['\u0000 CNAME .', '( ( (', '@ SOA', '$ORIGIN'],
    adguard: ['||^', '@@', '$', '||*.^', '|||a^', `${'a.'.repeat(300)}x`],
  };
}
