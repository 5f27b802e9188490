/** The policy and the queries that mutation starts from, in one process and over sockets alike. */

import { buildQuery } from '../support/message.ts';

/** Prefixes that the two workloads ask from; anybody else is a stranger. */
export interface Places {
  readonly api: string;
  readonly open: string;
}

/** Files of a configuration by name; `more` stands in front of the main one. */
export function filesOf(places: Places, upstream: string, more = ''): Record<string, string> {
  return {
    'own.zone':
      '@ 300 SOA ns.own.test. host.own.test. 1 2 3 4 60\n@ 300 NS ns\nwww 300 A 10.0.0.5\n' +
      'alias 300 CNAME www\nout 300 CNAME x.example.com.\n* 300 TXT "any"\nbig 300 TXT ' +
      `${`"${'x'.repeat(250)}" `.repeat(8)}\n`,
    'main.yaml': `${more}
upstreams: { default: { servers: ["${upstream}"] } }
zones: [{ name: own.test, file: own.zone }]
feeds: { bad: { source: [listed.example], category: malware } }
workloads:
  api: { owner: "${'team '.repeat(40)}", sources: [${places.api}], allow: [.example.com, .control.test], answer: [192.0.2.9] }
  open: { sources: [${places.open}], mode: open }
`,
  };
}

const edns = {
  size: 1232,
  dnssecOk: true,
  options: [
    { code: 10, data: new Uint8Array(8) },
    { code: 8, data: Uint8Array.of(0, 1, 24, 0, 10, 0, 0) },
  ],
};

/** Well-formed queries of all kinds: allowed, denied, listed, local, special, long. */
export const SEEDS: readonly Buffer[] = [
  buildQuery({ name: 'www.example.com' }),
  buildQuery({ name: 'WWW.Example.com', edns: { size: 512 } }),
  buildQuery({ name: 'new.example.com', edns }),
  buildQuery({ name: 'denied.example.net', edns }),
  buildQuery({
    name: 'listed.example',
    type: 'HTTPS',
    edns: { size: 600, options: [{ code: 11, data: new Uint8Array(0) }] },
  }),
  buildQuery({ name: 'alias.own.test', edns }),
  buildQuery({ name: 'out.own.test', edns }),
  buildQuery({ name: 'big.own.test', type: 'TXT' }),
  buildQuery({ name: 'a.b.own.test', type: 'TXT', edns }),
  buildQuery({ name: 'x.onion', type: 'ANY', edns }),
  buildQuery({ name: 'any.example.com', type: 'ANY' }),
  buildQuery({ name: '.', type: 'NS', edns }),
  buildQuery({ name: Array(127).fill('a').join('.') }),
  Buffer.concat([buildQuery({ name: 'www.example.com', edns }), Buffer.alloc(20, 0xc0)]),
];
