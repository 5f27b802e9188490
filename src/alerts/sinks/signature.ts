/**
 * Signature of a webhook by the Standard Webhooks specification, for which receivers find ready
 * made libraries: HMAC-SHA256 over `ID.TIMESTAMP.BODY`. The timestamp is inside, so that what was
 * recorded cannot be played back later.
 */

import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** @param secret octets as text, or `whsec_` and base64 as the specification writes keys */
export function signature(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${mac}`;
}
