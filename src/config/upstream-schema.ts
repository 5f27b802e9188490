/** The schema of `upstreams`: sets of servers, each written as a text or as a mapping. */

import { z } from 'zod';
import { parsed } from './leaves.ts';
import { HTTPS_PORT } from './limits.ts';
import { parseSocketAddress } from './prefix.ts';
import { parseSecretRef } from './sinks.ts';
import { completeServer, parsePin, parseServer, parseServerPlace } from './upstream-server.ts';

const TEXT =
  'An address with an optional port (53 when not given): `192.0.2.1`, `[2001:db8::1]:5353`; ' +
  '`tls://192.0.2.3#dns.example` for DNS over TLS (port 853), where the certificate must be for ' +
  'the name, or without one for the address; `https://192.0.2.3/dns-query` for DNS over HTTPS.';

const serverText = parsed(parseServer, { description: TEXT });

const pin = parsed(parsePin, {
  description: '`sha256/` and the hash of a public key in base64 (RFC 7858 appendix A).',
  pattern: '^sha256/[A-Za-z0-9+/]{43}=$',
});

const bootstrap = parsed(
  (text) =>
    /^(\[.*\]|[^:]*):\d+$/.test(text)
      ? `"${text}" has a port; the URL has it already`
      : parseSocketAddress(text, HTTPS_PORT),
  {
    description:
      'https: the address that is connected to; the certificate must be for the name of the URL.',
  },
);

const serverObject = z
  .strictObject({
    server: parsed(parseServerPlace, { description: `The server. ${TEXT}` }),
    address: bootstrap.optional(),
    pin: z
      .union([pin, z.array(pin).min(1).max(16)])
      .optional()
      .meta({
        description:
          'tls, https: public keys of which the certificate must hold one, besides all else.',
      }),
    ca: parsed(parseSecretRef, {
      description:
        'tls, https: the authorities (PEM) that may vouch for the server, `file:PATH` or ' +
        '`env:NAME`; those that Node brings when not given.',
      pattern: '^(file|env):',
    }).optional(),
  })
  .transform((input, context) => {
    const { server: place, address, pin: pins, ca } = input;
    for (const [key, value] of Object.entries({ address, pin: pins, ca })) {
      const fits = key === 'address' ? ['https'] : ['tls', 'https'];
      if (value === undefined || fits.includes(place.transport)) continue;
      const message = `only for ${fits.map((one) => `${one}://`).join(' and ')} servers`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    const hashes = [pins ?? []].flat().map(({ sha256 }) => sha256);
    const server = completeServer(place, { address, pins: hashes, ca });
    if (typeof server !== 'string') return server;
    context.addIssue({ code: 'custom', path: ['server'], message: server });
    return z.NEVER;
  });

export const upstreamSchema = z
  .strictObject({
    servers: z
      .union([
        z.literal('system'),
        z
          .array(z.union([serverText, serverObject]))
          .min(1, { error: 'no server; list at least one' }),
      ])
      .meta({ description: 'Servers that are asked, or `system` for those of /etc/resolv.conf.' }),
    hedge: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Ask a second server when the first takes longer than nearly all its answers did, for ' +
          'one query in 20 at most.',
      }),
  })
  .meta({ description: 'Servers that are asked alike.' });
