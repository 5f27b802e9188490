/** Texts and files that mutation starts from: one of each format that is read. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Link, sealRecord } from '../../src/audit/record.ts';
import { controlFrame } from '../../src/querylog/frames.ts';
import {
  ANSWERING,
  ASKING,
  datagram,
  message,
  pcap,
  pcapng,
  SYN,
  segment,
} from '../detect/eval/captures.ts';
import { writeMmdb } from '../reputation/mmdb-writer.ts';
import { framed } from '../support/client.ts';
import { SEEDS } from './world.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const lines = (...text: readonly string[]): Buffer => Buffer.from(`${text.join('\n')}\n`);

const HOSTS = lines(
  '# hosts',
  '127.0.0.1 localhost',
  '0.0.0.0 a.example b.example',
  '::1 c.example',
);
const PLAIN = lines('a.example', '*.b.example # remark', '.c.example', 'xn--bcher-kva.example', '');
const ADBLOCK = lines(
  '[Adblock Plus 2.0]',
  '! title',
  '||a.example^',
  '@@||b.example^',
  '||c.*^$third-party',
);
const RPZ = lines(
  '$TTL 60',
  '@ SOA ns host 1 2 3 4 5',
  ' NS ns',
  'a.example CNAME .',
  '*.b.example CNAME *.',
  'c.example CNAME rpz-passthru.',
  '24.0.2.0.192.rpz-ip CNAME .',
  'd.example A 192.0.2.1',
);

const SMOKESCREEN = lines(
  'version: v1',
  'services:',
  '  - name: ledger',
  '    action: enforce',
  '    allowed_domains: [api.example, "*.io.example"]',
  'default: { project: rest, action: report, allowed_domains: [d.example] }',
  'global_deny_list: ["*.bad.example"]',
);
const WORKFLOW = lines(
  'jobs:',
  '  build:',
  '    steps:',
  '      - uses: step-security/harden-runner@v2',
  '        with: { egress-policy: block, allowed-endpoints: "github.com:443 *.docker.io:443" }',
);
const ROUTE53 = lines('{"Domains": ["a.example.", "*.b.example.", "*"]}');
const CILIUM = lines(
  'apiVersion: cilium.io/v2',
  'kind: CiliumNetworkPolicy',
  'metadata: { name: p, namespace: n }',
  'spec:',
  '  endpointSelector: { matchLabels: { app: shop } }',
  '  egress:',
  '    - toFQDNs: [{ matchName: api.example }, { matchPattern: "*.one.example" }]',
);

const CONFIGURATIONS = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.yaml') && name !== 'include.yaml')
  .map((name) => readFileSync(join(EXAMPLES, name)));

const NETWORKS = {
  '198.51.100.0/24': { autonomous_system_number: 64500, country: { iso_code: 'XA' } },
  '2001:db8:5::/48': { list: [1, 'two', true], text: 'x'.repeat(100) },
};
const FRAMES = [
  datagram(ASKING, message(1, 'a.example')),
  datagram(ANSWERING, message(1, 'a.example', 1, 0x8180)),
  segment(ASKING, { flags: SYN, sequence: 1, payload: Buffer.alloc(0) } as Parameters<
    typeof segment
  >[1]),
].map((octets, i) => ({ seconds: 1_700_000_000 + i, octets }));
const ALERT =
  '{"version":1,"id":"a","type":"denied","time":"2026-01-01T00:00:00Z","qname":"a.example"}';

export const SEED_TEXTS = {
  feeds: [HOSTS, PLAIN, ADBLOCK, RPZ],
  imports: [SMOKESCREEN, WORKFLOW, ROUTE53, CILIUM, HOSTS, ADBLOCK, RPZ],
  configurations: CONFIGURATIONS,
  databases: [writeMmdb(NETWORKS), writeMmdb(NETWORKS, { recordBits: 28 })],
  captures: [pcap(FRAMES, { linkType: 1 }), pcapng(FRAMES, { linkType: 1 })],
  tables: [
    lines(
      't\tclient\tqname\tqtype\trcode\tresp_len\tttl',
      '0.5\tc1\ta.example\tA\tNOERROR\t60\t300',
      '1\tc2\tb\\046c.example\tTXT\tNXDOMAIN\t90\t0',
    ),
  ],
  journals: [
    lines(`{"sequence":1,"at":5,"alert":${ALERT}}`, `{"sequence":2,"at":6,"alert":${ALERT}}`),
  ],
  controls: [Buffer.concat([controlFrame(1, 'protobuf:dnstap.Dnstap'), controlFrame(5, null)])],
  streams: [Buffer.concat(SEEDS.slice(0, 4).map(framed))],
} as const;

/** Octets that mean something to one format or another. */
export const WORDS: readonly Buffer[] = [
  ...[
    '\n',
    ' ',
    '\t',
    '\r\n',
    '\0',
    '"',
    "'",
    '\\',
    '#',
    ';',
    '!',
    '*',
    '.',
    '..',
    '-',
    '_',
    ',',
    ':',
    '/',
    '|',
    '||',
    '@@',
    '^',
    '$',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '<<: ',
    '!!int ',
    '---\n',
    '? ',
    '%',
  ],
  ...[
    '$TTL 1',
    '$ORIGIN .',
    '$INCLUDE x',
    '$GENERATE 1-9 a$ A 192.0.2.$',
    '\\# 1 ',
    '\\000',
    '\\256',
    'IN',
    'CNAME .',
    'SOA',
    'rpz-ip',
    '0.0.0.0 ',
    '::',
    '999.1.1.1',
  ],
  ...[
    'null',
    'true',
    '-1',
    '0',
    '1e999',
    '65536',
    '4294967296',
    '0x10',
    '99999999999999999999',
    '__proto__',
    'constructor',
    'allow: ',
    'workloads: ',
    'sources: ',
    'name: ',
  ],
  ...[
    'xn--',
    'xn--a-',
    '\u00e9',
    '\u3002',
    '\ufeff',
    '\u202e',
    '\ud800',
    'x'.repeat(64),
    'a.'.repeat(130),
  ],
]
  .map((word) => Buffer.from(word, 'utf8'))
  .concat([0, 1, 0x7f, 0x80, 0xc0, 0xff].map((octet) => Buffer.alloc(4, octet)));

let log: Buffer | null = null;

/** An audit log of three records. */
export function sealedLog(): Buffer {
  if (log !== null) return log;
  const text: string[] = [];
  let last: Link | null = null;
  for (const reason of ['one', 'two', 'three']) {
    const by = { via: 'control', uid: 1, gid: 1, pid: 7 } as const;
    const { line, seq, sha256 } = sealRecord(
      last,
      { act: 'reload', by, details: { reason } },
      1e12,
    );
    text.push(line);
    last = { seq, sha256 };
  }
  log = lines(...text);
  return log;
}
