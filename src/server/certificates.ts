/**
 * The certificates and keys of encrypted listeners, read from where the configuration says they
 * stand: when they are opened, and again at every reload. Keys go to the workers and nowhere else:
 * no snapshot, status or message for people holds one.
 */

import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { readSecret } from '../alerts/sinks/secret.ts';
import type { Encrypted, Listener } from '../config/listeners.ts';
import { messageOf, type Problem, ProblemsError } from '../errors.ts';

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * A pair for each listener, null for those that need none.
 *
 * @throws ProblemsError CONFIG for what cannot be read, is no pair, or is not for the name
 */
export function readCertificates(listeners: readonly Listener[]): (Pair | null)[] {
  const problems: Problem[] = [];
  const pairs = listeners.map(({ encrypted }) => {
    if (encrypted === undefined) return null;
    try {
      return readPair(encrypted);
    } catch (error) {
      const message = messageOf(error);
      problems.push({ ...encrypted.at, path: `listen.${encrypted.transport}`, message });
      return null;
    }
  });
  if (problems.length > 0) throw new ProblemsError('CONFIG', problems);
  return pairs;
}

function readPair({ cert, key, name }: Encrypted): Pair {
  const pair = { cert: readSecret(cert), key: readSecret(key) };
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(pair.cert);
    createSecureContext(pair);
  } catch (error) {
    // What OpenSSL says names no octet of the key.
    throw new Error(`certificate and key: ${messageOf(error)}`);
  }
  if (name !== null && leaf.checkHost(name) === undefined) {
    throw new Error(`the certificate is not for "${name}"`);
  }
  return pair;
}
