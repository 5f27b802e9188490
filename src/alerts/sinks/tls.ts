/**
 * TLS of a client: its certificate, whom it trusts, and the peer that it expects. The files are
 * read again for each connection, so a renewed certificate needs no restart.
 */

import { isIP } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { SecretRef, TlsRefs } from '../../config/sink-types.ts';
import { readSecret } from './secret.ts';

export class TlsIdentity {
  readonly #refs: TlsRefs;
  #texts = '';
  #context: SecureContext | null = null;

  constructor(refs: TlsRefs) {
    this.#refs = refs;
  }

  /**
   * What connections are made with, by the files as they are now.
   *
   * @throws Error when one cannot be read, holds no certificate, or key and certificate are not a
   * pair; what was read before stays
   */
  read(): SecureContext {
    const ca = certificate(this.#refs.ca);
    const cert = certificate(this.#refs.cert);
    const key = this.#refs.key === null ? undefined : readSecret(this.#refs.key);
    const texts = JSON.stringify([ca, cert, key]);
    if (this.#context !== null && texts === this.#texts) return this.#context;
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    this.#texts = texts;
    this.#context = context;
    return context;
  }

  /** Whether the files are others than at the last read. @throws as `read` does */
  hasChanged(): boolean {
    const before = this.#context;
    return this.read() !== before;
  }
}

/** OpenSSL takes a text without any certificate for an empty list, and nobody would know why. */
function certificate(ref: SecretRef | null): string | undefined {
  if (ref === null) return undefined;
  const text = readSecret(ref);
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  const place = ref.kind === 'file' ? ref.path : ref.name;
  throw new Error(`${ref.kind}:${place} holds no certificate in PEM form`);
}

export interface TlsPeer {
  readonly host: string;
  readonly port: number;
  /** Name or address that the certificate must be for. */
  readonly peer: string;
}

/** What decides whether a peer is the right one; the same for syslog and https. */
export function verification(peer: string, identity: TlsIdentity) {
  return {
    secureContext: identity.read(),
    // Said outright: an environment variable can switch the default off.
    rejectUnauthorized: true,
    checkServerIdentity: (_host: string, presented: PeerCertificate) =>
      checkServerIdentity(peer, presented),
    // RFC 6066 3: no addresses in the server name.
    ...(isIP(peer) === 0 ? { servername: peer } : {}),
  };
}

/** A connection under way; `secureConnect` tells that the peer is who it must be. */
export function connectTls({ host, port, peer }: TlsPeer, identity: TlsIdentity): TLSSocket {
  return connect({ host, port, ...verification(peer, identity) });
}
