/** `listen`: where clients ask, over UDP and TCP, or encrypted over TLS or HTTPS. */

import { resolve } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../errors.ts';
import { hostname, listenAddress, parsed } from './leaves.ts';
import { DEFAULT_LISTEN, DOT_PORT, HTTPS_PORT } from './limits.ts';
import { parseSocketAddress } from './prefix.ts';
import type { SecretRef } from './sink-types.ts';
import { parseSecretRef } from './sinks.ts';
import type { Source } from './source.ts';
import type { Place, SocketAddress } from './types.ts';

/** What an encrypted listener has beside its address. */
export interface Encrypted {
  /** DNS over TLS (RFC 7858) or over HTTPS (RFC 8484). */
  readonly transport: 'tls' | 'https';
  readonly cert: SecretRef;
  readonly key: SecretRef;
  /** A name of the certificate, told to clients that look for this resolver (RFC 9462). */
  readonly name: string | null;
  /** Of the URL; empty with `tls`. */
  readonly path: string;
  readonly at: Place;
}

export interface Listener extends SocketAddress {
  /** Not there: UDP and TCP. */
  readonly encrypted?: Encrypted;
}

const DEFAULT_PATH = '/dns-query';

const secret = (description: string) =>
  parsed(parseSecretRef, { description, pattern: '^(file|env):' });

const certificate = {
  cert: secret('The certificate with its chain (PEM), `file:PATH` or `env:NAME`.'),
  key: secret('The private key of `cert` (PEM).'),
  name: hostname.optional().meta({
    description: 'A name of the certificate, told to clients that ask for `_dns.resolver.arpa`.',
  }),
};

const encryptedSchema = z
  .strictObject({
    address: z.string().meta({
      description: 'An address with an optional port, 853 or 443 when not given.',
    }),
    tls: z
      .strictObject(certificate)
      .optional()
      .meta({ description: 'DNS over TLS (RFC 7858) with this certificate.' }),
    https: z
      .strictObject({
        ...certificate,
        path: z
          .string()
          .regex(/^\/[A-Za-z0-9._~/-]*$/, { error: 'a path begins with "/" and has no blanks' })
          .default(DEFAULT_PATH)
          .meta({ description: 'Path of the URL.' }),
      })
      .optional()
      .meta({ description: 'DNS over HTTPS (RFC 8484) with this certificate.' }),
  })
  .refine(({ tls, https }) => (tls === undefined) !== (https === undefined), {
    error: 'give `tls` or `https`; an address alone is UDP and TCP',
  })
  .meta({ description: 'An encrypted listener.' });

export const listenSchema = z
  .array(z.union([listenAddress, encryptedSchema]))
  .min(1, { error: 'no address; list at least one' })
  .prefault([...DEFAULT_LISTEN])
  .meta({
    description:
      'Where clients ask: addresses for UDP and TCP each, and mappings for DNS over TLS and ' +
      'HTTPS; docs/listeners.md.',
  });

export function listenersOf(
  input: z.output<typeof listenSchema> | undefined,
  { document, directory }: Source,
  problems: Problem[],
): Listener[] {
  const absolute = (ref: SecretRef): SecretRef =>
    ref.kind === 'file' ? { kind: 'file', path: resolve(directory, ref.path) } : ref;
  return (input ?? []).flatMap((item, i): Listener[] => {
    if ('port' in item) return [item];
    const { tls, https } = item;
    const given = https ?? tls;
    const path = ['listen', i, 'address'];
    const at = document.at(path);
    const port = https === undefined ? DOT_PORT : HTTPS_PORT;
    const address = parseSocketAddress(item.address, port);
    if (typeof address === 'string') problems.push(document.problem(at, path, address));
    if (typeof address === 'string' || given === undefined) return [];
    const encrypted: Encrypted = {
      transport: https === undefined ? 'tls' : 'https',
      cert: absolute(given.cert),
      key: absolute(given.key),
      name: given.name?.name ?? null,
      path: https?.path ?? '',
      at: document.at(['listen', i]),
    };
    return [{ ...address, encrypted }];
  });
}
