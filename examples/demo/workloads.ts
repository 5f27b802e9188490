/** What the workloads of the demo ask for, and how they ask. */

import { randomBytes, randomInt } from 'node:crypto';
import { exchange } from '../../src/cli/query-exchange.ts';
import { buildQuery, type Response, readResponse } from '../../src/cli/query-message.ts';
import { nameToWire, typeFromText } from '../../src/wire/text.ts';

export interface Asking {
  readonly workload: string;
  readonly source: string;
  readonly name: string;
  readonly type: string;
  /** What this query shows. */
  readonly why: string;
}

const PAYMENTS = { workload: 'payments', source: '127.0.0.2' };
const BUILDER = { workload: 'builder', source: '127.0.0.3' };
const AGENT = { workload: 'agent', source: '127.0.0.4' };

/** The one that behaves, the one that does not, and an address that is nobody's. */
export const ASKINGS: readonly Asking[] = [
  { ...PAYMENTS, name: 'api.bank.example', type: 'A', why: 'in its allowlist' },
  { ...PAYMENTS, name: 'api.bank.example', type: 'AAAA', why: 'in its allowlist' },
  { ...PAYMENTS, name: 'eu.partner.example', type: 'A', why: 'below *.partner.example' },
  { ...PAYMENTS, name: 'api.bank.example', type: 'A', why: 'again, now from its memory' },
  { ...BUILDER, name: 'registry.packages.example', type: 'A', why: 'in its allowlist' },
  { ...BUILDER, name: 'cdn.packages.example', type: 'A', why: 'an alias of a clean name' },
  { ...BUILDER, name: 'drop.attacker.example', type: 'A', why: 'new, not in its allowlist' },
  { ...BUILDER, name: 'k3y.drop.attacker.example', type: 'TXT', why: 'the same, carrying data' },
  { ...BUILDER, name: 'dns.google', type: 'A', why: 'a DoH resolver' },
  { ...BUILDER, name: 'pastebin.com', type: 'A', why: 'a paste site' },
  { ...BUILDER, name: 'docs.tools.example', type: 'A', why: 'allowed, but an alias of it' },
  { ...BUILDER, name: 'printer.widgets.example', type: 'A', why: 'has a private address' },
  { ...BUILDER, name: 'meta.widgets.example', type: 'A', why: 'has the metadata address' },
  {
    workload: '(nobody)',
    source: '127.0.0.5',
    name: 'api.bank.example',
    type: 'A',
    why: 'no workload has this source',
  },
];

/** Random subdomains of a name that is allowed: how data leaves in queries. */
export function tunnelAskings(count: number): Asking[] {
  return Array.from({ length: count }, () => ({
    ...AGENT,
    name: `${randomBytes(26).toString('hex')}.sync.example`,
    type: 'TXT',
    why: '',
  }));
}

/** Asks the valve from the source's address, as the workload would. */
export async function ask(asking: Asking, port: number): Promise<Response> {
  const name = nameToWire(asking.name);
  const type = typeFromText(asking.type) ?? 0;
  const query = buildQuery(randomInt(2 ** 16), { name, type, dnssec: false });
  const server = { address: '127.0.0.1', port, family: 4 } as const;
  const got = await exchange({ server, source: asking.source }, query, 'UDP');
  return readResponse(query, got.octets);
}
