/** One observable rule of a forwarder, and whether a server keeps it. */

import type { Transport } from '../support/client.ts';
import type { Subject } from './subject.ts';

export interface Check {
  /** Where it is written. */
  readonly rfc: string;
  readonly rule: string;
  /** Where the rule is about one of them only. */
  readonly over?: Transport;
  /** Throws where the server does not keep the rule. */
  run(subject: Subject): Promise<void>;
}

/** `RFC 1035 4.1.1: the id is copied` */
export function titleOf({ rfc, rule }: Check): string {
  return `${rfc}: ${rule}`;
}

/** What went wrong, or null. */
export async function verdictOf(check: Check, subject: Subject): Promise<string | null> {
  try {
    await check.run(subject);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
