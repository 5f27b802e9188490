/**
 * UpstreamPlan: the servers as a worker opens them, with nothing left to read. Plain data, so that
 * it can cross threads.
 */

import { X509Certificate } from 'node:crypto';
import { readSecret } from '../alerts/sinks/secret.ts';
import type { SocketAddress, Upstream } from '../config/types.ts';
import type { SecureServer, UpstreamServer } from '../config/upstream-server.ts';
import { messageOf, ProblemsError } from '../errors.ts';

/** Like SecureServer, with the authorities themselves in PEM form. */
export interface PlannedSecure extends Omit<SecureServer, 'ca'> {
  readonly ca: string | null;
}

export interface PlannedServer extends SocketAddress {
  readonly secure?: PlannedSecure;
}

/** The index of a group here is the `group` of a flight. Names are unique. */
export interface UpstreamPlan {
  readonly groups: readonly {
    readonly name: string;
    readonly servers: readonly PlannedServer[];
    /** Whether a second server is asked when the first is slow; no when not given. */
    readonly hedge?: boolean;
  }[];
}

/** @throws ProblemsError CONFIG with the authorities that cannot be read */
export function planOf(upstreams: readonly Upstream[]): UpstreamPlan {
  return {
    groups: upstreams.map((upstream) => ({
      name: upstream.name,
      servers: upstream.servers.map((server) => planned(upstream, server)),
      hedge: upstream.hedge,
    })),
  };
}

function planned({ name, at }: Upstream, server: UpstreamServer): PlannedServer {
  const { secure, ...address } = server;
  if (secure === undefined) return address;
  const { ca, ...rest } = secure;
  try {
    return {
      ...address,
      secure: { ...rest, ca: ca === null ? null : authorities(readSecret(ca)) },
    };
  } catch (thrown) {
    const message = `ca of ${serverText(server)}: ${messageOf(thrown)}`;
    throw new ProblemsError('CONFIG', [{ ...at, path: `upstreams.${name}.servers`, message }]);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** OpenSSL leaves out what it cannot read, and nobody would know why no server is trusted. */
function authorities(pem: string): string {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error('no certificate in PEM form');
  for (const [i, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (thrown) {
      throw new Error(`certificate ${i + 1} cannot be read: ${messageOf(thrown)}`);
    }
  }
  return pem;
}

/** The server as people write it, with its port. */
export function serverText(server: SocketAddress & { readonly secure?: Omit<SecureServer, 'ca'> }) {
  const { address, port, family, secure } = server;
  const place = `${family === 6 ? `[${address}]` : address}:${port}`;
  if (secure === undefined) return place;
  const isNamed = secure.peer !== address;
  if (secure.url !== null) return isNamed ? `${secure.url} ${address}` : secure.url;
  return isNamed ? `tls://${place}#${secure.peer}` : `tls://${place}`;
}
