/**
 * The encrypted listeners as records of `_dns.resolver.arpa`, by which clients find them (RFC 9462
 * section 4, RFC 9461). Listeners without a name are not told of: a client could not verify them.
 */

import type { Encrypted, Listener } from '../config/listeners.ts';

const TTL = 300;

/** Master-file text; empty where there is nothing to be told, which makes the answer NODATA. */
export function designatedRecords(listen: readonly Listener[]): string {
  const services = new Map<string, Listener[]>();
  for (const listener of listen) {
    const { encrypted, port } = listener;
    if (encrypted === undefined || encrypted.name === null) continue;
    const service = `${encrypted.name}. ${parameters(encrypted, port)}`;
    services.set(service, [...(services.get(service) ?? []), listener]);
  }
  return [...services]
    .map(([service, found], i) => {
      return `_dns ${TTL} SVCB ${i + 1} ${service}${hints(found)}\n`;
    })
    .join('');
}

function parameters({ transport, path }: Encrypted, port: number): string {
  if (transport === 'tls') return `alpn=dot port=${port}`;
  return `alpn=h2 port=${port} dohpath="${path}{?dns}"`;
}

/** Addresses that clients need not look up; of a wildcard none is known. */
function hints(found: readonly Listener[]): string {
  const of = (family: 4 | 6): string =>
    found
      .filter(
        (listener) => listener.family === family && !/^(0\.0\.0\.0|::)$/.test(listener.address),
      )
      .map(({ address }) => address)
      .join(',');
  const [v4, v6] = [of(4), of(6)];
  return `${v4 === '' ? '' : ` ipv4hint=${v4}`}${v6 === '' ? '' : ` ipv6hint=${v6}`}`;
}
