/**
 * The keys of an entry of `alerts:` that are about the way there. Which suit which sink: see
 * sink-target.ts.
 */

import { z } from 'zod';
import { parsed } from './leaves.ts';
import { SYSLOG_TLS_PORT, WEBHOOK_BATCH } from './limits.ts';
import { parseSocketAddress } from './prefix.ts';
import { parseSecretRef } from './sinks.ts';

function secretRef(description: string) {
  return parsed(parseSecretRef, { description, pattern: '^(file|env):' }).optional();
}

/** An address without a port; the port is that of the URL. */
const address = parsed(
  (text) =>
    /^(\[.*\]|[^:]*):\d+$/.test(text)
      ? `"${text}" has a port; the URL has it already`
      : parseSocketAddress(text, SYSLOG_TLS_PORT),
  {
    description:
      'https: connect to this address instead of looking the name of the URL up; the certificate ' +
      'must still be for the name.',
  },
);

export const FRAMINGS = ['octet-counting', 'lf'] as const;

export const transportShape = {
  framing: z
    .enum(FRAMINGS)
    .optional()
    .meta({
      description:
        'syslog+tcp: how messages are told apart (RFC 6587); `octet-counting` when not given, ' +
        '`lf` for collectors that read lines.',
    }),
  ca: secretRef(
    'syslog+tls, https: the authorities (PEM) that may vouch for the peer, `file:PATH` or ' +
      '`env:NAME`; those that Node brings when not given.',
  ),
  cert: secretRef('syslog+tls, https: our certificate with its chain (PEM), for peers that ask.'),
  key: secretRef('syslog+tls, https: the private key of `cert` (PEM).'),
  secret: secretRef('https: the key of the signature; no signature when not given.'),
  address: address.optional(),
  batch: z
    .int()
    .min(WEBHOOK_BATCH.min)
    .max(WEBHOOK_BATCH.max)
    .optional()
    .meta({
      description: `https: alerts in one request at most; ${WEBHOOK_BATCH.default} when not given.`,
    }),
};
