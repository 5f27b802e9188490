/**
 * TLS towards a server: who it must be, and what of one connection makes the next one cheaper.
 *
 * Strict (RFC 8310 5): there is no way to ask without a certificate that some authority vouches for
 * and that names the server in subjectAltName. Pins come on top. The common name counts for nothing
 * (RFC 9525 2).
 */

import { createHash, X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { messageOf } from '../errors.ts';
import type { PlannedSecure, PlannedServer } from './plan.ts';
import type { StreamFailure } from './transport.ts';

/** Ends in `dial` of a connection that is under way; `secureConnect` says the peer is the one. */
export class Dialer {
  readonly #server: PlannedServer;
  readonly #secure: PlannedSecure;
  readonly #protocol: string;
  #context: SecureContext | null = null;
  /** Ticket of the last connection whose certificate was good; each is used once. */
  #session: Buffer | null = null;

  /** @param protocol what ALPN says (RFC 7301): `dot` or `h2` */
  constructor(server: PlannedServer, secure: PlannedSecure, protocol: string) {
    this.#server = server;
    this.#secure = secure;
    this.#protocol = protocol;
  }

  dial(): TLSSocket {
    const { peer, ca } = this.#secure;
    const { address, port } = this.#server;
    this.#context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === null ? {} : { ca }),
    });
    const session = this.#session;
    this.#session = null;
    const socket = connect({
      host: address,
      port,
      secureContext: this.#context,
      ALPNProtocols: [this.#protocol],
      // Said outright: an environment variable can switch the default off.
      rejectUnauthorized: true,
      checkServerIdentity: (_host, presented) => this.#refusal(presented),
      // RFC 6066 3: no addresses in the server name.
      ...(isIP(peer) === 0 ? { servername: peer } : {}),
      ...(session === null ? {} : { session }),
    });
    socket.setNoDelay(true);
    this.#keepSession(socket);
    return socket;
  }

  /** A resumed connection shows no certificate, so no session is kept before it was judged. */
  #keepSession(socket: TLSSocket): void {
    let early: Buffer | null = null;
    let isJudged = false;
    socket.on('session', (session) => {
      if (isJudged) this.#session = session;
      else early = session;
    });
    socket.once('secureConnect', () => {
      isJudged = true;
      this.#session = early ?? this.#session;
    });
  }

  #refusal(presented: PeerCertificate): Error | undefined {
    const { peer, pins } = this.#secure;
    if (presented.subjectaltname === undefined) {
      return new Error(`it has no subjectAltName, so it is not for ${peer}`);
    }
    const mismatch = checkServerIdentity(peer, presented);
    if (mismatch !== undefined || pins.length === 0) return mismatch;
    const pin = pinOf(presented.raw);
    return pins.includes(pin) ? undefined : new Error(`its key is sha256/${pin}, which no pin is`);
  }
}

/** SHA-256 of the public key (SPKI, RFC 7858 appendix A) in base64. @param raw certificate, DER */
export function pinOf(raw: Uint8Array): string {
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

/** Why `socket` is no connection. @param error what it reported, or null when it just ended */
export function failureOf(socket: Socket, error: Error | null): StreamFailure {
  const refused = socket instanceof TLSSocket && Boolean(socket.authorizationError);
  const reason = error === null ? 'the server closed the connection' : messageOf(error);
  return {
    reason: refused ? `its certificate is refused: ${reason}` : reason,
    certificate: refused,
  };
}
