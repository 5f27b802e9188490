/** The schemas of `query_log` and `dnstap`: every query, for those who want that. */

import { z } from 'zod';
import { count, filePath, line, parsed, size } from './leaves.ts';
import * as limits from './limits.ts';
import { parseSocketAddress } from './prefix.ts';
import type { DnstapTarget } from './sink-types.ts';

export function share(description: string) {
  return z.number().min(0).max(1).meta({ description });
}

const dnstapTarget = parsed(parseDnstapTarget, {
  description: 'Where the stream goes: `unix:/run/dnstap.sock` or `tcp://ADDRESS:PORT`.',
});

/** Target of dnstap, or the problem with `text`. */
export function parseDnstapTarget(text: string): DnstapTarget | string {
  const forms = 'accepted are "unix:/run/dnstap.sock" and "tcp://192.0.2.1:6000"';
  const path = /^unix:(\/[^\0]*)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'unix', path };
  const tcp = /^tcp:\/\/(.*)$/.exec(text);
  if (tcp === null) return `"${text}" is no target of dnstap; ${forms}`;
  const address = parseSocketAddress(tcp[1] ?? '', limits.DNSTAP_PORT);
  if (typeof address === 'string') {
    return `"${text}" has no address behind "//"; ${forms} (addresses, no names)`;
  }
  return { kind: 'tcp', host: address.address, port: address.port };
}

export const queryLogSchema = z
  .strictObject({
    path: filePath.meta({ description: 'File that gets a line of JSON for every query.' }),
    sample: share('Share of the queries that is written, 0 to 1.').default(1),
    max_size: size(limits.QUERY_LOG_SIZE, 'Size at which the file is put aside as `PATH.1`.'),
    max_files: count(limits.QUERY_LOG_FILES, 'Files kept beside the current one; the oldest goes.'),
  })
  .meta({ description: 'Every query as a line of JSON; docs/querylog.md.' });

export const dnstapSchema = z
  .strictObject({
    to: dnstapTarget,
    sample: share('Share of the queries that is told of, 0 to 1.').default(1),
    identity: line('Who says it; the name of the machine when not given.').optional(),
    version: line('What says it; `dnsvalve` and its version when not given.').optional(),
  })
  .meta({ description: 'Queries and responses as a dnstap stream; docs/querylog.md.' });
