/** An entry of `alerts:` made one: where it goes with what the way there takes, paths absolute. */

import { resolve } from 'node:path';
import type { z } from 'zod';
import { WEBHOOK_BATCH } from './limits.ts';
import type { sinkSchema } from './schema.ts';
import type { SecretRef, SinkPlace, SinkTarget } from './sink-types.ts';

export type SinkInput = z.output<typeof sinkSchema>;

type Kind = SinkPlace['kind'];
const TLS: readonly Kind[] = ['syslog-tls', 'https'];

/** Keys that mean something for some sinks only, and for which. */
const ONLY_FOR = {
  framing: { kinds: ['syslog-tcp'], words: 'syslog+tcp://' },
  ca: { kinds: TLS, words: 'syslog+tls:// and https://' },
  cert: { kinds: TLS, words: 'syslog+tls:// and https://' },
  key: { kinds: TLS, words: 'syslog+tls:// and https://' },
  secret: { kinds: ['https'], words: 'https://' },
  address: { kinds: ['https'], words: 'https://' },
  batch: { kinds: ['https'], words: 'https://' },
} as const satisfies Record<string, { kinds: readonly Kind[]; words: string }>;

type Key = keyof typeof ONLY_FOR;

/** Keys of an entry that are wrong there, each with the reason. */
export function misplaced(input: SinkInput): readonly (readonly [Key, string])[] {
  const wrong: [Key, string][] = [];
  for (const key of Object.keys(ONLY_FOR) as Key[]) {
    const { kinds, words } = ONLY_FOR[key];
    const isIn = (kinds as readonly Kind[]).includes(input.to.kind);
    if (input[key] !== undefined && !isIn) wrong.push([key, `only for ${words} sinks`]);
  }
  // A setting that would do nothing hides that the client has no certificate.
  if (input.cert !== undefined && input.key === undefined) wrong.push(['cert', 'needs `key`']);
  if (input.key !== undefined && input.cert === undefined) wrong.push(['key', 'needs `cert`']);
  return wrong;
}

export function sinkTarget(input: SinkInput, directory: string): SinkTarget {
  const place = input.to;
  const ref = (given: SecretRef | undefined): SecretRef | null =>
    given === undefined ? null : absolute(given, directory);
  const tls = { ca: ref(input.ca), cert: ref(input.cert), key: ref(input.key) };
  switch (place.kind) {
    case 'file':
      return { kind: 'file', path: resolve(directory, place.path) };
    case 'syslog-tcp':
      return { ...place, framing: input.framing ?? 'octet-counting' };
    case 'syslog-tls':
      return { ...place, tls };
    case 'https': {
      const address = input.address?.address ?? null;
      const batch = input.batch ?? WEBHOOK_BATCH.default;
      return { ...place, address, tls, secret: ref(input.secret), batch };
    }
    default:
      return place;
  }
}

function absolute(ref: SecretRef, directory: string): SecretRef {
  return ref.kind === 'file' ? { kind: 'file', path: resolve(directory, ref.path) } : ref;
}
